import type { ReplicaState } from './replica.ts';

/** A replica of the object's current version. */
export interface HopeFacts {
  readonly state: ReplicaState;
  /** A token of its bytes is known; without one nothing of it ever lay there, or it was given up. */
  readonly hasBytes: boolean;
}

/** Whether it is, or may turn out to be, a good copy without another one it is made from (docs/states.md, "Lost objects"). */
export function mayBeGood({ state, hasBytes }: HopeFacts): boolean {
  switch (state) {
    case 'AVAILABLE':
    case 'UNVERIFIED':
    case 'TEMPORARY_UNAVAILABLE':
    case 'SUSPICIOUS':
      return true;
    case 'UNAVAILABLE':
      return hasBytes;
    case 'COPYING':
    case 'BAD':
    case 'BEING_DELETED':
      return false;
  }
}

/** No replica of an object's current version is left that could be good. */
export function isLost(replicas: readonly HopeFacts[]): boolean {
  return !replicas.some(mayBeGood);
}
