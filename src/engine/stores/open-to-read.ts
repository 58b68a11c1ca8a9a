import type { Catalog } from '../../ports/catalog.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { Storage } from '../../ports/storage.ts';
import { heedSaid } from './heed-said.ts';
import type { Stores } from './store-access.ts';

/** A store by its own protocol; undefined where nothing is to be read from it, or nobody here names it. */
export async function openToRead(
  catalog: Pick<Catalog & RuleCatalog, 'readStoreUse'>,
  stores: Stores,
  place: string,
): Promise<Storage | undefined> {
  const store = heedSaid(stores, await catalog.readStoreUse()).get(place);
  const own = store?.protocols.find((protocol) => protocol.place === place);
  return store?.traits.availability.read === true ? await own?.open() : undefined;
}
