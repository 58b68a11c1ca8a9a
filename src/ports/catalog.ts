import type { RecordedQuery, ScanQuery, ScanPage } from './catalog-scan.ts';
import type { CollectionProblem } from '../domain/collection/collection.ts';
import type { Content, Version } from '../domain/object/version.ts';
import type { Replica, ReplicaState } from '../domain/replica/replica.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import type { TransferLimits } from '../domain/transfer/transfer-limits.ts';
import type { AuditCatalog } from './audits.ts';
import type { RequestDesk } from './catalog-requests.ts';
import type { CatalogStatus } from './catalog-status.ts';
import type { SyncCatalog, SyncLease, SyncProgress } from './catalog-syncs.ts';
import type { ConflictCatalog } from './conflicts.ts';
import type { DueBell } from './due-bell.ts';
import type { Intent, IntentAdded } from './intents.ts';
import type { JournalCatalog } from './journal.ts';
import type { PageQueue } from './page-queue.ts';
import type { PlaceCatalog, PlaceChange } from './places.ts';
import type { RuleCatalog } from './rules.ts';
import type { OpenScope, ScopeOpened } from './scopes.ts';
import type { Mark } from './storage.ts';
import type { AbsenceCatalog } from './store-absences.ts';
import type { StorePlaceCatalog } from './store-places.ts';
import type { CollectionCatalog } from './collections.ts';
import type { TokenCatalog } from './tokens.ts';
import type { LimitedTransfers } from './transfer-limits.ts';
import type { UploadCatalog } from './uploads.ts';

export type { Holder, Intent, IntentAdded } from './intents.ts';

/**
 * The database of objects, versions, replicas, requests and the journal (docs/catalog.md). One implementation on Kysely for
 * SQLite and PostgreSQL; `describeCatalogContract` of `pando-replica/testing` runs against both.
 *
 * - All verbs take and give plain data (they cross a thread) and work on sets: one call, one transaction, durable on return (I1).
 * - Facts are read, the engine decides, the outcome is written with what it was decided on (`follows`, `lease`): an outcome
 *   whose ground has changed changes nothing and says so.
 * - Verbs fail with `CatalogError` only.
 * - A scope is known by its name, a store by its place (normalised URL); both come into being by `openScope`.
 */
