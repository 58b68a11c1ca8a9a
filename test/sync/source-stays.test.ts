import { expect, test } from 'vitest';
import type { ListingPage, Storage } from '../../src/ports/storage.ts';
import { alter, alterListing, failing } from './altered.ts';
import { openSyncWorld } from './sync-world.ts';
import { texts, writeAll } from './trees.ts';

/** A bucket that is emptied or removed while it is synced: unlike a directory, it does not say that it is another. */
const nothings: [string, () => AsyncGenerator<ListingPage>][] = [
  ['shows nothing', async function* () {}],
  [
    'shows an empty page',
    async function* () {
      yield { objects: [], failures: [], markers: 0 };
    },
  ],
  [
    'is missing itself',
    async function* () {
      yield* [];
      throw failing('not-found');
    },
  ],
];
test.each(nothings)(
  'a source that, once it was listed, %s and says of every object that it is missing deletes nothing',
  async (_, list) => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', z: '2' });
    writeAll(world.targets[0] as string, { a: '1', foreign: 'x' });
    let gone = false;
    const listedOnce = (storage: Storage) =>
      alterListing(storage, (page) => {
        gone ||= page === undefined;
        return page;
      });
    const wrapSource = (storage: Storage) =>
      alter(listedOnce(storage), (inner) => ({
        list: (prefix, options) => (gone ? list() : inner.list(prefix, options)),
        head: async (key, options) => {
          if (gone) throw failing('not-found');
          return inner.head(key, options);
        },
      }));
    const result = await world.sync({
      deleteUnmatched: true,
      deleteLimit: { kind: 'percent', percent: 100 },
      wrapSource,
    });
    expect(result).toMatchObject({ state: 'failed', targets: [{ deleted: 0 }] });
    expect(result.failures.at(-1)?.message).toMatch(/went away|is empty now/);
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', foreign: 'x', z: '2' });
  },
);
