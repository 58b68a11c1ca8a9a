import { expect, test } from 'vitest';
import { storePlace } from '../src/config/place.ts';
import { describeStores } from '../src/describe-stores.ts';
import { placeIn } from '../src/engine/stores/store-access.ts';
import { configure } from './config/configure.ts';

test('what mirrors or is mirrored has the scope’s objects under their names and no others; other stores as their algorithm says', () => {
  const configuration = configure(`profiles:
  data:
    storage_provider: { type: file, options: { base_path: /data } }
    replicas: [{ replica_profile: near, read_priority: 1 }]
  near: { storage_provider: { type: file, options: { base_path: /near } } }
  other: { storage_provider: { type: file, options: { base_path: /other } } }
  named: { storage_provider: { type: file, options: { base_path: /named } }, paths: { algorithm: identity } }
`);
  const stores = describeStores(configuration, () => Promise.reject(new Error('nothing is opened')));
  const told = Object.values(configuration.profiles).map(({ name, storage }) => {
    const store = stores.get(storePlace(storage));
    if (store === undefined) throw new Error(`${name} is not there`);
    const places = ['data', 'else'].map((scope) => placeIn(store, { scope, name: 'a/b' }, undefined));
    return [name, store.paths.name, ...places];
  });
  const mirrors = { path: 'a/b' };
  const refused = { refused: expect.stringMatching(/ mirrors data, and holds nothing else$/) as string };
  expect(told).toEqual([
    ['data', 'plain', mirrors, refused],
    ['near', 'plain', mirrors, refused],
    [
      'other',
      'hash',
      { path: expect.stringMatching(/^..\/..\/data\/a\/b$/) as string },
      { path: expect.any(String) as string },
    ],
    ['named', 'identity', { path: expect.any(String) as string }, { path: expect.any(String) as string }],
  ]);
});
