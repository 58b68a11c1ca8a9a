import type { Configuration, Profile, StorageSettings } from './configuration.ts';
import { makeProfile } from './make-profile.ts';
import { storePlace } from './place.ts';
import { derivePlaceName } from './profile-name.ts';

/** The profile of a place: the one that names it in the configuration, or one that stands for it. */
export function profileOfPlace(storage: StorageSettings, { profiles }: Configuration): Profile {
  const place = storePlace(storage);
  return Object.values(profiles).find((one) => storePlace(one.storage) === place) ?? makeImplicitProfile(storage);
}

/** Stands for a place by itself, as if no profile named it. */
export function makeImplicitProfile(storage: StorageSettings): Profile {
  // Its name is made up; people know the place.
  const title = storage.type === 'file' ? storage.basePath : storePlace(storage).replace(/\/$/, '');
  return { ...makeProfile(nameOfPlace(storage), storage), title };
}

/** What the scope of a place is called as long as no profile names it. */
export function nameOfPlace(storage: StorageSettings): string {
  const place = storePlace(storage);
  const segments = place.split('/').filter((segment) => segment !== '');
  return derivePlaceName(segments.length > 1 ? decodeURIComponent(segments.at(-1) ?? '') : '', place);
}
