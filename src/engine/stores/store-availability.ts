import type { Operation } from '../../domain/store/protocol.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
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
  #closed = new ClosedStores([], []);

  constructor(owner: StoresOwner) {
    this.#owner = owner;
  }

  async refresh(): Promise<this> {
    const catalog = await this.#owner.catalog();
    this.#closed = new ClosedStores(this.#owner.stores().values(), await catalog.readStoreUse());
    return this;
  }

  closedFor(operation: Operation): readonly string[] {
    return this.#closed.closedFor(operation);
  }

  whyNot(place: string, operation: Operation, key?: string): string | undefined {
    return this.#closed.whyNot(place, operation, key);
  }

  whyNotBelow(place: string, operation: Operation, prefix?: string): string | undefined {
    return this.#closed.whyNotBelow(place, operation, prefix);
  }
}
