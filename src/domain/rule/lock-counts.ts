import type { LockState } from './lock.ts';

/** How many locks of a rule are in which state; or by how many that changes. */
export interface LockCounts {
  readonly ok: number;
  readonly replicating: number;
  readonly stuck: number;
}

export const NO_LOCKS: LockCounts = { ok: 0, replicating: 0, stuck: 0 };

/**
 * What the change of one lock adds to its rule's counts; undefined: the lock did not exist before, or does not after. Deltas add up
 * in any order, so those of a page are summed by rule and applied at once (docs/states.md, "Counts").
 */
export function countsDelta(before: LockState | undefined, after: LockState | undefined): LockCounts {
  return {
    ok: differenceOf('OK', before, after),
    replicating: differenceOf('REPLICATING', before, after),
    stuck: differenceOf('STUCK', before, after),
  };
}

export function addCounts(a: LockCounts, b: LockCounts): LockCounts {
  return { ok: a.ok + b.ok, replicating: a.replicating + b.replicating, stuck: a.stuck + b.stuck };
}

function differenceOf(state: LockState, before: LockState | undefined, after: LockState | undefined): number {
  return Number(after === state) - Number(before === state);
}
