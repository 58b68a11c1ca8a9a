import type { ObjectName } from '../domain/object/object-name.ts';

/** Whose the places at stores are (docs/names-and-expressions.md, "Paths"). */
export interface PlaceCatalog {
  /**
   * Objects with a copy at each of these keys of a store, of any version and in any state; one answer each, in order. More than one only
   * in a catalog of before places were guarded, and where two profiles have one place.
   */
  readPlaces(store: string, keys: readonly string[]): Promise<readonly (readonly PlaceOwner[])[]>;
  /** Whether rules or uploads may have copies at a store; false is certain, but for copies of no bytes on their way out. Cheap. */
  mayHoldPlaced(store: string): Promise<boolean>;
}

export interface PlaceOwner extends ObjectName {
  /** A rule or an upload put the copy there; otherwise it is a profile's or a source's own. */
  readonly isPlaced: boolean;
}
