import type { Lease } from './catalog.ts';

/** What somebody may do about requests by hand (docs/rules.md, "Requests"). */
export interface RequestDesk {
  /**
   * Tries them now: those that wait for their time, and those that are over, whose attempts begin anew. One boolean an id, in order:
   * false where there is none, or a worker has it already.
   */
  askAgain(requestIds: readonly number[]): Promise<readonly boolean[]>;
  /** Cancels copies that no rule wants. One answer an id, in order. Who works on one has lost its lease. */
  cancelRequests(requestIds: readonly number[]): Promise<readonly RequestCancelled[]>;
  /**
   * Whether somebody still has a copy in hand that was cancelled under him: a copy for a rule, of which he has not said since that he
   * left it. Whatever he says or not, after two minutes nobody has; but for what a transfer tool was given that outlives its workers:
   * that is in hand until it was looked after (`forgetAbandoned`).
   */
  isCopyInHand(copy: { readonly versionId: number; readonly store: string }): Promise<boolean>;
  /** Of claims that were lost: what they had in hand is left, and nothing of it is published from then on. */
  leaveCopies(leases: readonly Lease[]): Promise<void>;
}

/**
 * - `of-rules`: a rule wants the copy: as long as it does, it is brought.
 * - `delete`: what was deleted has to go (I5).
 * - `over`: it is cancelled already, or there is none.
 */
export type RequestCancelled = 'cancelled' | 'of-rules' | 'delete' | 'over';
