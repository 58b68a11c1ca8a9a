import { allowsDelete, describeDeleteLimit } from '../../domain/transfer/delete-limit.ts';
import { countOf } from '../../domain/count-of.ts';
import type { UnmatchedCounts } from './sync-planner.ts';
import type { SyncOptions } from './sync-types.ts';
import type { Tally } from './tally.ts';

/** What a run is about to delete. */
export interface PlannedDeletes {
  readonly options: Pick<SyncOptions, 'deleteLimit' | 'allowEmptySource'>;
  readonly tally: Tally;
  /** Its listing showed nothing at all. */
  readonly isSourceEmpty: boolean;
  /** Those that the catalog knows are deleted at every store that has a copy, also where no target of this run is. */
  readonly counts: Readonly<UnmatchedCounts>;
  /** At each target what refused runs of this source have added since it was last in line with it; empty: nobody knows. */
  readonly grown: readonly number[];
}

/** Before the first delete: what keeps all of them, at every target, and how to say that they are meant (docs/sync.md, "Guards"). */
export function refuseDeletes(planned: PlannedDeletes): string | undefined {
  const { options, isSourceEmpty } = planned;
  const count = planned.counts.all;
  const over = findOver(planned);
  if (isSourceEmpty && count > 0 && options.allowEmptySource !== true) {
    const flags = over === undefined ? '--allow-empty-source' : '--allow-empty-source and --max-delete 100%';
    return `the source is empty, and ${countOf(count, 'object')} would be deleted; nothing was deleted. A disk that is not mounted looks like this. If it is meant, say ${flags}`;
  }
  if (over === undefined) return undefined;
  return `${over}; nothing was deleted. If this is meant, raise --max-delete`;
}

/** What would be more than the limit, of a target or of what the source had. */
function findOver({ options: { deleteLimit }, tally, counts, grown }: PlannedDeletes): string | undefined {
  for (const [index, { listed, target }] of tally.targets.entries()) {
    if (tally.isOut(index) || target.keepsUnmatched !== undefined) continue;
    const count = counts.atTargets[index] ?? 0;
    const total = wholeOf(listed, count, grown[index] ?? 0);
    if (allowsDelete(deleteLimit, { count, total })) continue;
    const limit = describeDeleteLimit(deleteLimit, 'the target');
    const since =
      total === listed ? '' : ', not counting what refused runs have added since it was last in line with its source';
    return `${count} of ${countOf(total, 'object')} at ${target.title} would be deleted${since}, more than --max-delete allows (${limit})`;
  }
  const total = tally.source.objects + counts.known + counts.knownKept;
  if (allowsDelete(deleteLimit, { count: counts.known, total })) return undefined;
  const limit = describeDeleteLimit(deleteLimit, 'them');
  return `${counts.known} of ${countOf(total, 'object')} that the source had would be deleted with their copies at all stores, more than --max-delete allows (${limit})`;
}

/**
 * What a run adds before it is refused must not make the same deletes a smaller part of the target the next time. What was added counts only so
 * far as the source has it still.
 */
function wholeOf(listed: number, unmatched: number, grown: number): number {
  return Math.max(listed - grown, unmatched);
}

export function refusePlaced(target: string): string {
  return `${target} holds copies that rules or uploads have placed there, or that rules about another profile keep there, and a sync takes them for leftovers; nothing was deleted. Sync into a place of its own, or without --delete-unmatched-files`;
}
