import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import { StorageError } from '../../ports/storage.ts';
import type { SiteStore } from './site-store.ts';
import { Wakes } from './wakes.ts';

export interface CollectPorts {
  readonly catalog: Pick<Catalog, 'listSuperseded' | 'carryOutPurge' | 'record' | 'prune' | 'onDue'>;
  readonly clock: Clock;
  readonly store: SiteStore;
}

/** What was replaced here is kept for readers that have begun. */
const LOCAL_MS = 60_000;
const PAGE = 500;
const LOOK_MS = 5_000;
/** A purge may take a moment until its rows go: nobody sees them. */
const REST_MS = 500;

/**
 * Takes out what purges have taken away, and the bytes of versions that were replaced, once nobody wants them; for as long as the signal
 * allows. What a peer replaced can be brought back for `undoMs`.
 */
export async function collectSuperseded(ports: CollectPorts, undoMs: number, signal: AbortSignal): Promise<void> {
  using wakes = new Wakes(ports.catalog, ports.clock, REST_MS);
  let lookedMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (await ports.catalog.carryOutPurge()) continue;
    const nowMs = ports.clock.monotonicMs();
    if (nowMs - lookedMs >= LOOK_MS && (await collectPage(ports, undoMs, signal)) < PAGE) lookedMs = nowMs;
    await wakes.wait(LOOK_MS, signal);
  }
}

/** Returns how many copies went. */
async function collectPage({ catalog, store }: CollectPorts, undoMs: number, signal: AbortSignal): Promise<number> {
  const { storage } = store;
  const limits = { localMs: LOCAL_MS, arrivedMs: undoMs, limit: PAGE };
  const found = await catalog.listSuperseded({ store: storage.place, ...limits });
  const gone = [];
  for (const copy of found) {
    if (signal.aborted) break;
    const { scope, name, versionId, place, token } = copy;
    try {
      await storage.delete(place, { ifToken: token, deferred: true, signal });
      gone.push({ scope, name, versionId, store: storage.place, to: 'drop', ifToken: token } as const);
    } catch (error) {
      // Other bytes than were recorded are looked at by an audit; a store that does not answer is asked again.
      if (!(error instanceof StorageError)) throw error;
    }
  }
  if (gone.length === 0) return 0;
  await storage.flush([]);
  await catalog.record({ replicas: gone });
  await catalog.prune(PAGE);
  return gone.length;
}
