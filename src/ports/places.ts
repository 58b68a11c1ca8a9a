import type { ObjectName } from '../domain/object/object-name.ts';

/** Whose the places at stores are (docs/names-and-expressions.md, "Paths"). */
export interface PlaceCatalog {
  /**
   * Objects with a copy at each of these keys of a store, of any version and in any state; one answer each, in order. More than one only
   * in a catalog of before places were guarded, and where two profiles have one place.
   */
  readPlaces(store: string, keys: readonly string[]): Promise<readonly (readonly PlaceOwner[])[]>;
  /** The stores in use at a place, inside it and around it, whatever any configuration names. Cheap: no replica is gone through. */
  listNearby(place: string): Promise<readonly NearbyStore[]>;
}

/** One that is a source or a mirror, or may hold what was placed, or of which something was said (`pando store set`). */
export interface NearbyStore {
  readonly store: string;
  readonly title: string;
  /** Of a scope that has objects. */
  readonly isSource: boolean;
  /** Of a profile, or by a sync that named it. */
  readonly isMirror: boolean;
  /** Rules or uploads may have copies there; false is certain, but for copies of no bytes on their way out. */
  readonly mayHoldPlaced: boolean;
}

/** What a sync did at a place, which profiles that share the store may all count their copies at. */
export interface PlaceChange {
  /** Whose sync it was: what became of its own copy there is told by itself. */
  readonly scope: string;
  readonly store: string;
  readonly key: string;
  /**
   * `gone`: the bytes of this token were deleted. `other`: bytes of this token lie there now, in place of those before. Copies of other
   * objects that are known to lie there are forgotten where their bytes are gone, and in doubt where others may lie.
   */
  readonly became: 'gone' | 'other';
  readonly token: string;
}

export interface PlaceOwner extends ObjectName {
  /** A rule or an upload put the copy there; otherwise it is a profile's or a source's own. */
  readonly isPlaced: boolean;
}
