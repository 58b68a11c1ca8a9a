import type { Catalog, NewEvent } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { inParallel } from '../in-parallel.ts';
import { observeSource } from '../observe-object.ts';
import type { OpenedScope } from '../opened-scope.ts';
import type { OperationIds } from '../operation-ids.ts';
import { StoreHealth } from '../store-health.ts';
import type { Tally } from './tally.ts';

export interface LookAgainPorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'record' | 'recordEvents' | 'listNearby' | 'readPlaces'>;
  readonly clock: Clock;
  readonly operationIds: OperationIds;
}

export interface LookAgain {
  readonly scope: string;
  readonly source: Storage;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** Objects read at once: enough to hide a store's latency. */
const AT_ONCE = 16;
/** An answer, or a chunk of a body, that takes longer does not come; as a profile's `deadline` is where it says none. */
const DEADLINE_MS = 30_000;

/**
 * Looks at objects whose source shows something else than the catalog says, and that no copy to a target reads anyway: their bytes are
 * hashed and recorded for what they are, as a read does that finds this out (docs/versions.md, "Observations").
 */
export async function lookAgain(
  { catalog, clock, operationIds: operations }: LookAgainPorts,
  { scope: name, source, tally, signal }: LookAgain,
  keys: readonly string[],
): Promise<void> {
  const events = { report: (event: NewEvent) => void catalog.recordEvents([event]).catch(() => undefined) };
  const ports = { catalog, clock, operations, events, health: new StoreHealth(clock) };
  const scope: OpenedScope = {
    name,
    title: name,
    source,
    replicas: [],
    consistency: 'current',
    deadlineMs: DEADLINE_MS,
  };
  await inParallel(keys, AT_ONCE, async (key) => {
    if (signal.aborted) return;
    try {
      const before = await catalog.readObject(name, key);
      const after = await observeSource(ports, { scope, name: key, row: before, signal });
      if (after === undefined) return;
      if (after.current.id !== before?.current.id)
        tally.source[before?.current.content.kind === 'object' ? 'changed' : 'registered']++;
      const here = after.replicas.find((one) => one.store === source.place && one.versionId === after.current.id);
      if (here?.state === 'BAD') tally.fail(key, undefined, ROTTEN);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (error.kind !== 'aborted') tally.fail(key, undefined, error);
    }
  });
}

const ROTTEN = { kind: 'corrupt', message: 'it holds other bytes than were recorded, and nobody wrote them' };
