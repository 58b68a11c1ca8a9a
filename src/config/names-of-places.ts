import type { Configuration, Profile } from './configuration.ts';
import { storePlace } from './place.ts';

/** By which profile a place is known: of those that share it, the first. */
export function namesOfPlaces({ profiles }: Pick<Configuration, 'profiles'>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { name, storage } of Object.values(profiles)) {
    const place = storePlace(storage);
    if (!names.has(place)) names.set(place, name);
  }
  return names;
}

/** The profile a place is known by, where it is not this one. */
export function sameAs({ name, storage }: Profile, named: ReadonlyMap<string, string>): string | undefined {
  const first = named.get(storePlace(storage));
  return first === name ? undefined : first;
}
