import type { ReplicaState } from '../replica/replica.ts';
import { claimReplica } from '../rule/claim-replica.ts';
import type { AcceptancePolicy, StoreUsage } from '../store/acceptance.ts';
import type { StoreNames } from '../store/store-names.ts';

/** Which objects have their copies at the same stores: all of the rule, those of one dataset, or each by itself. */
export type Grouping = 'all' | 'dataset' | 'none';

/** What placement needs to know of a rule (docs/policies.md, "Placement"). */
export interface PlacementRule {
  /** 0 releases what there is. */
  readonly copies: number;
  readonly grouping: Grouping;
  /** The copies are counted besides the authoritative one, whose store is no candidate. */
  readonly besidesAuthoritative: boolean;
  /** The copies are asked for by a policy: only stores that volunteer are candidates. */
  readonly isByPolicy: boolean;
  /** Name of the attribute in proportion to which stores are chosen. */
  readonly weight: string | undefined;
  readonly ignoreAvailability: boolean;
  /** Copies that are no longer asked for go at once, and not when their space is needed. */
  readonly purge: boolean;
}

/** One store, as one rule sees it. The stores of an object's locks are among the facts; one that is not is no store any more. */
export interface StoreFacts extends StoreNames {
  /** Scopes it mirrors under their own names, and the only ones it holds; undefined: it mirrors none, and holds any. */
  readonly mirrors: ReadonlySet<string> | undefined;
  /** The rule's expression holds for it. */
  readonly isMatching: boolean;
  readonly isPreferred: boolean;
  readonly isBlocked: boolean;
  /** `delete` matters where an earlier copy has to go first. What lies at a store that cannot be read from now is not moved for that. */
  readonly availability: { readonly write: boolean; readonly delete: boolean };
  /** It has not answered for so long that its copies are to be elsewhere, since when; undefined: it has. */
  readonly absentSince: string | undefined;
  readonly acceptance: AcceptancePolicy;
  /** Why an object that is not there cannot lie there; undefined: it can. */
  readonly findPathProblem: (object: Pick<ObjectFacts, 'object' | 'scope' | 'dataset'>) => string | undefined;
  readonly usage: StoreUsage;
  /** What limits leave free, after what is in flight; undefined: not limited, or not known. */
  readonly freeBytes: number | undefined;
  /** What the rule's account may still claim here; undefined: no quota. */
  readonly quotaLeftBytes: number | undefined;
  /** What fails together has one name: a site, or any attribute's value. Undefined: it fails by itself. */
  readonly failureDomain: string | undefined;
  /** Requests queued for it or under way. */
  readonly pendingRequests: number;
  /** Transfers to it of late. */
  readonly recent: { readonly succeeded: number; readonly failed: number };
  /** Value of the rule's weight attribute; undefined where it has none or it is not a number. */
  readonly weight: number | undefined;
}

/** One object of the rule, with what there is of its current version. */
export interface ObjectFacts {
  /** `scope:name`; no two objects share it. */
  readonly object: string;
  readonly scope: string;
  /** The dataset through which the rule reaches it. Of several the caller takes always the same one. */
  readonly dataset: string | undefined;
  readonly bytes: number;
  readonly format: string;
  readonly authoritative: StoreNames | undefined;
  readonly replicas: readonly {
    readonly store: string;
    readonly state: ReplicaState;
    /** It counts when others are to go (docs/states.md, "Good copies"). */
    readonly isGood: boolean;
  }[];
  /** Those of this rule. */
  readonly locks: readonly { readonly store: string; readonly isStuck: boolean }[];
}

/** The objects of a group that are on other pages, in sum. */
export interface GroupRest {
  readonly bytes: number;
  readonly stores: readonly {
    readonly store: string;
    /** Of which a replica is there, or on its way. */
    readonly heldBytes: number;
    /** Claimed by this rule's locks. */
    readonly lockedBytes: number;
  }[];
}

export interface PlacementFacts {
  readonly rule: PlacementRule;
  readonly stores: readonly StoreFacts[];
  readonly objects: readonly ObjectFacts[];
  /** By the group's key. Without one, all objects of the group are among the facts. */
  readonly rest?: ReadonlyMap<string, GroupRest>;
  /**
   * A hash of the rule's id, the group's key and the store's name as a number from 0 (included) to 1 (excluded), evenly spread
   * and the same every time. It decides between equals, and makes weights proportions.
   */
  readonly draw: (group: string, store: string) => number;
}

/** Whether bytes of the version are at the store, or on their way to it: a claim on them asks for no copy. */
export function isHeld(object: ObjectFacts, store: string): boolean {
  return !claimReplica(stateAt(object, store)).request;
}

/** Whether the copy at the store may be counted on when another one goes. */
export function isGoodAt(object: ObjectFacts, store: string): boolean {
  return object.replicas.some((replica) => replica.store === store && replica.isGood);
}

export function stateAt({ replicas }: ObjectFacts, store: string): ReplicaState | undefined {
  return replicas.find((replica) => replica.store === store)?.state;
}

export function isLocked(object: ObjectFacts, store: string): boolean {
  return object.locks.some((lock) => lock.store === store);
}
