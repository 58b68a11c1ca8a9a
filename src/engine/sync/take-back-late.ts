import type { Catalog } from '../../ports/catalog.ts';
import type { CopyItem, CopyOutcome } from '../../ports/copy-pool.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { type PublishedCopy, takeBack } from '../take-back.ts';

export interface TakeBackLate {
  readonly catalog: Pick<Catalog, 'readObject'>;
  readonly scope: string;
  /** Indexed by `CopyTarget.target`. */
  readonly targets: readonly Storage[];
}

/**
 * What was published too late under a lease that is lost goes again, if it is still ours. What was published in time stays: whoever
 * took over looked at the target after that, and goes by what he found. What cannot be asked stays too.
 */
export async function takeBackLate(
  deps: TakeBackLate,
  items: readonly CopyItem[],
  outcomes: readonly CopyOutcome[],
): Promise<void> {
  for (const [i, { source, targets }] of outcomes.entries()) {
    const { key, operation, known } = items[i] as CopyItem;
    for (const outcome of targets) {
      if (outcome.kind !== 'copied' || !outcome.isLate) continue;
      const isKnown = known !== undefined && known.sha256 === source?.sha256;
      const copy = { key, token: outcome.token, operation: isKnown ? known.operation : operation };
      const storage = deps.targets[outcome.target] as Storage;
      try {
        if (!(await isKept(deps, storage.place, copy))) await takeBack(storage, copy);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }
  }
}

/** A copy of the current version, or one that the catalog counts by now, is one to keep whoever made it. */
async function isKept(
  { catalog, scope }: TakeBackLate,
  store: string,
  { key, token, operation }: PublishedCopy,
): Promise<boolean> {
  const row = await catalog.readObject(scope, key);
  if (row?.current.operation === operation) return true;
  const replica = row?.replicas.find((one) => one.store === store && one.token === token);
  return replica !== undefined && replica.state !== 'BEING_DELETED';
}
