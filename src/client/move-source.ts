import type { Pando } from '../compose.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { storePlace } from '../config/place.ts';
import type { ReplicaChange } from '../ports/catalog.ts';
import { findStore } from './list-stores.ts';

export interface SourceMoved {
  /** Place where the catalog knew it; undefined: where it is. */
  readonly from: string | undefined;
  /** Copies at the old place that are not counted any more. */
  readonly forgotten: number;
}

/** Objects looked at in one transaction. */
const PAGE_OBJECTS = 1_000;

/**
 * The source of a profile lies where the configuration says, and not where the catalog knew it (docs/catalog.md, "Scopes and their
 * sources"). What was known to lie at the old place is forgotten: it counts for nothing, and no delete goes there. What lies at the
 * new one is found by its bytes, as the next sync looks at it. Told again after an interruption it goes on, with `from`.
 */
export async function moveSource(
  pando: Pando,
  name: string,
  { from, signal }: { readonly from?: string; readonly signal: AbortSignal },
): Promise<SourceMoved> {
  findStore(pando.configuration, name);
  const profile = pando.profile(name);
  if (profile === undefined) throw new Error(`${name} is a store and no profile`);
  if (!pando.hasPlace(profile)) {
    const remedy = 'mount the disk it lies on, or write in pando.yaml where it is';
    throw new ConfigurationError([
      problemOutsideFiles('store moved', `${storePlace(profile.storage)} is not there`, remedy),
    ]);
  }
  const catalog = await pando.catalog();
  const place = storePlace(profile.storage);
  const old = from ?? (await catalog.findOtherSource(name, place));
  if (old === undefined || old === place) return { from: undefined, forgotten: 0 };
  await pando.openScope(profile, { isMoved: true });
  let forgotten = 0;
  for (let after: string | undefined; !signal.aborted; ) {
    const page = await catalog.scanScope({
      scope: name,
      prefix: '',
      limit: PAGE_OBJECTS,
      stores: [old],
      deleted: true,
      details: false,
      ...(after === undefined ? {} : { after }),
    });
    const [there] = page.replicas;
    const replicas = page.names.flatMap((object, at): ReplicaChange[] => {
      const versionId = there?.versionIds[at] ?? undefined;
      const ifToken = there?.tokens[at] ?? undefined;
      if (versionId === undefined) return [];
      return [
        { scope: name, name: object, versionId, store: old, to: 'drop', ...(ifToken === undefined ? {} : { ifToken }) },
      ];
    });
    if (replicas.length > 0) await catalog.record({ replicas });
    forgotten += replicas.length;
    after = page.next;
    if (after === undefined) break;
  }
  return { from: old, forgotten };
}
