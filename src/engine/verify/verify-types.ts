import type { ListingFailure } from '../../ports/storage.ts';
import type { SyncTarget } from '../sync/sync-types.ts';

/**
 * What is wrong with one copy (docs/replicas.md, "Verifying").
 *
 * - `missing`: it is not there, and should be.
 * - `stale`: it holds another version of the object.
 * - `corrupt`: its bytes are those of no version; nobody meant to write them.
 * - `unreadable`: the store could not be asked, or gave an error. Nothing is known.
 * - `extra`: it is at the target and not at the source, which is not wrong by itself.
 */
export type VerifyFindingKind = 'missing' | 'stale' | 'corrupt' | 'unreadable' | 'extra';

export interface VerifyFinding {
  /** Printable on one line; the name itself is `name`. */
  readonly key: string;
  readonly name: string;
  /** Title of the target; undefined: the source. */
  readonly target: string | undefined;
  readonly kind: VerifyFindingKind;
  readonly message: string;
  /** Of what is missing or corrupt at the source: titles of the targets that have the right bytes. */
  readonly intactAt?: readonly string[] | undefined;
  /** Why a listing could not show it. */
  readonly cause?: ListingFailure['kind'] | undefined;
}

export interface VerifyCounts {
  /** Copies whose bytes were read again, all of them, and are the object's. */
  readonly intact: number;
  readonly missing: number;
  readonly stale: number;
  readonly corrupt: number;
  readonly unreadable: number;
  /** At the target and not at the source; no difference by itself, and never deleted. */
  readonly extra: number;
  /** Bytes read. */
  readonly bytes: number;
  /** Why this store was given up as a whole. */
  readonly gaveUp: string | undefined;
}

export interface VerifyStoreResult extends VerifyCounts {
  readonly title: string;
  readonly place: string;
}

export interface VerifyResult {
  readonly scope: string;
  /** `interrupted`: the rest was not looked at. */
  readonly state: 'intact' | 'differs' | 'interrupted';
  readonly objects: number;
  readonly source: VerifyStoreResult;
  readonly targets: readonly VerifyStoreResult[];
  /** At most `FINDINGS_KEPT` that are wrong, then at most as many that are only extra; all were told to `onFinding`. */
  readonly findings: readonly VerifyFinding[];
  readonly seconds: number;
}

export interface VerifyProgressReport {
  /** Objects seen in the listings, and of these read at all their stores. */
  readonly listed: number;
  readonly objects: number;
  /** Read so far at all stores together, of so many that were listed. */
  readonly bytes: number;
  readonly bytesListed: number;
  readonly wrong: number;
  /** The listings are complete: `listed` and `bytesListed` are final. */
  readonly complete: boolean;
}

export interface VerifyListeners {
  readonly onProgress?: (report: VerifyProgressReport) => void;
  readonly onFinding?: (finding: VerifyFinding) => void;
}

export type VerifyTarget = SyncTarget;

/** Findings kept in memory for the result. */
export const FINDINGS_KEPT = 10_000;
