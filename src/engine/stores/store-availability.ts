import type { Operation } from '../../domain/store/protocol.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { heedSaid } from './heed-said.ts';
import type { Stores } from './store-access.ts';

interface StoresOwner {
  /** As they are configured. */
  stores(): Stores;
  catalog(): Promise<Pick<RuleCatalog, 'readStoreUse'>>;
}

/**
 * What each store is to be asked for now: as it is configured, and what was said of it (`pando store set`) before that. Asked without
 * a look at the catalog, so that a read costs no more for it; what is said later is known after the next `refresh`.
 */
export class StoreAvailability {
  readonly #owner: StoresOwner;
  #stores: Stores = new Map();

  constructor(owner: StoresOwner) {
    this.#owner = owner;
  }

  async refresh(): Promise<this> {
    const catalog = await this.#owner.catalog();
    this.#stores = heedSaid(this.#owner.stores(), await catalog.readStoreUse());
    return this;
  }

  /** Places of the stores that are not to be asked for it. */
  closedFor(operation: Operation): readonly string[] {
    return [...this.#stores.values()].filter(({ traits }) => !traits.availability[operation]).map(({ place }) => place);
  }

  /** Undefined: it may be asked for that. Otherwise why not, and how to change it. A place in no profile may be. */
  whyNot(place: string, operation: Operation): string | undefined {
    // A part of a store is the store's.
    const store = [...this.#stores.values()].find(
      (one) => !one.traits.availability[operation] && place.startsWith(one.place),
    );
    if (store === undefined) return undefined;
    return `it ${REFUSED[operation]} now: pando store set ${store.name} --${operation}, or --as-configured`;
  }
}

const REFUSED: Readonly<Record<Operation, string>> = {
  read: 'gives no bytes',
  write: 'takes no writes',
  delete: 'deletes nothing',
};
