import type { NestedStore } from '../../domain/store/nested-stores.ts';
import type { Verification } from '../../domain/store/verification.ts';
import type { Comparison } from '../../domain/transfer/difference.ts';
import type { DeleteLimit } from '../../domain/transfer/delete-limit.ts';
import type { KeyFilter } from '../../domain/transfer/key-filter.ts';
import type { SyncHeld, SyncPurpose } from '../../ports/catalog-syncs.ts';
import type { Storage } from '../../ports/storage.ts';

export interface SyncTarget {
  /** The profile's name, or the URL or path as the user wrote it. */
  readonly title: string;
  readonly storage: Storage;
  /** Why it cannot be written to: it is given up from the start, and the others go on. */
  readonly failure?: { readonly kind: string; readonly message: string } | undefined;
  /** Why nothing is to be deleted at it: what the source does not have stays there, and that is told. */
  readonly keepsUnmatched?: string | undefined;
  /** The same as it is by now, once deletes have begun. */
  readonly keepsNow?: () => Promise<string | undefined>;
  /** Other stores that lie in it, innermost first: their files are not leftovers of a mirror. */
  readonly inside?: readonly NestedStore[] | undefined;
}

export interface SyncOptions {
  /** Only names that begin so; '' is all. */
  readonly prefix: string;
  readonly filter: KeyFilter;
  readonly comparison: Comparison;
  /** Delete at the targets what the source has not. */
  readonly deleteUnmatched: boolean;
  readonly deleteLimit: DeleteLimit;
  /** Deletes are meant also where the source's listing is empty. */
  readonly allowEmptySource?: boolean | undefined;
  readonly readBack: boolean;
  /** Copies that need no copying and are not known as well as this are read, and compared. */
  readonly verify?: Verification | undefined;
  readonly dryRun: boolean;
  /** Wait for another sync of the same target to end, rather than be refused. */
  readonly wait: boolean;
  /** As it is told; by default `sync`. */
  readonly purpose?: SyncPurpose | undefined;
}

/** What a sync does, or in a dry run would do. */
export interface PlannedAction {
  readonly action: 'add' | 'update' | 'compare' | 'delete';
  readonly key: string;
  readonly target: string;
  readonly bytes: number;
}

export interface SyncProgressReport {
  readonly phase: 'copying' | 'deleting';
  /** Objects seen at the source, and of these done: copied, found unchanged, or failed. */
  readonly listed: number;
  readonly done: number;
  /** Total of what is to be copied so far, and of it copied, over all targets. */
  readonly bytesPlanned: number;
  readonly bytesCopied: number;
  /** Moved for large objects that are under way: not yet published and verified, and not in `bytesCopied`. */
  readonly bytesUnderWay: number;
  readonly failed: number;
  /** The source's listing is complete: `listed` and `bytesPlanned` are final. */
  readonly complete: boolean;
}

export interface SyncListeners {
  readonly onProgress?: (report: SyncProgressReport) => void;
  readonly onAction?: (action: PlannedAction) => void;
  readonly onFailure?: (failure: SyncFailure) => void;
  /** Another sync holds a target and is waited for. */
  readonly onWait?: (
    held: SyncHeld | { readonly target: string; readonly heldBy: string; readonly sinceMs: number },
  ) => void;
  /** The run before was killed, and workers of other machines may publish copies for it for so long yet; that is waited for. */
  readonly onSettle?: (waitMs: number) => void;
  /** No worker has taken a page for so long; this process carries pages out now, beside workers that may come. */
  readonly onNoWorker?: (waitedMs: number) => void;
}

export interface SyncFailure {
  /** Printable on one line. */
  readonly key: string;
  /** Title of the target; undefined where the source is at fault, for all targets. */
  readonly target: string | undefined;
  readonly kind: string;
  readonly message: string;
}

export interface SyncTargetResult {
  readonly title: string;
  readonly place: string;
  readonly added: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly failed: number;
  /** At the target and not at the source; left alone unless told to delete. */
  readonly unmatched: number;
  /** Of these: to be deleted, and kept because the source's listing was not complete where they would be. */
  readonly heldBack: number;
  /** Bytes copied. */
  readonly bytes: number;
  /** The weakest level any copy of this run has; undefined when nothing was copied. */
  readonly verification: Verification | undefined;
  /** Why this target was given up as a whole. */
  readonly gaveUp: string | undefined;
}

export interface SyncResult {
  readonly id: string;
  readonly scope: string;
  readonly dryRun: boolean;
  /** `done`: every copy made is verified, and with `verify` every other one too. `failed`: some of it is not, see `failures`. `refused`: a guard stopped it. */
  readonly state: 'done' | 'failed' | 'refused' | 'interrupted';
  /** What the guard says: which limit, how many, which flag. */
  readonly refusal: string | undefined;
  readonly source: {
    readonly objects: number;
    readonly bytes: number;
    /** Where no target takes part: those the catalog did not know, or knew as deleted. */
    readonly registered: number;
    /** Where no target takes part: those that hold other bytes than the catalog knew; of a dry run, those that would be read to tell. */
    readonly changed: number;
    readonly hidden: number;
    readonly excluded: number;
    readonly markers: number;
    readonly failed: number;
  };
  readonly targets: readonly SyncTargetResult[];
  /** At most `FAILURES_KEPT` of them; all were told to `onFailure`. */
  readonly failures: readonly SyncFailure[];
  /** This run went on where an interrupted one had stopped. */
  readonly resumed: { readonly syncId: string; readonly startedMs: number } | undefined;
  readonly seconds: number;
}

/** Failures kept in memory for the result. */
export const FAILURES_KEPT = 10_000;
