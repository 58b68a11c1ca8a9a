import type { Quota, AccountUse } from './quotas.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { ObjectContent } from '../domain/object/version.ts';
import type { GroupRest } from '../domain/placement/placement-facts.ts';
import type { Replica, ReplicaState } from '../domain/replica/replica.ts';
import type { LockCounts } from '../domain/rule/lock-counts.ts';
import type { Lock, LockState } from '../domain/rule/lock.ts';
import type { RuleEvent, RuleState } from '../domain/rule/rule-state.ts';
import type { RuleTarget, RuleWords } from '../domain/rule/rule.ts';
import type { FactChange, StuckReason } from '../domain/rule/stuck-reason.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import type { WayFailure } from '../domain/transfer/next-way.ts';
import type { Lease, NewEvent } from './catalog.ts';
import type { HandedOver, HandedOverCatalog } from './handed-over.ts';
import type { OpenStore, StoreSaid, StoreUse } from './store-use.ts';

export type { StoreSaid, StoreUse } from './store-use.ts';

/**
 * Rules, their locks, and the requests that carry them out (docs/rules.md, docs/states.md). Counts of a rule are those of its
 * locks after each transaction; a store's space and an account's use are kept in the transactions that change them. Stores are
 * known by their place.
 */
export interface RuleCatalog extends HandedOverCatalog {
  /** The rule begins as `INJECT`, or `WAITING_APPROVAL`. Same targets, account, expression and copies: `duplicate`. */
  addRule(rule: NewRule): Promise<RuleAdded>;
  readRule(id: number): Promise<RuleRecord | undefined>;
  listRules(query: RuleQuery): Promise<readonly RuleRecord[]>;
  /** Rules whose content holds this object or collection, by whatever way. */
  listRulesOf(name: ObjectName): Promise<readonly RuleRecord[]>;
  /** Changes what a rule says; it is applied anew where that matters (`content-changed`). Undefined: there is none. */
  updateRule(id: number, words: Partial<RuleWords>): Promise<RuleRecord | undefined>;
  /** An event of a rule's life. One that ends it marks it so; its locks go in pages, by whoever claims it. */
  tellRule(id: number, event: RuleEvent): Promise<RuleTold>;

  /** Rules that are due: to be applied, to be tried again, to expire, to end. Longest due first. */
  claimRules(claim: {
    readonly owner: string;
    readonly limit: number;
    readonly leaseMs: number;
    /** Only these. */
    readonly rules?: readonly number[];
  }): Promise<readonly ClaimedRule[]>;
  /** One boolean a lease: false where it is lost. With 0 ms a rule is given back to whoever comes next. */
  renewRules(leases: readonly RuleLease[], leaseMs: number): Promise<readonly boolean[]>;
  /** The next objects of a rule's content with what there is of each. A page never holds objects of two datasets. */
  readRulePage(rule: number, query: { readonly after?: string; readonly limit: number }): Promise<RulePage>;
  /** A group's sums over all of its objects: of one dataset, or of all of the rule. */
  sumRuleGroup(rule: number, dataset: ObjectName | undefined): Promise<GroupRest>;
  /** The same of what no rule is about yet: what a rule with these targets would hold. */
  readTargetPage(
    targets: readonly RuleTarget[],
    query: { readonly after?: string; readonly limit: number },
  ): Promise<RulePage>;
  sumTargetGroup(targets: readonly RuleTarget[], dataset: ObjectName | undefined): Promise<GroupRest>;
  /** Objects that have a replica at a store, of whatever version. */
  readHeldPage(store: string, query: { readonly after?: string; readonly limit: number }): Promise<RulePage>;
  /**
   * Locks, replicas `COPYING` and requests for a page, and locks that go, in one transaction. What each lock begins with is decided
   * there again, by the replica as it is then. Nothing at all is applied where the lease is lost, or a store or quota has no room
   * for the whole page by now.
   */
  applyRulePage(page: RulePageOutcome): Promise<RulePageApplied>;
  /**
   * Goes through up to `limit` locks of the rule from after `after`: all go if it has ended, otherwise those of objects that its
   * content does not hold any more. A rule that has ended is gone with its last lock. Where the lease is lost nothing goes, and
   * `next` is undefined. A version that was to be uploaded under a lock that goes, and never came, gives way to the one before.
   */
  releaseLocks(
    lease: RuleLease,
    query: { readonly after?: string; readonly limit: number },
  ): Promise<{ readonly released: number; readonly next: string | undefined }>;