export interface Catalog
  extends CollectionCatalog,
    RuleCatalog,
    AuditCatalog,
    RequestDesk,
    LimitedTransfers,
    UploadCatalog,
    JournalCatalog,
    ConflictCatalog,
    PlaceCatalog,
    StorePlaceCatalog,
    AbsenceCatalog,
    SyncCatalog,
    PageQueue,
    TokenCatalog,
    DueBell,
    AsyncDisposable {
  /** Where it lies, without secrets: `sqlite:/path` or `postgres://host/database`. */
  readonly location: string;
  /** This process's place in the catalog; takes a slot where it has none yet. */
  site(): Promise<Site>;

  /**
   * Makes known a scope with its source and stores with copies of it; a scope of objects that are uploaded has neither. With
   * `standing` those stores are its rule (`origin: profile`): stores named before and not now end their part of the rule; nothing is
   * deleted by that.
   */
  openScope(scope: OpenScope): Promise<ScopeOpened>;
  /** Where the source of a scope with objects lies, if that is not this place. */
  findOtherSource(scope: string, source: string): Promise<string | undefined>;
  /** Standing rules that have not ended, of one scope or of all, by scope and priority. */
  listStandingRules(scope?: string): Promise<readonly StandingRule[]>;

  /** Version and replicas of one moment; of a deleted object too, whose current version is a tombstone. Undefined: never heard of. */
  readObject(scope: string, name: string): Promise<ObjectRecord | undefined>;
  /** In byte order of names, from after `after`; `next` is undefined on the last page. */
  scanScope(query: ScanQuery): Promise<ScanPage>;
  /**
   * Whether from after `after` up to the last of these names the scope has these and no others, none deleted, and each store is known to
   * hold each current version, served or about to be, under the token listed. False also where that cannot be told at once:
   * `scanScope` tells why.
   */
  areRecorded(query: RecordedQuery): Promise<boolean>;

  /** What copies of these versions are marked with, in their order; undefined for a version that is gone. */
  readMarks(versionIds: readonly number[]): Promise<readonly (Mark | undefined)[]>;
  /** What these versions are, in their order; undefined for one that is gone. */
  readContents(versionIds: readonly number[]): Promise<readonly (Content | undefined)[]>;

  /** The only verb that changes the namespace, or what is known of copies. One transaction. */
  record(batch: RecordBatch): Promise<RecordOutcome>;

  /**
   * Forgets up to `limit` versions that are not current and have no replica any more, and all that is kept for a time only
   * (docs/catalog.md, "What is kept how long"). Returns how many versions went: fewer than `limit`, and there are no more.
   */
  prune(limit: number): Promise<number>;

  /**
   * Claims up to `limit` requests whose time has come, oldest first within priority. Copies of a version that is not current any more
   * are cancelled instead.
   */
  claimRequests(claim: RequestClaim): Promise<readonly ClaimedRequest[]>;
  /** One answer a lease, in order: the priority of its request by now; undefined: it is lost. */
  renewRequests(leases: readonly Lease[], leaseMs: number): Promise<readonly (number | undefined)[]>;
  /** Who has claims on requests or rules now, or had when he ended; as they called themselves. */
  listClaimOwners(): Promise<readonly string[]>;
  /** The leases of these run out now: they have certainly ended. Returns how many there were. */
  endClaims(owners: readonly string[]): Promise<number>;
  /** One answer an outcome, in order; false: its lease is lost, and nothing was changed. */
  finishRequests(outcomes: readonly RequestOutcome[]): Promise<readonly boolean[]>;
  /** By id, from after `after`. Of what is done nothing is kept. */
  listRequests(query: {
    readonly state?: RequestState;
    /** Only for this version. */
    readonly versionId?: number;
    readonly after?: number;
    readonly limit: number;
  }): Promise<readonly RequestRecord[]>;

  /**
   * What a flush of a whole store will make durable: all that was recorded as soft there until now, and in this start of the
   * machine. Then the store is flushed, then `endFlush` says whether that passed: if so all of it is durable, in one step; if not,
   * none of it is trusted until it was read again. A flush that never ends changes nothing. Empty: nothing is soft.
   */
  beginFlush(store: string): Promise<Flush>;
  endFlush(flush: Flush, passed: boolean): Promise<void>;

  /**
   * A durable intent precedes every write through Pando, one per store and key: it is the object's write lock, and what
   * recovery looks at. `heldBy` is the intent that is in the way; one whose owner is dead may be taken after `removeIntent`.
   * The same operation again is `added`.
   */
  addIntent(intent: Intent): Promise<IntentAdded>;
  /** Oldest first. */
  listIntents(): Promise<readonly Intent[]>;
  /** Where there is none, nothing happens. */
  removeIntent(operation: string): Promise<void>;

  /** Undefined: it never happened, or its outcome is not kept any more. */
  readOperation(id: string): Promise<OperationRecord | undefined>;

  /** The newest are kept (docs/catalog.md, "What is kept how long"). */
  recordEvents(events: readonly NewEvent[]): Promise<void>;
  /** By id, from after `after`. */
  listEvents(query: {
    readonly after?: number;
    readonly limit: number;
    readonly scope?: string;
  }): Promise<readonly EventRecord[]>;

  /** Counted anew each time: milliseconds for thousands of objects, seconds for millions. */
  status(): Promise<CatalogStatus>;
}

export interface Site {
  readonly id: string;
  readonly slot: number;
  /** The actor of this process's dots: the slot's incarnation. */
  readonly incarnation: string;
  readonly counter: number;
}

export interface StandingRule {
  readonly id: string;
  readonly origin: 'profile';
  readonly scope: string;
  readonly store: string;
  readonly storeTitle: string;
  readonly priority: number;
  readonly createdMs: number;
}

