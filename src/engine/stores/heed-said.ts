import type { StoreUse } from '../../ports/rules.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import type { StoreAccess, Stores } from './store-access.ts';

/**
 * The stores with the availability that was said of them and of those they are part of (`pando store set`) before the one that is
 * configured, and with the scopes whose source they turned out to be.
 */
export function heedSaid(
  stores: Stores,
  use: Iterable<Pick<StoreUse, 'store' | 'title' | 'said' | 'sourceOf'>>,
): Stores {
  const known = new Map([...use].map((one) => [one.store, one]));
  const closed = new ClosedStores(stores.values(), known.values());
  const entries = [...stores].map(([place, store]): [string, StoreAccess] => {
    const sourceOf = [...new Set([...store.sourceOf, ...(known.get(place)?.sourceOf ?? [])])];
    const availability = closed.availabilityOf(place);
    return [place, { ...store, sourceOf, traits: { ...store.traits, availability } }];
  });
  return new Map(entries);
}