  /** Makes stores known, with what each gives to copies at most; what is there stays where that is less. */
  openStores(stores: readonly OpenStore[]): Promise<void>;
  /** What placement and ranking need to know of stores from the catalog. All stores it knows. */
  readStoreUse(): Promise<readonly StoreUse[]>;
  /**
   * Whether rules or uploads have copies, however small, in a store at this place, around it or below it: copies they placed, and those of
   * other scopes that lay there and rules have locks on. Copies in the store itself that lie where a mirror of `scope` has them, under
   * their names, are a mirror's too and not meant, unless they were uploaded: no source has them.
   */
  holdsPlaced(query: { readonly place: string; readonly scope: string }): Promise<boolean>;
  /** What `pando store set` said, by place; it goes before the configuration. What is not given stays as it was said. */
  setStore(store: string, said: StoreSaid): Promise<void>;
  listLocks(query: LockQuery): Promise<readonly LockRecord[]>;
  /** Stuck locks whose time has come are `retried` and their requests asked again; up to `limit`. Returns how many were. */
  retryStuck(limit: number): Promise<number>;
  /** Stores at which copies failed, and are tried again later. */
  listFailingStores(): Promise<readonly string[]>;
  /** A fact changed: who is stuck on that is tried sooner, each at its own moment (`fraction` in [0, 1) spreads them). */
  hasten(change: { readonly fact: FactChange; readonly store?: string; readonly rule?: number }): Promise<number>;

  /** Everything about the source, ways and state of one request, for ranking and for `explain`. */
  readAttempts(requestIds: readonly number[]): Promise<readonly AttemptRecord[]>;
  /**
   * What an attempt at each of these requests stands on, in their order; undefined: its version is not the object's any more, or the
   * object was deleted.
   */
  readTransfers(requestIds: readonly number[]): Promise<readonly (TransferRow | undefined)[]>;
  /** A worker says from where and how it is about to copy: that source is in use until the outcome is told. */
  chooseSources(choices: readonly SourceChoice[]): Promise<readonly boolean[]>;
  /**
   * Outcomes of attempts, each under its lease (false: lost, nothing changed): request, attempt, replica, locks, counters, space
   * and route together.
   */
  settleTransfers(outcomes: readonly TransferOutcome[]): Promise<readonly boolean[]>;

  /** Released replicas of a store that may go, those to be purged first, then those used longest ago. */
  listReleased(
    store: string,
    query: { readonly after?: ReleasedAfter | undefined; readonly limit: number },
  ): Promise<readonly ReleasedRecord[]>;
  /** `BEING_DELETED` and a delete request for each that is still not claimed, not in use, and not the last good copy (I7). */
  condemn(replicas: readonly ReplicaKey[], countsAsGood: CountsAsGood): Promise<readonly boolean[]>;
  /** Reads push back the time a released replica goes. */
  touch(replicas: readonly ReplicaKey[]): Promise<void>;

  setQuota(
    quota: Quota | { readonly account: string; readonly expression: string; readonly bytes: undefined },
  ): Promise<void>;
  listQuotas(account?: string): Promise<readonly Quota[]>;
  readAccountUse(account: string): Promise<readonly AccountUse[]>;
}

export interface NewRule extends RuleWords {
  readonly needsApproval: boolean;
}

export type RuleAdded =
  | { readonly kind: 'added' | 'duplicate'; readonly id: number }
  /** Of targets that are objects or collections: there is none of that name. */
  | { readonly kind: 'unknown-target'; readonly names: readonly ObjectName[] };

export interface RuleRecord extends RuleWords {
  readonly id: number;
  readonly state: RuleState;
  readonly counts: LockCounts;
  readonly missingCopies: number;
  readonly missingWhy: string | undefined;
  /** Turns in a row that left copies without a place. */
  readonly timesStuck: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** When it is looked at again by itself; undefined: when something changes. */
  readonly nextLookMs: number | undefined;
}

export interface RuleQuery {
  readonly account?: string;
  readonly state?: RuleState;
  readonly scope?: string;
  readonly after?: number;
  readonly limit: number;
}

export type RuleTold =
  | { readonly kind: 'told'; readonly rule: RuleRecord }
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown' };

export interface RuleLease {
  readonly rule: number;
  readonly token: number;
}

