/** Where stores lie, as the catalog knows them (docs/catalog.md, "Scopes and their sources"). */
export interface StorePlaceCatalog {
  /** Places that are known by this name and have copies, or for which something waits; in their order. */
  listPlacesNamed(title: string): Promise<readonly PlaceNamed[]>;
  /**
   * A store lies elsewhere from now on, with all that is known of it: copies, locks, requests, rules, what was said of it. One transaction.
   * What is known of the new place by itself stands: of an object that has a copy there already, what was known at the old one is forgotten.
   * No delete goes to the old place any more.
   */
  moveStore(move: MoveStore): Promise<StoreMove>;
}

export interface PlaceNamed {
  readonly place: string;
  /** Scopes of which it is the source, or, by a profile, a replica now. */
  readonly scopes: readonly string[];
}

export interface MoveStore {
  readonly from: string;
  readonly to: string;
  /** As it is called. */
  readonly title: string;
  /**
   * The store's tokens are at the new place what they were at the old one. Otherwise copies that no rule holds are `UNVERIFIED` until they
   * are looked at, and what is to be deleted is known there by its bytes.
   */
  readonly tokensHold: boolean;
}

/** `unknown`: the catalog has never heard of the old place. */
export type StoreMove = { readonly kind: 'moved' | 'unknown' } | StoreHeld;

/** A sync, or a worker, has to do with the store since then. Nothing was changed. */
export interface StoreHeld {
  readonly kind: 'held';
  readonly by: 'sync' | 'worker';
  readonly sinceMs: number;
}
