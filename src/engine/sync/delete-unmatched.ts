import { HELD_BACK } from '../../domain/transfer/held-back.ts';
import type { Catalog, Change, RecordBatch, ReplicaChange } from '../../ports/catalog.ts';
import type { SyncLease } from '../../ports/catalog-syncs.ts';
import type { PlaceChange } from '../../ports/places.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import type { OperationIds } from '../operation-ids.ts';
import type { KnownObject } from './known-cursor.ts';
import type { Tally } from './tally.ts';

/** Something a target has (or the catalog believes in) and the source has not. */
export interface Unmatched {
  readonly key: string;
  readonly known: Pick<KnownObject, 'versionId' | 'isTombstone'> | undefined;
  /** Places that hold a replica of it by the catalog's word, with the version they hold. */
  readonly replicas: readonly { readonly store: string; readonly versionId: number }[];
  readonly at: readonly { readonly target: number; readonly token: string }[];
}

export interface DeleteUnmatched {
  readonly scope: string;
  readonly source: Storage;
  readonly targets: readonly Storage[];
  readonly lease: SyncLease;
  readonly isLost: () => boolean;
  /** Fails when the source as a whole has gone: then what it does not have says nothing. */
  readonly checkSource: () => Promise<void>;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

const LATE = { kind: 'fenced', message: 'the lease was over before all was deleted; the next sync deletes the rest' };

/** Deletes under way at once: enough to hide a store's latency, few enough to stop soon. */
const AT_ONCE = 16;
const BATCH = 256;

/**
 * Deletes what the source no longer has. Directly before, the source is asked once more and the catalog too: only what both
 * still miss is deleted; unavailable means no delete (I9). A known object gets its tombstone first, so that no late copy
 * brings it back (I5).
 */
export async function deleteUnmatched(
  { catalog, operationIds }: { readonly catalog: Catalog; readonly operationIds: OperationIds },
  args: DeleteUnmatched,
  unmatched: readonly Unmatched[],
): Promise<void> {
  for (let at = 0; at < unmatched.length && !args.signal.aborted; at += BATCH) {
    const batch = unmatched.slice(at, at + BATCH);
    const gone = await keepMissing(args, batch);
    if (args.isLost()) return args.tally.fail('', undefined, LATE);
    if (gone.length > 0) await args.checkSource();
    const deletable = await recordTombstones(catalog, operationIds, args, gone);
    const keeping = await Promise.all(args.tally.targets.map(async ({ target }) => target.keepsNow?.()));
    await catalog.record({ lease: args.lease, ...(await deleteAll(args, deletable, keeping)) });
    args.tally.report('deleting');
  }
}

/** Those the source says, at this moment, it does not have. */
async function keepMissing(args: DeleteUnmatched, batch: readonly Unmatched[]): Promise<Unmatched[]> {
  const missing: Unmatched[] = [];
  await inParallel(batch, async (one) => {
    try {
      await args.source.head(one.key, { signal: args.signal });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (error.kind === 'not-found') missing.push(one);
      else
        for (const { target } of one.at)
          args.tally.fail(one.key, target, { kind: error.kind, message: `not deleted: ${error.message}` });
    }
  });
  return missing;
}

async function recordTombstones(
  catalog: Catalog,
  operationIds: OperationIds,
  args: DeleteUnmatched,
  gone: readonly Unmatched[],
): Promise<Unmatched[]> {
  const changes: Change[] = [];
  const changed: Unmatched[] = [];
  const deletable: Unmatched[] = [];
  for (const one of gone) {
    if (one.known === undefined || one.known.isTombstone) {
      deletable.push(one);
      continue;
    }
    const { versionId } = one.known;
    changed.push(one);
    changes.push({
      scope: args.scope,
      name: one.key,
      follows: versionId,
      content: { kind: 'tombstone' },
      operation: operationIds.next(),
      replicas: [],
    });
  }
  const { changes: outcomes, fenced } = await catalog.record({ lease: args.lease, changes });
  if (fenced) return [];
  // Another version came meanwhile: somebody wrote it, and it is not to be deleted.
  for (const [i, one] of changed.entries()) if (outcomes[i]?.kind !== 'conflict') deletable.push(one);
  return deletable;
}

/**
 * Gives what the catalog is to be told of it: of the scope's own copies, and of the places where others may count theirs. `keeping`: why a
 * target is to delete nothing by now. What it has of them goes by requests, when it may.
 */
async function deleteAll(
  args: DeleteUnmatched,
  deletable: readonly Unmatched[],
  keeping: readonly (string | undefined)[],
): Promise<Pick<RecordBatch, 'replicas' | 'places'>> {
  const drops: ReplicaChange[] = [];
  const places: PlaceChange[] = [];
  await inParallel(deletable, async (one) => {
    const kept = new Set<string>();
    for (const { target, token } of one.at) {
      const storage = args.targets[target] as Storage;
      const why = keeping[target];
      if (why !== undefined) {
        kept.add(storage.place);
        args.tally.fail(one.key, target, { kind: HELD_BACK, message: `not deleted: ${why}` });
        continue;
      }
      try {
        if (args.isLost()) throw new StorageError('aborted', { store: storage.name, key: one.key }, LATE.message);
        await storage.delete(one.key, { ifToken: token, deferred: true, signal: args.signal });
        args.tally.target(target).deleted++;
        places.push({ scope: args.scope, store: storage.place, key: one.key, became: 'gone', token });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        kept.add(storage.place);
        args.tally.fail(one.key, target, { kind: error.kind, message: `not deleted: ${error.message}` });
      }
    }
    const inRun = args.targets.filter(
      (_, index) => !args.tally.isOut(index) && args.tally.target(index).target.keepsUnmatched === undefined,
    );
    const ours = new Set([args.source.place, ...inRun.map(({ place }) => place)]);
    for (const { store, versionId } of one.replicas) {
      if (!kept.has(store) && ours.has(store))
        drops.push({ scope: args.scope, name: one.key, versionId, store, to: 'drop' });
    }
  });
  await Promise.all(
    args.targets.map(async (storage, index) => {
      if (!args.tally.isOut(index)) await storage.flush([]);
    }),
  );
  return { replicas: drops, places };
}

async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
}
