/**
 * Who has a place at a store: looked up whenever a copy is made. Places that are computed from the object's name, as on mirrors, sources and
 * under `hash`, are not kept as text and need no entry; no key begins before a space, and those codes do (place-code.ts).
 */
export function placeIndex(): readonly string[] {
  return ["create index replica_place on replica (store, place) where place >= ' '"];
}
