import type { Catalog } from '../ports/catalog.ts';
import type { PlaceOwner } from '../ports/places.ts';
import type { OpenedScope } from './opened-scope.ts';

/** A scope at its source. */
export interface AtSource {
  readonly scope: string;
  /** Place of its source. */
  readonly store: string;
}

export function atSource({ name, source }: Pick<OpenedScope, 'name' | 'source'>): AtSource {
  return { scope: name, store: source.place };
}

/**
 * Of these keys at a source, those where rules or uploads keep copies of other objects (docs/versions.md, "Observations"): they are no
 * objects of the scope. Where nothing is placed there it costs one look, whatever the number of keys.
 */
export async function findCopiesOfOthers(
  catalog: Pick<Catalog, 'mayHoldPlaced' | 'readPlaces'>,
  { scope, store }: AtSource,
  keys: readonly string[],
): Promise<ReadonlyMap<string, PlaceOwner>> {
  const others = new Map<string, PlaceOwner>();
  if (keys.length === 0 || !(await catalog.mayHoldPlaced(store))) return others;
  for (const [at, owners] of (await catalog.readPlaces(store, keys)).entries()) {
    const key = keys[at] as string;
    const other = owners.find(({ isPlaced }) => isPlaced);
    const isOwn = owners.some((one) => one.scope === scope && one.name === key);
    if (other !== undefined && !isOwn) others.set(key, other);
  }
  return others;
}