export interface ClaimedRule {
  readonly lease: RuleLease;
  readonly rule: RuleRecord;
  /** `end`: its locks are to go. `apply`: from `position`, or from the beginning. */
  readonly work: 'apply' | 'end';
  readonly position: string | undefined;
}

export interface RulePage {
  readonly dataset: ObjectName | undefined;
  readonly objects: readonly RuleObject[];
  readonly next: string | undefined;
}

export interface RuleObject extends ObjectName {
  readonly id: number;
  readonly versionId: number;
  readonly bytes: number;
  readonly format: string;
  readonly authority: string | undefined;
  /** Of the current version. */
  readonly replicas: readonly Pick<Replica, 'store' | 'state' | 'verification' | 'soft'>[];
  /** Of this rule. */
  readonly locks: readonly { readonly store: string; readonly state: LockState }[];
}

export interface RulePageOutcome {
  readonly lease: RuleLease;
  readonly objects: readonly PlacedObject[];
  /** The first page of a turn: `missing` begins anew. */
  readonly isFirst: boolean;
  readonly missingCopies: number;
  readonly missingWhy: string | undefined;
  /** With more space or quota some of them would have a place. */
  readonly missesRoom?: boolean;
  /** Where to go on; undefined: it was the last page, and the rule is `applied`. */
  readonly position: string | undefined;
  /** Until a rule with missing copies, or one that `waits`, is looked at again by itself; read on the last page. */
  readonly lookAgainAfterMs: number | undefined;
  /** Locks are to go once something else has happened; read on the last page, for all pages. */
  readonly waits?: boolean;
  /** Quotas of the rule's account that what is claimed here falls under: they are looked at again as they are then. */
  readonly quotas?: readonly PageQuota[];
  readonly events: readonly NewEvent[];
}

export interface PageQuota {
  readonly expression: string;
  /** Places of all stores that the expression names now. */
  readonly stores: readonly string[];
}

export interface PlacedObject {
  readonly id: number;
  /** Another one by now: the object is left as it is, and the rule applied once more. */
  readonly versionId: number;
  /** Every store where the rule is to have a lock from now on that it had not. `place`: key of a copy that would be made. */
  readonly locks: readonly { readonly store: string; readonly place: string }[];
  readonly releases: readonly { readonly store: string; readonly purge: boolean }[];
}

export type RulePageApplied =
  | { readonly kind: 'applied'; readonly rule: RuleRecord }
  | { readonly kind: 'lost-lease' }
  /** Places of stores, and expressions of quotas. */
  | { readonly kind: 'no-room'; readonly stores: readonly string[]; readonly quotas: readonly string[] };

export interface LockQuery {
  readonly rule?: number;
  readonly name?: ObjectName;
  readonly state?: LockState;
  /** What `LockRecord.at` of the last one said. */
  readonly after?: string;
  readonly limit: number;
}

export interface LockRecord extends ObjectName {
  readonly at: string;
  readonly rule: number;
  readonly store: string;
  readonly lock: Lock;
  readonly replica: ReplicaState | undefined;
  readonly request:
    | {
        readonly id: number;
        readonly state: RequestState;
        readonly attempts: number;
        readonly lastError: string | undefined;
        readonly nextAttemptMs: number;
      }
    | undefined;
}

export interface TransferRow {
  readonly content: ObjectContent;
  /** Of the version. */
  readonly operation: string;
  readonly format: string;
  /** No rule asks for the copy but those of policies, nor does a copy go on from it. */
  readonly isByPolicy: boolean;
  /** Key the copy is to have. */
  readonly place: string;
  /** State of the copy that is asked for; undefined: there is no row of it any more. */
  readonly replica: ReplicaState | undefined;
  /** Token of what the object has at that place and may be replaced: of an earlier version, or a copy that turned out to be wrong. */
  readonly onto: string | undefined;
  /** Operations of earlier versions whose copies at that place were given up: what a worker that died left of them is replaced, too. */
  readonly leftFrom: readonly string[];
  /** Of the object, of all versions. */
  readonly replicas: readonly Replica[];
  /** Since it was asked for, or asked again. */
  readonly failures: readonly WayFailure[];
  /** What it read from last, or waited for: a copy at a relay is a source whatever the source expression says. */
  readonly lastSource: string | undefined;
  /** Of a copy at a relay: nobody waits for it any more. */
  readonly isUnawaited: boolean;
  /** What may still be under way, or has ended unrecorded. */
  readonly handedOver: (HandedOver & { readonly protocol: string }) | undefined;
}

