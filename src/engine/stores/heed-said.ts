import type { StoreUse } from '../../ports/rules.ts';
import type { StoreAccess, Stores } from './store-access.ts';

/**
 * The stores with the availability that was said of them (`pando store set`) before the one that is configured, and with the scopes
 * whose source they turned out to be.
 */
export function heedSaid(stores: Stores, use: Iterable<Pick<StoreUse, 'store' | 'said' | 'sourceOf'>>): Stores {
  const known = new Map([...use].map((one) => [one.store, one]));
  const entries = [...stores].map(([place, store]): [string, StoreAccess] => {
    const own = known.get(place);
    if (own === undefined) return [place, store];
    const { traits } = store;
    const sourceOf = [...new Set([...store.sourceOf, ...own.sourceOf])];
    const availability = { ...traits.availability, ...own.said.availability };
    return [place, { ...store, sourceOf, traits: { ...traits, availability } }];
  });
  return new Map(entries);
}
