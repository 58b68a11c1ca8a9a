import { countOf } from '../count-of.ts';

/** How much a sync may delete before it stops and asks (docs/sync.md, "Guards"). */
export type DeleteLimit =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number };

/** Half of the target: more is rarely meant, and is what an unmounted source looks like. */
export const DEFAULT_DELETE_LIMIT: DeleteLimit = { kind: 'percent', percent: 50 };

/** Whether deleting `count` of the `total` objects at a target, or of the source, stays within the limit. */
export function allowsDelete(
  limit: DeleteLimit,
  { count, total }: { readonly count: number; readonly total: number },
): boolean {
  if (count === 0) return true;
  return limit.kind === 'count' ? count <= limit.count : count * 100 <= total * limit.percent;
}

export function describeDeleteLimit(limit: DeleteLimit, whole: string): string {
  return limit.kind === 'count' ? countOf(limit.count, 'object') : `${limit.percent} % of ${whole}`;
}