export interface ObjectRecord {
  readonly scope: string;
  readonly name: string;
  readonly current: Version;
  /** What is read while no store has ever had `current` (docs/uploads.md, "A new version on its way"); absent: `current` is. */
  readonly earlier?: Version;
  /** How many versions did not see the current one and are kept beside it; absent: none. */
  readonly siblings?: number;
  /** Of all versions, the current one first. */
  readonly replicas: readonly Replica[];
}

export interface RecordBatch {
  /** Given: nothing is recorded unless this lease is still held (`fenced`). */
  readonly lease?: SyncLease | undefined;
  /**
   * Places of stores whose copies were not flushed: what this batch tells to be available there is soft (docs/versions.md,
   * "Soft copies") until `endFlush`. Of other stores: what is told again of soft bytes, known by their token, leaves them soft.
   */
  readonly soft?: readonly string[];
  readonly changes?: readonly Change[];
  readonly replicas?: readonly ReplicaChange[];
  readonly places?: readonly PlaceChange[];
  readonly requests?: readonly NewRequest[];
  /** Operation whose intent is fulfilled by this batch; the intent stays if a change of the batch is not taken. */
  readonly fulfils?: string;
  /** Outcome kept for the operation's repeats (`operation_retention`); not kept if a change of the batch is not taken. */
  readonly operation?: OperationRecord;
  readonly sync?: SyncProgress;
  readonly events?: readonly NewEvent[];
}

/** A change of the namespace: one version, its replicas, one journal entry. */
export interface Change {
  readonly scope: string;
  readonly name: string;
  /** Id of the version the writer saw as current; undefined: it saw none. Another one now is a `conflict`. */
  readonly follows: number | undefined;
  /** A tombstone condemns every replica of the object to `BEING_DELETED`, and queues a delete for each. */
  readonly content: Content;
  /** UUIDv7. */
  readonly operation: string;
  /**
   * Refused where a collection is in the way (docs/collections.md, "Overwriting"). Without it nothing is refused, and what changes
   * in a closed or monotonic dataset is told by the event `frozen-object-changed`. A tombstone is never refused.
   */
  readonly heedsCollections?: boolean;
  /** It follows whatever is current when it is recorded, which its writer has not looked at; `follows` is undefined. */
  readonly isOverCurrent?: boolean;
  /** Where other versions are kept beside the current one, that is a `conflict`: without it they are followed, too. */
  readonly isAlone?: boolean;
  /** It has a condition of its own: where somebody else has reached the same state meanwhile, that is a `conflict` and no repeat. */
  readonly isConditional?: boolean;
  /** Replicas of the new version. Replicas of versions before it stay, and are not current any more. */
  readonly replicas: readonly Omit<Replica, 'versionId' | 'soft'>[];
  /** Queued for the version this change makes (or repeats), in the same transaction. */
  readonly requests?: readonly Omit<NewRequest, 'scope' | 'name' | 'versionId'>[];
}

/** What became of one version at one store. */
export interface ReplicaChange {
  readonly scope: string;
  readonly name: string;
  readonly versionId: number;
  readonly store: string;
  /** `drop`: the row goes (the bytes are gone). Otherwise the row becomes this, made if absent. */
  readonly to:
    | 'drop'
    | {
        readonly state: ReplicaState;
        readonly place: string;
        readonly token: string | undefined;
        readonly verification: Verification;
      };
  /** Given: only if the row's token is this one. */
  readonly ifToken?: string;
  /** Given: the version's sha256, learnt by this full read; set where it was unknown. */
  readonly sha256?: string;
}

/** Opaque: what `beginFlush` gave. */
export type Flush = readonly number[];

export interface RecordOutcome {
  /** True: the lease was lost, nothing was recorded. */
  readonly fenced: boolean;
  readonly changes: readonly ChangeOutcome[];
}

export type ChangeOutcome =
  | { readonly kind: 'recorded'; readonly versionId: number }
  /** This operation made the version before, or somebody else reached the same state; it is not made twice (I12). */
  | { readonly kind: 'repeated'; readonly versionId: number }
  | { readonly kind: 'conflict'; readonly currentId: number | undefined }
  /** Only of changes with `heedsCollections`: a collection is in the way. Nothing is changed; what was published stays with the caller. */
  | { readonly kind: 'refused'; readonly problems: readonly CollectionProblem[] };

