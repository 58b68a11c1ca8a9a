import { type Clocked, compareVersions } from '../object/dot.ts';
import { compareHybrid, type HybridTime } from '../object/hybrid-clock.ts';

/** A version as a join sees it: when and by whom it was made, and what it is. */
export interface Joined extends Clocked {
  readonly time: HybridTime;
  /** Id of the site that made it. */
  readonly origin: string;
  /** UUIDv7. */
  readonly operation: string;
  /** Equal for two versions with equal bytes and metadata; all tombstones are equal. */
  readonly identity: string;
  readonly isTombstone: boolean;
}

/**
 * What a version that arrives does to an object (docs/sites.md, "Order and conflicts"). Whatever the order in which versions arrive, and
 * however often, every site ends with the same current version and the same siblings.
 *
 * - `joined`: what the object is from now on, the current version first, then its siblings: versions that did not see each other.
 * - `older`: what is there has seen it. `known`: it is there already. Nothing changes.
 * - `alarm`: the dot is there with other content, so a site has used it twice. Nothing changes, and it has to be told loudly.
 */
export type JoinOutcome<V extends Joined> =
  | { readonly kind: 'joined'; readonly versions: readonly [current: V, ...siblings: V[]] }
  | { readonly kind: 'older' }
  | { readonly kind: 'known' }
  | { readonly kind: 'alarm'; readonly with: V };

/** `present`: the current version and its siblings, in any order; empty where the object was never heard of. */
export function join<V extends Joined>(present: readonly V[], incoming: V): JoinOutcome<V> {
  const beside: V[] = [];
  for (const one of present) {
    switch (compareVersions(incoming, one)) {
      case 'equal':
        return one.identity === incoming.identity ? { kind: 'known' } : { kind: 'alarm', with: one };
      case 'before':
        return { kind: 'older' };
      case 'concurrent':
        beside.push(one);
        break;
      case 'after':
    }
  }
  const [current, ...siblings] = [incoming, ...beside].sort((a, b) => (wins(a, b) ? -1 : 1));
  return { kind: 'joined', versions: [current as V, ...siblings] };
}

/**
 * Which of two concurrent versions is served: one that is no tombstone (a put that did not see the delete survives), then the later by hybrid
 * time, then that of the greater site id, then that of the greater operation id.
 */
export function wins(a: Joined, b: Joined): boolean {
  if (a.isTombstone !== b.isTombstone) return b.isTombstone;
  const byTime = compareHybrid(a.time, b.time);
  if (byTime !== 0) return byTime > 0;
  if (a.origin !== b.origin) return a.origin > b.origin;
  if (a.operation !== b.operation) return a.operation > b.operation;
  return a.dot.actor > b.dot.actor;
}

/** Whether two siblings differ in what somebody wrote: equal content, one write made twice, and deletes are no conflicts. */
export function isConflict(a: Joined, b: Joined): boolean {
  return a.identity !== b.identity && a.operation !== b.operation && !a.isTombstone && !b.isTombstone;
}

/** Of the versions beside the one that is served those that are conflicts, the one that would be served next first; equal ones together. */
export function losersOf<V extends Joined>(served: V, siblings: readonly V[]): readonly (readonly [V, ...V[]])[] {
  const losers = siblings.filter((one) => isConflict(served, one)).sort((a, b) => (wins(a, b) ? -1 : 1));
  return [...Map.groupBy(losers, ({ identity }) => identity).values()] as [V, ...V[]][];
}
