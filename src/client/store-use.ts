import type { Pando } from '../compose.ts';
import { isWithin } from '../config/place.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { ClosedStores } from '../domain/store/closed-stores.ts';
import type { StoreTraits } from '../domain/store/store-traits.ts';
import type { StoreUse } from '../ports/rules.ts';
import { countTransfersAt } from './limits-now.ts';
import { findStore, type ListedStore, listStores } from './list-stores.ts';
import { readStoreTitles } from './store-titles.ts';

type Availability = StoreTraits['availability'];

/** Sources by their names. */
export type StoreUsed = Omit<StoreUse, 'store' | 'title' | 'said' | 'away'>;

export interface StoreKnown {
  /** What was said before what is configured. */
  readonly availability: Availability;
  /** It does not answer, as far as workers know. */
  readonly away: StoreUse['away'];
  /** Undefined: no worker and no rule has had to do with it yet. */
  readonly use: StoreUsed | undefined;
  /** Copies of rules under way to it and from it; undefined: nothing limits them, and nobody counts. */
  readonly transfers: { readonly incoming: number; readonly outgoing: number } | undefined;
}

/** How rules use a store, from the catalog. Fails with a `ConfigurationError` where there is none of that name. */
export async function readStoreUse(pando: Pando, name: string): Promise<StoreKnown> {
  const { place } = findStore(pando.configuration, name);
  const catalog = await pando.catalog();
  const transfers = await countTransfersAt(pando, place);
  const all = await catalog.readStoreUse();
  const closed = closedStores(pando, all);
  const found = all.find(({ store }) => store === place);
  if (found === undefined)
    return { availability: closed.availabilityOf(place), away: undefined, use: undefined, transfers };
  const { recent, sourceOf, completedBytes, inFlightBytes, leavingBytes, pendingRequests } = found;
  const titles = await readStoreTitles(catalog, pando.configuration);
  return {
    availability: closed.availabilityOf(place),
    away: found.away,
    transfers,
    use: {
      completedBytes,
      inFlightBytes,
      leavingBytes,
      pendingRequests,
      sourceOf,
      recent: recent.map((one) => ({ ...one, source: titles(one.source) })),
    },
  };
}

/** A store as it is available now. */
export interface StoreListedNow extends ListedStore {
  /** It does not answer, as far as workers know. */
  readonly away: StoreUse['away'];
}

/** The stores as they are available now: what was said before what is configured. No catalog is made for it. */
export async function readAvailabilities(
  pando: Pando,
  stores: readonly ListedStore[],
): Promise<readonly StoreListedNow[]> {
  const use = await (await pando.catalogAsItIs()).readStoreUse();
  const closed = closedStores(pando, use);
  return stores.map((one) => {
    const availability = closed.availabilityOf(one.place);
    const away = use.find(({ store }) => store === one.place)?.away;
    return { ...one, away, traits: { ...one.traits, availability } };
  });
}

function closedStores({ configuration }: Pando, use: readonly StoreUse[]): ClosedStores {
  const found = listStores(configuration);
  return new ClosedStores(found.kind === 'empty' ? [] : found.stores, use);
}

/** What is not said stays. `as-configured`: whatever was said before is forgotten. */
export type SaidAvailability = Partial<Availability> | 'as-configured';

export interface StoreSet {
  /** From now on. */
  readonly availability: Availability;
  /** How many requests waited for it, and are tried at once. */
  readonly hastened: number;
}

/** Says what a store is to be asked for. Who waits for it is tried at once. */
export async function setStore(pando: Pando, name: string, said: SaidAvailability): Promise<StoreSet> {
  const { place } = findStore(pando.configuration, name);
  if (Object.keys(said).length === 0) {
    const remedy = 'say --read or --no-read, --write or --no-write, --delete or --no-delete, or --as-configured';
    throw new ConfigurationError([problemOutsideFiles('store set', 'nothing is to be set', remedy)]);
  }
  const catalog = await pando.catalog();
  await pando.declareStores();
  const { availability: before } = await readStoreUse(pando, name);
  await catalog.setStore(place, { availability: said === 'as-configured' ? null : said });
  // What this process has opened hears it at once.
  await pando.availability.refresh();
  const { availability } = await readStoreUse(pando, name);
  const isMore = (['read', 'write', 'delete'] as const).some(
    (verb) => availability[verb] && (!before[verb] || (said !== 'as-configured' && said[verb] === true)),
  );
  let hastened = 0;
  // Also what waits for a part of it, or for what it is a part of.
  for (const { store } of isMore ? await catalog.readStoreUse() : [])
    if (isWithin(store, place) || isWithin(place, store)) hastened += await catalog.hasten({ fact: 'asked', store });
  return { availability, hastened };
}
