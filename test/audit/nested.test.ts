import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCopied, settle } from './audit-world.ts';

/** As `x/deep/` of store `a` is known to the catalog, and to no configuration here. */
const DEEP = 'x/deep/';

describe('what was left to a store inside', () => {
  test('is counted once, also over an audit that was interrupted', async () => {
    const { world } = await openCopied(20);
    await using _ = world;
    const catalog = await world.catalog();
    const deep = `${world.access('a').place}${DEEP}`;
    await catalog.openStores([{ store: deep, title: 'deep', allocatedBytes: undefined }]);
    await catalog.setStore(deep, { availability: { write: false } });
    for (let at = 0; at < 30; at++) world.add(join(world.root, 'a', DEEP, `f${at}`), 'of deep');
    world.add(join(world.root, 'a', DEEP, '.pando/lease'), 'of deep');
    world.add(join(world.root, 'a', 'x/deeper'), 'of nobody');
    await settle();
    const stop = new AbortController();
    const first = await world.audit('a', {
      stepPlaces: 5,
      signal: stop.signal,
      over: (storage) => ({
        list: async function* (prefix, options) {
          for await (const page of storage.list(prefix, options)) {
            for (const [at, object] of page.objects.entries()) {
              if (at === 40) stop.abort();
              yield { ...page, objects: [object] };
            }
          }
        },
      }),
    });
    expect(first).toMatchObject({ state: 'interrupted' });
    expect(first.leftTo[0]?.files).toBeGreaterThan(0);
    await world.reopen();
    const second = await world.audit('a', { repair: true, stepPlaces: 5 });
    expect(second).toMatchObject({
      resumed: true,
      counts: { known: 20, listed: 21, ok: 20, dark: 1 },
      repairs: { setAside: 1 },
      leftTo: [{ store: 'deep', files: 31 }],
    });
    expect(world.list('a', true)).toEqual(['x/deeper']);
  });

  test('stays where it is, when the store comes to be known while the file is moved', async () => {
    const { world } = await openCopied(20);
    await using _ = world;
    const path = world.add(join(world.root, 'a', DEEP, 'late'), 'of deep');
    await settle();
    const catalog = await world.catalog();
    const deep = `${world.access('a').place}${DEEP}`;
    const audited = await world.audit('a', {
      repair: true,
      over: (storage) => ({
        publish: async (staged) => {
          await catalog.openStores([{ store: deep, title: 'deep', allocatedBytes: undefined }]);
          await catalog.setStore(deep, { availability: { write: false } });
          return storage.publish(staged);
        },
      }),
    });
    expect(audited).toMatchObject({ counts: { dark: 1 }, repairs: { setAside: 0 } });
    expect(readFileSync(path, 'utf8')).toBe('of deep');
    expect(world.list('a', true)).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test('is adopted by nobody, whatever its bytes are', async () => {
    const { world, names } = await openCopied(20);
    await using _ = world;
    const bytes = readFileSync(await world.pathAt('a', names[0] as string), 'utf8');
    const catalog = await world.catalog();
    const deep = `${world.access('c').place}${DEEP}`;
    await catalog.openStores([{ store: deep, title: 'deep', allocatedBytes: undefined }]);
    await catalog.setStore(deep, { availability: { write: false } });
    world.add(join(world.root, 'c', DEEP, 'inbox', names[0] as string), bytes);
    expect(await world.audit('c', { adopt: true, repair: true, percentMax: 100 })).toMatchObject({
      state: 'clean',
      repairs: { adopted: 0, setAside: 0 },
      leftTo: [{ store: 'deep', files: 1 }],
    });
  });
});
