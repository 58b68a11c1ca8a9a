import { RESERVED_DIRECTORY } from '../../domain/object/key.ts';
import { type NestedStore, prefixIn, storeAt, storesInside } from '../../domain/store/nested-stores.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { NearbyStore } from '../../ports/places.ts';
import { findCopiesOfOthers, isFilled } from '../copies-of-others.ts';
import type { StoreAccess, Stores } from '../stores/store-access.ts';
import { scopeOfUnknown } from './unknown-files.ts';

interface OtherStoresPorts {
  readonly catalog: Pick<Catalog, 'listNearby' | 'readPlaces'>;
  readonly stores: Stores;
}

/**
 * The stores inside a store and around it, to which an audit leaves what is theirs (docs/audit.md, "Stores inside stores"). Asked only of
 * files that the catalog does not have at the store itself.
 */
export class OtherStores {
  readonly #ports: OtherStoresPorts;
  readonly #access: StoreAccess;
  readonly #nearby: readonly NearbyStore[];
  readonly #inside: readonly NestedStore[];
  readonly #scope: string | undefined;

  private constructor(ports: OtherStoresPorts, access: StoreAccess, nearby: readonly NearbyStore[]) {
    this.#ports = ports;
    this.#access = access;
    this.#nearby = nearby;
    this.#scope = scopeOfUnknown(access);
    const inside = storesInside(access.place, { configured: ports.stores.values(), known: nearby });
    this.#inside = this.#scope === undefined ? inside : insideSource(inside, nearby);
  }

  static async find(ports: OtherStoresPorts, access: StoreAccess): Promise<OtherStores> {
    return new OtherStores(ports, access, await ports.catalog.listNearby(access.place));
  }

  /** What the store inside is called that has this file, by its key alone: cheap enough for every file of a listing. */
  inside(key: string): string | undefined {
    return storeAt(this.#inside, key)?.name;
  }

  /** Of these keys, those that another store has, with what it is called: inside, or around it by what the catalog knows there. */
  async findOwners(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const owners = new Map<string, string>();
    const { catalog } = this.#ports;
    // What lies at a source is its scope's, whatever else knows it.
    for (const { store, title } of this.#scope === undefined ? this.#around() : []) {
      const above = prefixIn(store, this.#access.place);
      const there = await catalog.readPlaces(
        store,
        keys.map((key) => `${above}${key}`),
      );
      for (const [at, known] of there.entries()) if (known.length > 0) owners.set(keys[at] as string, title);
    }
    if (this.#scope !== undefined) {
      const at = { scope: this.#scope, store: this.#access.place };
      for (const [key, { store }] of await findCopiesOfOthers(catalog, at, keys)) owners.set(key, store);
    }
    for (const key of keys) {
      const name = this.inside(key);
      if (name !== undefined) owners.set(key, name);
    }
    return owners;
  }

  /** A source around the store, whose new objects lie here too where nothing was ever placed. */
  sourceAround(): string | undefined {
    const here = this.#nearby.find(({ store }) => store === this.#access.place);
    if (here?.mayHoldPlaced === true) return undefined;
    const { place } = this.#access;
    const said = [...this.#ports.stores.values()].find(
      (one) => one.place !== place && one.sourceOf.length > 0 && prefixIn(one.place, place) !== undefined,
    );
    return said?.name ?? this.#around().find(({ isSource }) => isSource)?.title;
  }

  #around(): NearbyStore[] {
    const { place } = this.#access;
    return this.#nearby.filter(({ store }) => store !== place && prefixIn(store, place) !== undefined);
  }
}

/** What lies at a source is its scope's, also where another source or a mirror lies inside: each sees its own. */
function insideSource(inside: readonly NestedStore[], nearby: readonly NearbyStore[]): readonly NestedStore[] {
  const filled = new Set(nearby.filter(isFilled).map(({ store }) => store));
  return inside.map((one) => (filled.has(one.place) ? one : { ...one, prefix: `${one.prefix}${RESERVED_DIRECTORY}/` }));
}
