import type { CollectionProblem } from '../domain/collection/collection.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { ObjectContent } from '../domain/object/version.ts';
import type { RuleWords } from '../domain/rule/rule.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import type { Lease } from './catalog.ts';
import type { CollectionOutcome } from './collections.ts';
import type { PageQuota, TransferOutcome } from './rules.ts';

/**
 * Uploads in the catalog (docs/uploads.md). An upload is a request whose bytes come from a file of the uploader and not from a store:
 * it is held by a lease like any other, its attempts are recorded like any other's, and what becomes of it is settled by the same
 * rules. When its lease has run out a worker may take it up; it finds a source in another store, or says that the upload was
 * interrupted.
 */
export interface UploadCatalog {
  /**
   * For each file, in one transaction: its version (unless the object has these bytes already), a replica `COPYING` at the store, a
   * lock of the upload's rule on it, and a request under the uploader's lease. One answer each, in order; no file is named twice.
   * `no-room`: the store or a quota has none for all that would be new; nothing was registered.
   */
  beginUploads(begin: BeginUploads): Promise<UploadsBegun>;
  /**
   * Notes attempts that failed and goes on: one new lease each, or undefined where the old one is lost. Nobody else gets the request in
   * between.
   */
  continueUploads(
    outcomes: readonly TransferOutcome[],
    claim: { readonly owner: string; readonly leaseMs: number },
  ): Promise<readonly (Lease | undefined)[]>;
  /**
   * As `settleTransfers`. What has arrived becomes a member of the dataset in the same transaction, and the store where an object was
   * first available its authority.
   */
  finishUploads(outcomes: readonly TransferOutcome[], into: ObjectName | undefined): Promise<UploadsFinished>;
  /** Uploads that are not done, by request, from after `after`. */
  listUploads(query: {
    readonly account?: string;
    readonly after?: number;
    readonly limit: number;
  }): Promise<readonly UploadRecord[]>;
}

export interface BeginUploads {
  /** The order that keeps what is uploaded at the store: about the dataset where that was empty or has it, else about each object. */
  readonly rule: Omit<RuleWords, 'targets'>;
  /** Printable: who uploads. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Leases that are known to be of a dead process: they are no obstacle. */
  readonly deadOwners: readonly string[];
  /** Place of the store. */
  readonly store: string;
  /** The objects are to be its members. It exists. */
  readonly dataset: ObjectName | undefined;
  /** Other bytes under an existing name make a new version. */
  readonly overwrites: boolean;
  /** Quotas of the account that the store falls under. */
  readonly quotas: readonly PageQuota[];
  readonly files: readonly NewUpload[];
}

export interface NewUpload extends ObjectName {
  /** With its sha256. */
  readonly content: ObjectContent & { readonly sha256: string };
  /** UUIDv7. */
  readonly operation: string;
  /** Key the copy is to have at the store. */
  readonly place: string;
  /** Undefined: what it was, or the content type. */
  readonly format: string | undefined;
  /** Where the bytes come from, so that an upload can be gone on with by who knows no more than the catalog. */
  readonly origin: UploadOrigin;
}

export interface UploadOrigin {
  readonly host: string;
  /** Of the file, absolute. */
  readonly path: string;
}

export type UploadsBegun =
  | { readonly kind: 'begun'; readonly files: readonly UploadBegun[] }
  | { readonly kind: 'no-room'; readonly stores: readonly string[]; readonly quotas: readonly string[] };

export type UploadBegun =
  /** To be brought now. `isResumed`: it had been begun before. */
  | {
      readonly kind: 'begun';
      readonly lease: Lease;
      readonly versionId: number;
      readonly rule: number;
      readonly isResumed: boolean;
      /** Operation of the version before this one: bytes with its mark may lie where the copy is to lie. */
      readonly follows: string | undefined;
    }
  /** The store has these very bytes as the object's current version; the rule's lock is on them. */
  | { readonly kind: 'present'; readonly versionId: number; readonly rule: number }
  /** Somebody else is bringing it. */
  | { readonly kind: 'held'; readonly by: string }
  /** The copy at the store is on its way out. */
  | { readonly kind: 'leaving' }
  /** The object has other bytes, or bytes of which nobody knows the hash. */
  | { readonly kind: 'other-bytes'; readonly size: number; readonly sha256: string | undefined }
  /** The place it is to have at the store is that of another object. */
  | { readonly kind: 'taken'; readonly by: ObjectName }
  | { readonly kind: 'refused'; readonly problems: readonly CollectionProblem[] };

export interface UploadsFinished {
  /** One answer an outcome; false: its lease is lost, and nothing was changed. */
  readonly settled: readonly boolean[];
  /** Undefined: nothing was to be attached. */
  readonly attached: CollectionOutcome | undefined;
}

export interface UploadRecord extends ObjectName {
  readonly request: number;
  readonly versionId: number;
  readonly store: string;
  readonly state: RequestState;
  readonly account: string;
  readonly origin: UploadOrigin;
  readonly dataset: ObjectName | undefined;
  /** Who brings it now, if anybody. */
  readonly owner: string | undefined;
  readonly bytes: number;
  readonly lastError: string | undefined;
}
