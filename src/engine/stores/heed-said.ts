import type { StoreUse } from '../../ports/rules.ts';
import type { StoreAccess, Stores } from './store-access.ts';

/** The stores with the availability that was said of them (`pando store set`) before the one that is configured. */
export function heedSaid(stores: Stores, use: Iterable<Pick<StoreUse, 'store' | 'said'>>): Stores {
  const said = new Map([...use].map((one) => [one.store, one.said.availability]));
  const entries = [...stores].map(([place, store]): [string, StoreAccess] => {
    const own = said.get(place);
    if (own === undefined) return [place, store];
    const { traits } = store;
    return [place, { ...store, traits: { ...traits, availability: { ...traits.availability, ...own } } }];
  });
  return new Map(entries);
}
