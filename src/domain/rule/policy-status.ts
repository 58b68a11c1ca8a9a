import type { ReplicaState } from '../replica/replica.ts';
import type { RequestState } from '../transfer/request-states.ts';
import type { LockState } from './lock.ts';

/** A replica in the words of replication policies (docs/states.md, "As a policy sees it"). */
export type PolicyStatus = 'QUEUED' | 'REQUESTED' | 'COMPLETED' | 'FAILED' | 'INVALIDATED';

/** What is known of the current version at one store; undefined: no replica, no lock, no request. */
export interface PolicyStatusFacts {
  readonly replica: ReplicaState | undefined;
  readonly lock: LockState | undefined;
  readonly request: RequestState | undefined;
}

/** Undefined: the store is not one that has, or is to have, the object. What is known of the bytes comes before what is planned. */
export function viewPolicyStatus({ replica, lock, request }: PolicyStatusFacts): PolicyStatus | undefined {
  if (replica === 'BAD' || replica === 'SUSPICIOUS') return 'INVALIDATED';
  if (replica === 'AVAILABLE' || replica === 'TEMPORARY_UNAVAILABLE') return 'COMPLETED';
  const requested = viewRequest(request);
  if (requested !== undefined) return requested;
  // An upload has no request.
  if (replica === 'COPYING') return 'REQUESTED';
  if (lock !== undefined) return lock === 'STUCK' ? 'FAILED' : 'QUEUED';
  return replica === 'UNAVAILABLE' ? 'FAILED' : undefined;
}

function viewRequest(request: RequestState | undefined): PolicyStatus | undefined {
  switch (request) {
    case 'QUEUED':
    case 'WAITING':
      return 'QUEUED';
    case 'SUBMITTED':
      return 'REQUESTED';
    case 'FAILED':
    case 'NO_SOURCES':
      return 'FAILED';
    case 'DONE':
    case 'CANCELLED':
    case undefined:
      return undefined;
  }
}
