import type { Configuration } from '../config/configuration.ts';
import { storePlace } from '../config/place.ts';
import type { Catalog } from '../ports/catalog.ts';

/** What people call the store at a place; a place nobody has a name for is told as it is. */
export type StoreTitles = (place: string) => string;

export async function readStoreTitles(
  catalog: Pick<Catalog, 'readStoreUse'>,
  { profiles }: Pick<Configuration, 'profiles'>,
): Promise<StoreTitles> {
  const titles = new Map((await catalog.readStoreUse()).map(({ store, title }) => [store, title]));
  // Of profiles that share a place the first one names the store.
  for (const { name, storage } of Object.values(profiles).toReversed()) titles.set(storePlace(storage), name);
  return (place) => titles.get(place) ?? place;
}
