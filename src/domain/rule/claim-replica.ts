import type { ReplicaState } from '../replica/replica.ts';
import type { LockEvent } from './lock.ts';

/** How a lock begins; `request`: a copy is to be queued for it (asked for twice, it is queued once). */
export interface Claim {
  readonly lock: 'OK' | 'REPLICATING';
  readonly request: boolean;
}

/** What a rule finds when it claims a replica of the current version; undefined: there is none (docs/states.md, "Locks"). */
export function claimReplica(state: ReplicaState | undefined): Claim {
  if (isSatisfied(state)) return { lock: 'OK', request: false };
  return { lock: 'REPLICATING', request: state !== 'COPYING' };
}

/** What the change of a replica tells each of its locks; undefined: nothing. */
export function lockEventAfter(
  before: ReplicaState | undefined,
  after: ReplicaState | undefined,
): LockEvent | undefined {
  if (isSatisfied(before) === isSatisfied(after)) return undefined;
  return { kind: isSatisfied(after) ? 'satisfied' : 'replica-lost' };
}

/** A store that does not answer for a moment still has its copies: nothing is copied anew for that. */
function isSatisfied(state: ReplicaState | undefined): boolean {
  return state === 'AVAILABLE' || state === 'TEMPORARY_UNAVAILABLE';
}
