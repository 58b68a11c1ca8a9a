import type { Clock } from '../../ports/clock.ts';
import type { Operation } from '../../domain/store/protocol.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import type { Stores } from './store-access.ts';

interface StoresOwner {
  readonly clock: Clock;
  /** As they are configured. */
  stores(): Stores;
  catalog(): Promise<Pick<RuleCatalog, 'readStoreUse'>>;
}

/** What was said may be so old where something is about to be published. */
const HEARD_MS_MAX = 2_000;

/**
 * What each store is to be asked for now: as it is configured, and what was said of it (`pando store set`) before that. Asked without
 * a look at the catalog, so that a read costs no more for it; what is said later is known after the next `refresh` or `hear`.
 */
export class StoreAvailability {
  readonly #owner: StoresOwner;
  #closed = new ClosedStores([], []);
  #heardMs = Number.NEGATIVE_INFINITY;
  #hearing: Promise<unknown> | undefined;

  constructor(owner: StoresOwner) {
    this.#owner = owner;
  }

  async refresh(): Promise<this> {
    const { clock } = this.#owner;
    const askedMs = clock.monotonicMs();
    const catalog = await this.#owner.catalog();
    this.#closed = new ClosedStores(this.#owner.stores().values(), await catalog.readStoreUse());
    this.#heardMs = askedMs;
    return this;
  }

  /** As `refresh`, where that was a while ago; what a silent catalog cannot say now stays as it was heard. */
  async hear(): Promise<this> {
    if (this.#owner.clock.monotonicMs() - this.#heardMs < HEARD_MS_MAX) return this;
    this.#hearing ??= this.refresh()
      .catch(() => undefined)
      .finally(() => {
        this.#hearing = undefined;
      });
    await this.#hearing;
    return this;
  }

  closedFor(operation: Operation): readonly string[] {
    return this.#closed.closedFor(operation);
  }

  whyNot(place: string, operation: Operation, key?: string): string | undefined {
    return this.#closed.whyNot(place, operation, key);
  }

  /** `place`: of any of a store's protocols. What is said of stores is said of their own. */
  closedParts(place: string, operation: Operation): ReturnType<ClosedStores['closedParts']> {
    const own = [...this.#owner.stores().values()].find(({ protocols }) =>
      protocols.some((one) => one.place === place),
    );
    return this.#closed.closedParts(own?.place ?? place, operation);
  }

  whyNotBelow(place: string, operation: Operation, prefix?: string): string | undefined {
    return this.#closed.whyNotBelow(place, operation, prefix);
  }
}