export type RequestKind = 'copy' | 'delete';

/** Deduplicated by kind, version and store: asking twice queues once. */
export interface NewRequest {
  readonly kind: RequestKind;
  readonly scope: string;
  readonly name: string;
  readonly versionId: number;
  readonly store: string;
  readonly reason: 'miss' | 'write' | 'delete' | 'repair' | 'rule' | 'upload' | 'relay';
  /** 0 is most urgent. */
  readonly priority: number;
}

export interface RequestClaim {
  readonly owner: string;
  readonly limit: number;
  readonly leaseMs: number;
  /** Of `of-scopes` only these; of the others all but these. Absent: all. */
  readonly scopes?: readonly string[];
  /** Places that take no copies, or delete nothing, now: what waits for them stays in the queue, and no attempt is counted. */
  readonly except?: { readonly copiesTo: readonly string[]; readonly deletesAt: readonly string[] };
  /**
   * What was put off within this time is left alone, though it may be due again: a run that ends when nothing is due would wait for it.
   * What was put off for a moment only, or asked for again by somebody, is not meant.
   */
  readonly putOffWithinMs?: number;
  /**
   * Absent: all of the scopes.
   *
   * - `of-scopes`: what the scopes cause themselves; `rule-copies`: the copies that rules ask for, of whatever scope.
   * - `other-deletes`: deletes of all other scopes, and of what rules and uploads placed in any.
   */
  readonly work?: 'of-scopes' | 'rule-copies' | 'other-deletes';
  /** Of `rule-copies` only: no more than these allow, of all who claim with limits, and divided by their shares. */
  readonly limits?: TransferLimits;
}

/** A claim on a row; `token` grows with each claim, and an outcome with an old one changes nothing. */
export interface Lease {
  readonly requestId: number;
  readonly token: number;
}

export interface ClaimedRequest extends NewRequest {
  readonly lease: Lease;
  /** Claims since it was queued, this one too, and those whose worker was never heard of again. */
  readonly attempts: number;
  /** Of copies that rules want. */
  readonly ofRules?: RequestOfRules;
}

export interface RequestOfRules {
  readonly bytes: number;
  readonly activity: string;
  /** Which stores may give the bytes; undefined: any. */
  readonly sourceExpression: string | undefined;
  /** How often its attempts were used up. */
  readonly timesStuck: number;
}

export type RequestOutcome = { readonly lease: Lease } & (
  | { readonly kind: 'done' | 'cancelled' }
  /** Its worker was told to stop: it is due at once, and the attempt does not count. */
  | { readonly kind: 'given-back' }
  | { readonly kind: 'retry'; readonly afterMs: number; readonly error: string }
  /** Its store is not to be asked for it now: the attempt does not count. */
  | { readonly kind: 'held-back'; readonly afterMs: number; readonly error: string }
  | { readonly kind: 'failed'; readonly error: string }
);

export interface RequestRecord extends NewRequest {
  readonly id: number;
  /** Place of the scope's source store; undefined: it has none. */
  readonly source: string | undefined;
  readonly state: RequestState;
  /** Claims since it was queued. */
  readonly attempts: number;
  readonly lastError: string | undefined;
  readonly createdMs: number;
  /** When it may be claimed; of one that is over, when it ended. */
  readonly nextAttemptMs: number;
}

/** What is known by now of an operation a client may repeat. */
export interface OperationRecord {
  readonly id: string;
  /** Hash of what was asked; the same id with another is refused. */
  readonly fingerprint: string;
  /** JSON. */
  readonly outcome: string;
  readonly createdMs: number;
}

export interface NewEvent {
  /** Past tense: `replica-found-corrupt`, `backfill-dropped`, `source-changed`. */
  readonly kind: string;
  readonly scope: string;
  readonly name?: string;
  readonly store?: string;
  readonly detail: string;
}

export interface EventRecord extends NewEvent {
  readonly id: number;
  readonly atMs: number;
}

export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  readonly kind: 'unavailable' | 'locked' | 'full' | 'corrupt' | 'too-new' | 'refused-place' | 'failed';

  constructor(kind: CatalogError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
