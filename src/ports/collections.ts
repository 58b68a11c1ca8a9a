import type { ObjectName } from '../domain/object/object-name.ts';

/**
 * Collections, and what is known of objects besides their versions (docs/collections.md). A dataset holds objects, a container
 * holds collections; membership is an observed-remove set, each membership known by the dot of the attach that made it.
 * All verbs are one transaction, idempotent, and fail with `CatalogError` or tell a refusal as a value.
 */
export interface CollectionCatalog {
  /** Makes a collection, and its scope where there is none. The same again is `unchanged`. */
  putCollection(collection: NewCollection): Promise<CollectionOutcome>;
  readCollection(name: ObjectName): Promise<CollectionRecord | undefined>;
  /** In byte order of names, from after `after`. */
  listCollections(query: {
    readonly scope?: string;
    readonly kind?: CollectionKind;
    readonly after?: ObjectName;
    readonly limit: number;
  }): Promise<readonly CollectionRecord[]>;
  /** A closed collection takes nothing more. Opening one again is for administrators: the caller has asked. */
  setCollectionOpen(name: ObjectName, isOpen: boolean): Promise<CollectionOutcome>;
  /**
   * Adds members, all or none. Rules of the collection and of its ancestors become due in the same transaction (`INJECT`).
   * What is a member already is `unchanged`.
   */
  attach(parent: ObjectName, members: readonly NewMember[]): Promise<CollectionOutcome>;
  /** Takes members out, all or none; of who is none, nothing changes. Refused of a monotonic collection. */
  detach(parent: ObjectName, members: readonly ObjectName[]): Promise<CollectionOutcome>;
  listMembers(
    parent: ObjectName,
    query: { readonly after?: ObjectName; readonly limit: number },
  ): Promise<readonly MemberRecord[]>;
  /** The collections that hold it directly, in byte order. */
  listParents(name: ObjectName): Promise<readonly CollectionRecord[]>;

  readTraits(name: ObjectName): Promise<ObjectTraits | undefined>;
  /** What is not given stays. False: there is no such object. */
  setTraits(name: ObjectName, traits: Partial<ObjectTraits>): Promise<boolean>;
}

export type CollectionKind = 'dataset' | 'container';

export interface NewCollection extends ObjectName {
  readonly kind: CollectionKind;
  /** Members cannot be taken out again. */
  readonly isMonotonic: boolean;
}

export interface CollectionRecord extends NewCollection {
  readonly isOpen: boolean;
  readonly createdMs: number;
  /** Direct ones. */
  readonly members: number;
}

/** Of an object, what the caller takes it to be, where it knows: another size or hash is refused. */
export interface NewMember extends ObjectName {
  readonly size?: number;
  readonly sha256?: string;
}

export interface MemberRecord extends ObjectName {
  readonly kind: 'object' | CollectionKind;
  /** Of objects. */
  readonly size: number | undefined;
}

/** `refused`: who, why, and how to mend it; nothing was changed. */
export type CollectionOutcome =
  | { readonly kind: 'changed' | 'unchanged' }
  | { readonly kind: 'refused'; readonly problems: readonly CollectionProblem[] };

export interface CollectionProblem {
  readonly kind:
    | 'unknown'
    | 'name-taken'
    | 'closed'
    | 'monotonic'
    | 'wrong-kind'
    | 'cycle'
    | 'deleted'
    | 'differs'
    | 'other-collection';
  readonly message: string;
}

export interface ObjectTraits {
  /** Undefined: the content type. */
  readonly format: string | undefined;
  readonly rightsHolder: string | undefined;
  /** Place of the store where the object is authoritative; undefined: its scope's source. */
  readonly authority: string | undefined;
}
