import type { ReplicaState } from '../replica/replica.ts';
import type { LockEvent } from '../rule/lock.ts';
import type { Way, WayFailure } from './next-way.ts';
import type { RequestState } from './request-states.ts';
import type { RetryPolicy } from './retry.ts';

/** How an attempt at a copy ended. `not-needed`: the version is not current any more, or no rule wants it at this store. */
export type AttemptOutcome =
  | { readonly kind: 'arrived' | 'interrupted' }
  | { readonly kind: 'failed'; readonly failure: WayFailure; readonly why: string }
  | { readonly kind: 'no-source' | 'held-back' | 'not-needed'; readonly why: string }
  /** First a copy has to be at a store on the way; `place`: its key there. */
  | {
      readonly kind: 'relayed';
      readonly relay: { readonly store: string; readonly place: string };
      readonly why: string;
    };

export interface AttemptFacts {
  readonly outcome: AttemptOutcome;
  /** As the catalog has it now: `SUBMITTED`, unless the outcome comes late or twice. */
  readonly request: RequestState;
  /** The replica it makes. */
  readonly replica: ReplicaState | undefined;
  /** Since it was queued, this one too. */
  readonly attempts: number;
  /** How often its attempts were used up before. */
  readonly timesStuck: number;
  /** All that lead to the store, best first. */
  readonly ways: readonly Way[];
  /** Since it was queued, this one too. */
  readonly failures: readonly WayFailure[];
  readonly policy: RetryPolicy;
  /** By the clock that `nextAttemptMs` is compared with. */
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly fraction: number;
}

/** A request after an attempt. Whatever is not over has the time at which it goes on by itself. */
export type RequestAfter =
  | { readonly state: 'DONE' }
  | { readonly state: 'CANCELLED'; readonly why: string }
  | {
      readonly state: 'QUEUED' | 'WAITING' | 'FAILED' | 'NO_SOURCES';
      readonly attempts: number;
      readonly timesStuck: number;
      readonly nextAttemptMs: number;
      /** To be taken next; undefined: as it is ranked then. */
      readonly way: Way | undefined;
      readonly why: string;
    };

/** What becomes of request, replica and locks together, in one transaction (docs/states.md, "Attempts"). */
export type OutcomeDecision =
  | {
      readonly kind: 'decided';
      readonly request: RequestAfter;
      readonly replica: ReplicaState | undefined;
      /** For each lock on the replica. */
      readonly lock: LockEvent | undefined;
      /** A source that is to be looked at before it gives bytes again. */
      readonly doubtedSource: string | undefined;
      /** What was written must go again, where it is still as written (I5). */
      readonly isCopyUnwanted: boolean;
    }
  /** Told before: nothing changes, nothing is counted. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly why: string };
