import type { Verification } from '../store/verification.ts';
import type { ReplicaState } from './replica.ts';

/** What decides whether a copy may be counted. */
export interface CopyFacts {
  readonly state: ReplicaState;
  readonly verification: Verification;
  /** Not flushed yet (docs/versions.md, "Soft copies"). */
  readonly isSoft: boolean;
  /** Of the object's current version. */
  readonly isCurrent: boolean;
  /** Its store keeps bytes in memory only. */
  readonly isInMemory: boolean;
  /** Its bytes are the very ones of another copy (a clone, a link): one disk block lost is both lost. */
  readonly sharesBytes: boolean;
  /** Kept by a read, by nobody's order. */
  readonly isCache: boolean;
}

/** Whether a copy counts as one when others are to be deleted (docs/states.md, "Good copies"). */
export function isGoodCopy(copy: CopyFacts): boolean {
  return (
    copy.state === 'AVAILABLE' &&
    copy.verification !== 'none' &&
    copy.isCurrent &&
    !copy.isSoft &&
    !copy.isInMemory &&
    !copy.sharesBytes &&
    !copy.isCache
  );
}
