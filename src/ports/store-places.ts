import type { ObjectName } from '../domain/object/object-name.ts';

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
  /** What is known of a store, and what waits for it; undefined: nobody has ever heard of it. Counted anew each time. */
  countHeld(store: string): Promise<HeldCounts | undefined>;
  /**
   * A store is gone for good with what it had: its copies, of up to `limit` objects from after `after`, are forgotten, and its locks;
   * rules place those objects anew. With the last of them nothing waits for it any more: copies asked for are cancelled, and what was to be
   * deleted is. Said again it goes on with what is left.
   */
  loseCopies(query: {
    readonly store: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<CopiesLost | StoreHeld>;
}

export interface HeldCounts {
  /** Of all versions, in any state. */
  readonly copies: number;
  /** Requests that are not over. */
  readonly copiesWanted: number;
  readonly deletes: number;
}

export interface CopiesLost {
  readonly kind: 'lost';
  readonly copies: number;
  /** Objects that had a copy that could be good, and have none now. */
  readonly objects: readonly ObjectName[];
  /** Undefined: that was the last of it. */
  readonly next: string | undefined;
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