export interface SourceChoice {
  readonly lease: Lease;
  readonly source: string;
  readonly protocol: string;
}

export interface AttemptRecord {
  readonly request: number;
  /** The token of its lease: it grows, and is not without gaps. */
  readonly number: number;
  /** Of before the request was asked for again. */
  readonly isEarlier: boolean;
  readonly atMs: number;
  readonly source: string | undefined;
  readonly protocol: string | undefined;
  readonly outcome: 'arrived' | 'failed' | 'no-source' | 'held-back' | 'interrupted' | 'lost';
  readonly failure: WayFailure | undefined;
  readonly error: string | undefined;
}

export interface TransferOutcome {
  readonly lease: Lease;
  /** What was handed over is not over, and not known here. */
  readonly keepsHandedOver?: boolean;
  readonly request:
    | { readonly state: 'DONE' }
    | { readonly state: 'CANCELLED'; readonly why: string }
    | {
        readonly state: 'QUEUED' | 'WAITING' | 'FAILED' | 'NO_SOURCES';
        readonly attempts: number;
        readonly timesStuck: number;
        /** From now, by the database's clock. */
        readonly afterMs: number;
        readonly why: string;
      };
  /** Not kept of a request that is `DONE`. */
  readonly attempt: Omit<AttemptRecord, 'request' | 'number' | 'isEarlier' | 'atMs'> | undefined;
  /**
   * What becomes of the replica that was asked for; undefined: nothing. What the replica's state does not allow by now does not
   * happen, and one that became available meanwhile ends the request as done (docs/states.md, "Attempts").
   */
  readonly replica:
    | 'drop'
    | {
        readonly state: ReplicaState;
        readonly place: string;
        readonly token: string | undefined;
        readonly verification: Verification;
      }
    | undefined;
  readonly sha256?: string;
  /** The copy it was read from, whole and hashed, that was only seen before: `AVAILABLE` if its token is still this one. */
  readonly readSource?: { readonly store: string; readonly place: string; readonly token: string } | undefined;
  /** Its store was not flushed. */
  readonly soft: boolean;
  /** The copy was given up: its locks are stuck, and tried again when `request.afterMs` is over. */
  readonly stuck: StuckReason | undefined;
  /** Sources to be looked at before they give bytes again: each becomes `SUSPICIOUS` if its token is still this one. */
  readonly doubtedSources: readonly { readonly store: string; readonly token: string | undefined }[];
  /**
   * Of a request that is `WAITING`: a temporary copy is asked for at this store, from which it goes on. `place`: key it is to have
   * there, if there is none of it yet.
   */
  readonly relay?: { readonly store: string; readonly place: string };
  /** For the recent results of the route. Where no source is told, there is no route. */
  readonly bytes: number;
  readonly busyMs: number;
}

export interface ReplicaKey extends ObjectName {
  readonly versionId: number;
  readonly store: string;
}

export interface ReleasedRecord extends ReplicaKey {
  readonly objectId: number;
  readonly bytes: number;
  readonly lastUsedMs: number;
  readonly purge: boolean;
  readonly isSourceInUse: boolean;
  /** It is where its object is authoritative, and a policy counts the copies besides it. */
  readonly isCountedBesides: boolean;
  readonly state: ReplicaState;
  readonly verification: Verification;
  readonly isSoft: boolean;
  readonly isCurrent: boolean;
  /** Of its object, at all stores. */
  readonly copies: readonly ({ readonly place: string; readonly token: string | undefined } & SeenCopyFacts)[];
}

export type ReleasedPosition = Pick<ReleasedRecord, 'lastUsedMs' | 'objectId' | 'versionId'>;

/** Of those to be purged, and of the others, the last that is passed over. */
export interface ReleasedAfter {
  readonly purged?: ReleasedPosition;
  readonly others?: ReleasedPosition;
}

/** What decides whether a copy counts. */
export interface SeenCopyFacts {
  readonly store: string;
  readonly versionId: number;
  readonly state: ReplicaState;
  readonly verification: Verification;
  readonly isSoft: boolean;
  readonly isCurrent: boolean;
}

/** Places of stores whose copies never count (memory). */
export type CountsAsGood = { readonly exceptStores: readonly string[] };
