import { expect, it } from 'vitest';
import { receiveEntries } from '../../src/engine/sites/receive-entries.ts';
import { SiteStore } from '../../src/engine/sites/site-store.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { type Storage, StorageError } from '../../src/ports/storage.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { SiteWorld, TestSite } from './site-world.ts';

it('what two batches brought at once stays, though one of them fails for another entry', async () => {
  await using world = await SiteWorld.open(['a', 'b']);
  const { a } = world.sites;
  const peer = { name: 'b', url: 'test:', direction: 'send', mode: 'async', scopes: undefined } as const;
  await a.catalog.addPeer(peer);
  await a.put('s', 'x', 'bytes of x');
  const full = await a.put('s', 'y', 'bytes of y');
  const sent = (await a.catalog.readOutbox({ peer: 'b', after: [], limit: 10 })).map(({ entry }) => ({
    entry,
    bytes: Buffer.from(`bytes of ${entry.kind === 'version' ? entry.name : ''}`),
  }));
  const [published, room] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
  const memory = openMemoryStorage({ name: 'local-b', clock: systemClock });
  const storage = withVerbs(memory, {
    stage: (key, ...rest) => (key.endsWith(full) ? room.promise : memory.stage(key, ...rest)),
    publish: async (requests) => {
      const done = await memory.publish(requests);
      published.resolve();
      return done;
    },
  });
  const b = new TestSite('b', world.sites.b.catalog, new SiteStore(storage));
  const [asked, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const applyEntries: Catalog['applyEntries'] = async (arrived) => {
    asked.resolve();
    await failed.promise;
    return b.catalog.applyEntries(arrived);
  };
  const { id: from } = await a.catalog.site();
  const { signal } = new AbortController();
  const both = receiveEntries(b, { from, lives: undefined, entries: sent }, signal);
  await published.promise;
  const one = receiveEntries(
    { store: b.store, inlineBytesMax: b.inlineBytesMax, catalog: withVerbs(b.catalog, { applyEntries }) },
    { from, lives: undefined, entries: sent.slice(0, 1) },
    signal,
  );
  await asked.promise;
  room.reject(new StorageError('full', { store: 'local-b' }, 'there is no room'));
  await expect(both).rejects.toThrow('there is no room');
  failed.resolve();
  expect((await one).outcomes).toEqual([{ kind: 'applied' }]);
  expect(await b.read('s', 'x')).toBe('bytes of x');
});

/** The same, but for these. */
function withVerbs<T extends Storage | Catalog>(of: T, verbs: Partial<T>): T {
  return new Proxy(of, {
    get(target, key) {
      const verb: unknown = Reflect.get(verbs, key) ?? Reflect.get(target, key);
      return typeof verb === 'function' ? (verb.bind(target) as unknown) : verb;
    },
  });
}
