import type { CollectionKind, CollectionProblem, CollectionStanding } from '../domain/collection/collection.ts';
import type { ProposedMember } from '../domain/collection/judge-members.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { ReplicationPolicy } from '../domain/rule/replication-policy.ts';

/**
 * Collections, and what is known of objects besides their versions (docs/collections.md). A dataset holds objects, a container
 * holds collections; membership is an observed-remove set, each membership known by the dot of the attach that made it.
 * All verbs are one transaction, idempotent, and fail with `CatalogError` or tell a refusal as a value.
 */
export interface CollectionCatalog {
  /**
   * Makes an open collection, and its scope where there is none. There is one of that name, kind and monotonicity, open or not:
   * `unchanged`.
   */
  putCollection(collection: NewCollection): Promise<CollectionOutcome>;
  readCollection(name: ObjectName): Promise<CollectionRecord | undefined>;
  /** By scope, then by name, in byte order, from after `after`. */
  listCollections(query: {
    readonly scope?: string;
    readonly kind?: CollectionKind;
    readonly after?: ObjectName;
    readonly limit: number;
  }): Promise<readonly CollectionRecord[]>;
  /** A closed collection neither takes nor gives. Opening one again is for administrators: the caller has asked. */
  setCollectionOpen(name: ObjectName, isOpen: boolean): Promise<CollectionOutcome>;
  /**
   * Adds members, all or none. Rules of the collection and of its ancestors become due in the same transaction (`INJECT`), unless
   * all were members already. Refused of a closed collection. One call takes any number; 100,000 are a matter of seconds, and of
   * as much memory as their names take.
   */
  attach(parent: ObjectName, members: readonly NewMember[]): Promise<CollectionOutcome>;
  /** Takes members out, all at once; what is no member is passed over. Refused of a closed or a monotonic collection. */
  detach(parent: ObjectName, members: readonly ObjectName[]): Promise<CollectionOutcome>;
  /**
   * In the order in which the catalog came to know them, which of objects that a sync brought is that of their names. `after` is
   * `next` of the page before; undefined on the last one. Of a collection that is not there: none.
   */
  listMembers(parent: ObjectName, query: { readonly after?: number; readonly limit: number }): Promise<MemberPage>;
  /** The collections that hold it directly, by scope and name in byte order. */
  listParents(name: ObjectName): Promise<readonly CollectionRecord[]>;
  /** Of all that is in it, by whatever way; what is in it twice counts once. */
  sumCollection(name: ObjectName): Promise<CollectionSum | undefined>;
  /**
   * What keeps a new version of the object from being written: it is in closed or monotonic datasets, or there is no object and a
   * collection has the name. `Change.heedsCollections` asks the same inside the transaction.
   */
  listObstacles(name: ObjectName): Promise<readonly CollectionProblem[]>;

  /** Undefined: there is no such object, or it was deleted. */
  readTraits(name: ObjectName): Promise<ObjectTraits | undefined>;
  /** What is not given stays; what is given as undefined goes. False: there is no such object, or it was deleted. */
  setTraits(name: ObjectName, traits: Partial<ObjectTraits>): Promise<boolean>;
}

export interface NewCollection extends ObjectName {
  readonly kind: CollectionKind;
  /** Members cannot be taken out again. */
  readonly isMonotonic: boolean;
}

export interface CollectionRecord extends ObjectName, CollectionStanding {
  readonly createdMs: number;
  /** Direct ones. */
  readonly members: number;
}

/** Of an object, what the caller takes it to be, where it knows: another size or hash is refused. */
export type NewMember = ProposedMember;

export interface MemberPage {
  readonly members: readonly MemberRecord[];
  readonly next: number | undefined;
}

export interface MemberRecord extends ObjectName {
  readonly kind: 'object' | CollectionKind;
  /** Of objects. */
  readonly size: number | undefined;
  /** An object that was deleted stays a member until it is taken out. */
  readonly isDeleted: boolean;
}

export interface CollectionSum {
  /** Datasets and containers below it. */
  readonly collections: number;
  /** Without those that were deleted. */
  readonly objects: number;
  readonly bytes: number;
  readonly deletedObjects: number;
}

export type CollectionOutcome =
  /** `count`: of members that came or went; 1 of a collection. */
  | { readonly kind: 'changed'; readonly count: number }
  | { readonly kind: 'unchanged' }
  /** Nothing was changed; all reasons at once. */
  | { readonly kind: 'refused'; readonly problems: readonly CollectionProblem[] };

export interface ObjectTraits {
  /** Undefined: the content type. */
  readonly format: string | undefined;
  readonly rightsHolder: string | undefined;
  /** Place of the store where the object is authoritative; undefined: its scope's source. */
  readonly authority: string | undefined;
  /** Its own; undefined: nobody said any. */
  readonly policy: ReplicationPolicy | undefined;
}
