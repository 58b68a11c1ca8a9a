import { RESERVED_DIRECTORY } from '../domain/object/key.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import { prefixIn } from '../domain/store/nested-stores.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { NearbyStore } from '../ports/places.ts';
import type { OpenedScope } from './opened-scope.ts';

/** A scope at its source. */
export interface AtSource {
  readonly scope: string;
  /** Place of its source. */
  readonly store: string;
}

/** Whose a file is that lies at a source and is none of its scope's. */
export interface OtherCopy {
  /** What the store is called that has it: the source, or one inside it. */
  readonly store: string;
  /** Undefined: a file of that store, and the catalog knows no more. */
  readonly object: ObjectName | undefined;
}

export function atSource({ name, source }: Pick<OpenedScope, 'name' | 'source'>): AtSource {
  return { scope: name, store: source.place };
}

/** Only rules and uploads bring what is there: then all of it is the store's, though it lies inside a source. */
export function isFilled({ isSource, isMirror, mayHoldPlaced }: NearbyStore): boolean {
  return mayHoldPlaced && !isSource && !isMirror;
}

/** Pando's own of a store inside another one. */
function isOwnBelow(prefix: string, key: string): boolean {
  return prefix !== '' && key.startsWith(`${prefix}${RESERVED_DIRECTORY}/`);
}

/**
 * Of these keys at a source, those that are no objects of its scope (docs/versions.md, "Copies of others at a source"): where rules or
 * uploads keep copies of other objects, there or in a store inside. Where nothing is placed it costs one look, whatever the number of keys.
 */
export async function findCopiesOfOthers(
  catalog: Pick<Catalog, 'listNearby' | 'readPlaces'>,
  { scope, store }: AtSource,
  keys: readonly string[],
): Promise<ReadonlyMap<string, OtherCopy>> {
  const others = new Map<string, OtherCopy>();
  if (keys.length === 0) return others;
  for (const holder of await catalog.listNearby(store)) {
    const prefix = prefixIn(store, holder.store);
    if (prefix === undefined) continue;
    const below = keys.filter((key) => key.startsWith(prefix));
    for (const key of below) if (isOwnBelow(prefix, key)) others.set(key, { store: holder.title, object: undefined });
    if (!holder.mayHoldPlaced || below.length === 0) continue;
    const inHolder = below.map((key) => key.slice(prefix.length));
    const isAllItsOwn = prefix !== '' && isFilled(holder);
    for (const [at, owners] of (await catalog.readPlaces(holder.store, inHolder)).entries()) {
      const object = owners.find(({ isPlaced }) => isPlaced);
      if (object !== undefined || isAllItsOwn) others.set(below[at] as string, { store: holder.title, object });
    }
  }
  const found = [...others.keys()];
  if (found.length === 0) return others;
  for (const [at, owners] of (await catalog.readPlaces(store, found)).entries()) {
    const key = found[at] as string;
    if (owners.some((one) => one.scope === scope && one.name === key)) others.delete(key);
  }
  return others;
}
