import { expect, it } from 'vitest';
import type { Configuration, StorageSettings } from '../../src/config/configuration.ts';
import { makeProfile } from '../../src/config/make-profile.ts';
import { storePlace } from '../../src/config/place.ts';
import { profileOfRecordedPlace } from '../../src/config/recorded-place.ts';
import { makeS3Settings } from '../../src/config/storage-settings.ts';
import { currentSurroundings } from '../../src/config/surroundings.ts';

const NONE: Configuration = { file: undefined, catalog: { kind: 'sqlite', path: ':memory:' }, profiles: {} };

function s3(bucket: string, prefix: string, endpointUrl?: string): StorageSettings & { type: 's3' } {
  const keys = { kind: 'static', accessKey: bucket, secretKey: 'secret', sessionToken: undefined } as const;
  return makeS3Settings({ bucket, prefix }, keys, currentSurroundings(), { endpointUrl });
}

function withProfiles(...stores: readonly StorageSettings[]): Configuration {
  return { ...NONE, profiles: Object.fromEntries(stores.map((one, i) => [`p${i}`, makeProfile(`p${i}`, one)])) };
}

it('reaches a directory by its path, whatever is in its name', () => {
  for (const basePath of ['/', '/no/such place/ü%2F', '/a']) {
    const place = storePlace({ type: 'file', basePath });
    expect(profileOfRecordedPlace(place, NONE)?.storage).toEqual({ type: 'file', basePath });
  }
});

it('takes the profile that has the place now', () => {
  const configuration = withProfiles({ type: 'file', basePath: '/a' }, { type: 'memory', name: 'm' });
  expect(profileOfRecordedPlace('file:///a/', configuration)?.name).toBe('p0');
  expect(profileOfRecordedPlace('memory://m/', configuration)?.name).toBe('p1');
});

it('reaches a part of a bucket with what a profile of the same bucket says', () => {
  const endpoint = 'http://127.0.0.1:9000/gate';
  const configuration = withProfiles(s3('other', '', endpoint), s3('bucket', 'pre/', endpoint));
  const part = s3('bucket', 'pre/pärt/', endpoint);
  expect(profileOfRecordedPlace(storePlace(part), configuration)?.storage).toEqual(part);
});

it('reaches a bucket that no profile has with what the environment says, at its endpoint only', () => {
  const amazon = s3('bucket', 'a/');
  expect(profileOfRecordedPlace(storePlace(amazon), NONE)?.storage).toMatchObject({
    bucket: 'bucket',
    prefix: 'a/',
    credentials: { kind: 'chain' },
  });
  for (const place of [storePlace(s3('bucket', '', 'https://s3.example.com')), 'memory://gone/'])
    expect(profileOfRecordedPlace(place, NONE)).toBeUndefined();
});
