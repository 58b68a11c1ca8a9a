/** What somebody may do about requests by hand (docs/rules.md, "Requests"). */
export interface RequestDesk {
  /**
   * Tries them now: those that wait for their time, and those that are over, whose attempts begin anew. One boolean an id, in order:
   * false where there is none, or a worker has it already.
   */
  askAgain(requestIds: readonly number[]): Promise<readonly boolean[]>;
  /** Cancels copies that no rule wants. One answer an id, in order. Who works on one has lost its lease. */
  cancelRequests(requestIds: readonly number[]): Promise<readonly RequestCancelled[]>;
}

/**
 * - `of-rules`: a rule wants the copy: as long as it does, it is brought.
 * - `delete`: what was deleted has to go (I5).
 * - `over`: it is cancelled already, or there is none.
 */
export type RequestCancelled = 'cancelled' | 'of-rules' | 'delete' | 'over';
