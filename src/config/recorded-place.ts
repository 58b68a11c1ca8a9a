import { fileURLToPath } from 'node:url';
import type { Configuration, Profile, StorageSettings } from './configuration.ts';
import { makeImplicitProfile } from './implicit-profile.ts';
import { s3LocationAt, storePlace } from './place.ts';
import { makeS3Settings } from './storage-settings.ts';
import { currentSurroundings } from './surroundings.ts';

/**
 * How to reach a place that the catalog knows, whoever named it then: as the profile that has this place now, as a directory, or
 * in S3 with what a profile of the same bucket or the environment says. Undefined where nobody says how.
 */
export function profileOfRecordedPlace(place: string, { profiles }: Configuration): Profile | undefined {
  const configured = Object.values(profiles).find(({ storage }) => storePlace(storage) === place);
  if (configured !== undefined) return configured;
  if (place.startsWith('file:')) {
    const basePath = fileURLToPath(place).replace(/(?<=.)\/$/, '');
    return makeImplicitProfile({ type: 'file', basePath });
  }
  for (const settings of s3Settings(profiles)) {
    const location = s3LocationAt(place, settings);
    if (location !== undefined) return makeImplicitProfile({ ...settings, ...location });
  }
  return undefined;
}

/** Under the title that the catalog was told of the store, by which everything else calls it; a profile's own name goes before that. */
export function callAsRecorded(
  profile: Profile,
  place: string,
  known: readonly { readonly store: string; readonly title: string }[],
): Profile {
  if (profile.title === undefined) return profile;
  return { ...profile, title: known.find(({ store }) => store === place)?.title ?? profile.title };
}

/** Of each profile those of its bucket alone: its keys may open no other one. Then those of the environment, for any bucket. */
function* s3Settings(profiles: Configuration['profiles']): Generator<StorageSettings & { readonly type: 's3' }> {
  for (const { storage } of Object.values(profiles)) if (storage.type === 's3') yield storage;
  const anywhere = { bucket: '', prefix: '' };
  yield makeS3Settings(anywhere, { kind: 'chain', profile: undefined }, currentSurroundings());
}
