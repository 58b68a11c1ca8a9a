import type { ObjectName } from '../../domain/object/object-name.ts';
import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { LockState } from '../../domain/rule/lock.ts';
import type { PolicyStatus } from '../../domain/rule/policy-status.ts';
import type { Verification } from '../../domain/store/verification.ts';
import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { AttemptRecord, RuleRecord } from '../../ports/rules.ts';

/** Why a thing is as it is (docs/rules.md, "Explain"). Stores by the names people use; times in milliseconds since 1970. */

export interface ObjectExplanation extends ObjectName {
  readonly isDeleted: boolean;
  /** No copy is left that could be good. */
  readonly isLost: boolean;
  /** Operation id of the current version. */
  readonly version: string;
  /** That of the version that is read meanwhile, as no store has ever had the current one; undefined: the current one is read. */
  readonly earlier: string | undefined;
  readonly size: number | undefined;
  readonly sha256: string | undefined;
  readonly replicas: readonly ReplicaExplained[];
  /** Rules whose content holds it. */
  readonly rules: readonly RuleExplained[];
  /** Copies that are asked for and are not there. */
  readonly copies: readonly CopyExplained[];
}

export interface ReplicaExplained {
  readonly store: string;
  /** Key of its bytes there. */
  readonly place: string;
  readonly state: ReplicaState;
  readonly verification: Verification;
  readonly isSoft: boolean;
  readonly isCurrent: boolean;
  /** In the words of policies; undefined: it has none for it. */
  readonly policyStatus: PolicyStatus | undefined;
  /** Why it cannot be read now, as far as that is known; undefined: nothing is known against it. */
  readonly unreadable: string | undefined;
  /** What is to be known of its store: `takes no writes now`. */
  readonly storeMarks: readonly string[];
  /** `source of data`, `rule 3`. */
  readonly because: readonly string[];
}

export interface RuleExplained {
  readonly rule: RuleRecord;
  /** One sentence about what it lacks or waits for; undefined: nothing. */
  readonly why: string | undefined;
  /** When it is looked at again by itself. */
  readonly nextMs: number | undefined;
  /** Stores that are no candidates for a copy that has no place. */
  readonly rejected: readonly StoreReason[];
}

export interface StoreReason {
  readonly store: string;
  readonly why: string;
}

export interface CopyExplained {
  readonly store: string;
  /** That want it; none: a profile does. */
  readonly rules: readonly number[];
  readonly lock: LockState | undefined;
  /** Undefined: it is not asked for yet. */
  readonly request: { readonly id: number; readonly state: RequestState; readonly attempts: number } | undefined;
  /** One sentence. */
  readonly why: string;
  /** Undefined: a worker has it now. */
  readonly nextMs: number | undefined;
  /** How long it was stuck, now and before; of several rules the one that was so longest. */
  readonly stuckMs: number;
  /** In the order in which they are tried. */
  readonly sources: readonly StoreReason[];
  readonly rejected: readonly StoreReason[];
  /** Oldest first. Sources by name. */
  readonly attempts: readonly AttemptRecord[];
}

export interface RuleExplanation extends RuleExplained {
  /** What copies that are not there wait for, most of them first. */
  readonly waiting: readonly WaitingCopies[];
  /** There are more copies than were looked at. */
  readonly isPartial: boolean;
}

/** Copies to one store that wait for the same. */
export interface WaitingCopies {
  readonly store: string;
  readonly lock: LockState;
  readonly count: number;
  readonly why: string;
  readonly example: ObjectName;
  /** The earliest. */
  readonly nextMs: number | undefined;
  /** How long the one that was so longest was stuck, now and before. */
  readonly stuckMs: number;
}
