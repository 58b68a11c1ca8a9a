import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Storage } from '../../src/ports/storage.ts';
import { alter, alterListing, failing, listed } from './altered.ts';
import { openSyncWorld, SCOPE } from './sync-world.ts';
import { everything, leftovers, mirrored, setTime, texts, write, writeAll } from './trees.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

describe('a dry run', () => {
  test('writes and deletes nothing anywhere, and tells exactly what the real run then does', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { a: 'one', 'b/c': 'two', same: 'same' });
    await world.sync();
    write(world.source, 'a', 'one, changed');
    write(world.source, 'new/x', 'new');
    fs.rmSync(join(world.source, 'b'), { recursive: true });
    write(world.targets[1] as string, 'foreign', 'foreign');
    setTime(dirname(write(world.targets[1] as string, '.pando/staging/elsewhere.1.a/1', 'of a dead writer')), 0);
    const run = async (dryRun: boolean) => {
      const actions: string[] = [];
      const onAction = ({ action, key, target }: { action: string; key: string; target: string }) =>
        void actions.push(`${action} ${key} ${target}`);
      const result = await world.sync({ ...ALL, dryRun, listeners: { onAction } });
      const counts = result.targets.map(({ added, updated, deleted, unchanged, failed, bytes }) => ({
        added,
        updated,
        deleted,
        unchanged,
        failed,
        bytes,
      }));
      return { state: result.state, counts, actions: actions.toSorted() };
    };
    const known = async () => {
      const catalog = await world.catalog();
      const rows = await Promise.all(
        ['a', 'b/c', 'same', 'new/x', 'foreign'].map((name) => catalog.readObject(SCOPE, name)),
      );
      return { rows, status: await catalog.status(), syncs: await catalog.listSyncs(10) };
    };

    const before = { files: everything(world.root).filter((line) => !line.includes('/data')), known: await known() };
    const dry = await run(true);
    expect({ files: everything(world.root).filter((line) => !line.includes('/data')), known: await known() }).toEqual(
      before,
    );
    expect(dry.actions).toEqual([
      'add new/x target0',
      'add new/x target1',
      'delete b/c target0',
      'delete b/c target1',
      'delete foreign target1',
      'update a target0',
      'update a target1',
    ]);
    expect(await run(false)).toEqual(dry);
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    expect(leftovers(world.targets[1] as string)).toEqual([]);
  });
});

describe('a source that is empty or gone', () => {
  test('deletes nothing where all was meant to go, unless that is allowed', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2', 'c/d': '3' });
    await world.sync();
    for (const name of ['a', 'b', 'c']) fs.rmSync(join(world.source, name), { recursive: true });

    for (const [how, said] of [
      [
        { deleteUnmatched: true },
        /the source is empty, and 3 objects .* say --allow-empty-source and --max-delete 100%$/,
      ],
      [ALL, /the source is empty, and 3 objects .* say --allow-empty-source$/],
      [{ deleteUnmatched: true, allowEmptySource: true }, /3 of 3 objects at target0 would be deleted.*--max-delete/],
    ] as const) {
      expect(await world.sync(how)).toMatchObject({ state: 'refused', refusal: expect.stringMatching(said) });
      expect(Object.keys(texts(world.targets[0] as string))).toEqual(['a', 'b', 'c/d']);
    }
    expect((await (await world.catalog()).listSyncs(1))[0]).toMatchObject({ state: 'refused' });

    expect((await world.sync({ ...ALL, allowEmptySource: true })).state).toBe('done');
    expect(texts(world.targets[0] as string)).toEqual({});
  });

  test('that lost most of its objects deletes no more than allowed elsewhere, where the target never had them', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { a: '1', b: '2', c: '3', d: '4' });
    await world.sync({ only: [0] });
    for (const name of ['a', 'b', 'c']) fs.rmSync(join(world.source, name));
    for (const deleteLimit of [
      { kind: 'percent', percent: 50 },
      { kind: 'count', count: 2 },
    ] as const)
      expect(await world.sync({ deleteUnmatched: true, deleteLimit, only: [1] })).toMatchObject({
        state: 'refused',
        refusal: expect.stringMatching(/^3 of 4 objects that the source had .* copies at all stores.*--max-delete/),
      });
    expect(await world.states('a')).toMatchObject({ target0: 'AVAILABLE' });
    expect((await world.sync({ ...ALL, only: [1] })).state).toBe('done');
    expect(await world.states('a')).toBe('deleted');
    expect(await world.states('d')).toMatchObject({ target0: 'AVAILABLE', target1: 'AVAILABLE' });
  });

  test('deletes nothing elsewhere either, where the target is as empty', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { a: '1' });
    await world.sync();
    for (const root of [world.source, world.targets[0] as string]) fs.rmSync(join(root, 'a'));
    expect(await world.sync({ ...ALL, only: [0] })).toMatchObject({
      state: 'refused',
      refusal: expect.stringContaining('1 object would be deleted'),
    });
    expect(await world.states('a')).toMatchObject({ target1: 'AVAILABLE' });
  });

  test('that is gone from the start fails the run and touches nothing', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1' });
    await world.sync();
    fs.rmSync(world.source, { recursive: true });
    await expect(world.sync(ALL)).rejects.toMatchObject({ kind: 'not-found' });
    expect(texts(world.targets[0] as string)).toEqual({ a: '1' });
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', target0: 'AVAILABLE' });
  });

  test.each([
    ['is removed', (source: string) => fs.rmSync(source, { recursive: true })],
    [
      'is unmounted, and its mount point is empty',
      (source: string) => {
        fs.renameSync(source, `${source}.away`);
        fs.mkdirSync(source);
      },
    ],
  ])('and %s after it was listed deletes nothing', async (_, vanish) => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', z: '2' });
    writeAll(world.targets[0] as string, { a: '1', foreign: 'x' });
    let gone = false;
    const wrapSource = (storage: Storage) =>
      alterListing(storage, (page) => {
        if (page === undefined && !gone) vanish(world.source);
        gone ||= page === undefined;
        return page;
      });
    const result = await world.sync({ ...ALL, wrapSource });
    expect(result.state).toBe('failed');
    expect(texts(world.targets[0] as string)).toMatchObject({ a: '1', foreign: 'x' });
  });

  const vanishings: [string, (source: string) => void][] = [
    ['is removed', (source) => fs.rmSync(source, { recursive: true })],
    [
      'is unmounted',
      (source) => {
        fs.renameSync(source, `${source}.away`);
        fs.mkdirSync(source);
      },
    ],
  ];
  test.each(vanishings.slice(soak ? 0 : 1))(
    'and %s while it is listed deletes nothing: what was not seen any more is not absent',
    async (_, vanish) => {
      await using world = openSyncWorld();
      // More than a page, so that the walk is still under way when the first page is looked at.
      for (let i = 0; i < 55; i++)
        for (let j = 0; j < 220; j++) write(world.source, `d${String(i).padStart(2, '0')}/${j}`, '');
      await world.sync();
      let gone = false;
      const wrapSource = (storage: Storage) =>
        alterListing(storage, (page) => {
          if (!gone) vanish(world.source);
          gone = true;
          return page;
        });
      const result = await world.sync({ ...ALL, wrapSource });
      expect(result.state).toBe('failed');
      expect(result.targets[0]?.deleted).toBe(0);
      expect(Object.keys(mirrored(world.targets[0] as string))).toHaveLength(55 * 220);
    },
  );
});

describe('a listing out of order', () => {
  const shuffled = (pages: 'within a page' | 'over pages') => (storage: Storage) =>
    alter(storage, (inner) => ({
      async *list(prefix, options) {
        const all = (await listed(inner)).filter(
          ({ key }) => key > (options?.startAfter ?? '') && key.startsWith(prefix),
        );
        const half = Math.ceil(all.length / 2);
        const parts = pages === 'within a page' ? [all.toReversed()] : [all.slice(half), all.slice(0, half)];
        for (const objects of parts) yield { objects, failures: [], markers: 0 };
      },
    }));

  test.each(['within a page', 'over pages'] as const)(
    'at the source (%s) ends the run with nothing deleted',
    async (pages) => {
      await using world = openSyncWorld();
      writeAll(world.source, { a: '1', b: '2', c: '3', d: '4' });
      writeAll(world.targets[0] as string, { c: '3', foreign: 'x' });
      const result = await world.sync({ ...ALL, wrapSource: shuffled(pages) });
      expect(result.state).toBe('failed');
      expect(result.failures[0]?.message).toContain('not in byte order');
      expect(result.targets[0]?.deleted).toBe(0);
      expect(texts(world.targets[0] as string)).toMatchObject({ c: '3', foreign: 'x' });
    },
  );

  test.each(['within a page', 'over pages'] as const)(
    'at a target (%s) gives that target up with nothing deleted there, and the others go on',
    async (pages) => {
      await using world = openSyncWorld({ targets: 2 });
      writeAll(world.source, { a: '1', b: '2', c: '3', d: '4' });
      for (const target of world.targets) writeAll(target, { a: '1', b: '2', foreign: 'x', other: 'y' });
      const result = await world.sync({
        ...ALL,
        wrapTarget: (storage, index) => (index === 0 ? shuffled(pages)(storage) : storage),
      });
      expect(result.state).toBe('failed');
      expect(result.targets.map(({ deleted }) => deleted)).toEqual([0, 2]);
      expect(result.targets[0]?.gaveUp).toContain('not in byte order');
      expect(texts(world.targets[0] as string)).toMatchObject({ a: '1', b: '2', foreign: 'x', other: 'y' });
      expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    },
  );

  test('a target whose listing breaks off loses nothing, though all it showed is unmatched', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { zz: '1' });
    writeAll(world.targets[0] as string, { a: '1', b: '2', c: '3' });
    const result = await world.sync({
      deleteUnmatched: true,
      wrapTarget: (storage) =>
        alterListing(storage, (page) => {
          if (page === undefined) throw failing('unavailable');
          return page;
        }),
    });
    expect(result.state).toBe('failed');
    expect(result.targets[0]).toMatchObject({ deleted: 0, gaveUp: expect.any(String) as string });
    expect(texts(world.targets[0] as string)).toMatchObject({ a: '1', b: '2', c: '3' });
  });
});

describe('the source cannot be looked at everywhere', () => {
  test('a directory that cannot be listed protects all below it, and is a failure', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'd/a': '1', 'd/b': '2', e: '3' });
    await world.sync();
    fs.rmSync(join(world.source, 'd'), { recursive: true });
    const wrapSource = (storage: Storage) =>
      alterListing(storage, (page, number) => {
        if (page === undefined || number > 0) return page;
        const failure = {
          shown: 'd/',
          protects: 'd/',
          kind: 'unavailable' as const,
          message: 'd/: input/output error',
        };
        return { ...page, failures: [failure] };
      });
    const result = await world.sync({ ...ALL, wrapSource });
    expect(result.state).toBe('failed');
    expect(result.failures).toMatchObject([
      { key: 'd/', target: undefined, message: expect.stringContaining('d/') as string },
    ]);
    expect(texts(world.targets[0] as string)).toEqual({ 'd/a': '1', 'd/b': '2', e: '3' });
  });

  test('it is a failure also where only some names below it are wanted', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'a.txt': '1' });
    const wrapSource = (storage: Storage) =>
      alterListing(storage, (page, number) =>
        page === undefined || number > 0
          ? page
          : { ...page, failures: [{ shown: 'd/', protects: 'd/', kind: 'denied', message: 'd/: permission denied' }] },
      );
    const rules = [{ kind: 'include' as const, matches: (key: string) => key.endsWith('.txt') }];
    expect((await world.sync({ wrapSource, filter: { rules } })).state).toBe('failed');

    const without = [{ kind: 'exclude' as const, matches: (key: string) => key.startsWith('d/') }];
    expect((await world.sync({ wrapSource, filter: { rules: without } })).state).toBe('done');
  });

  test('a link that leads nowhere for a while does not take its copy along', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'real/x': '1', other: '2' });
    fs.symlinkSync('real/x', join(world.source, 'link'));
    await world.sync();
    expect(texts(world.targets[0] as string)).toEqual({ link: '1', other: '2', 'real/x': '1' });
    fs.renameSync(join(world.source, 'real/x'), join(world.source, 'real/y'));
    const result = await world.sync(ALL);
    expect(result.failures).toMatchObject([{ key: 'link', kind: 'symlink' }]);
    expect(texts(world.targets[0] as string)).toEqual({ link: '1', other: '2', 'real/y': '1' });
  });
});

describe('names that lead elsewhere', () => {
  test.each(['../evil', 'a/../../evil', '/evil', '.pando/lease', 'a//b', './evil', 'evil\nname', ''])(
    'a key %j of a store is refused and reported, and nothing is written outside',
    async (key) => {
      await using world = openSyncWorld();
      writeAll(world.source, { good: '1', zgood: '2' });
      const wrapSource = (storage: Storage) =>
        alter(storage, (inner) => ({
          async *list() {
            const objects = await listed(inner);
            const hostile = { key, size: 1, token: 't', modifiedNs: 1n };
            yield { objects: [...objects, hostile].sort((a, b) => (a.key < b.key ? -1 : 1)), failures: [], markers: 0 };
          },
          get: async (name, options) =>
            name === key
              ? {
                  head: { token: 't', size: 1, modifiedNs: 1n, attributes: {}, mark: undefined, digests: {} },
                  body: Buffer.from('!'),
                }
              : inner.get(name, options),
        }));
      await world.catalog();
      const before = fs.readdirSync(world.root).toSorted();
      const result = await world.sync({ ...ALL, wrapSource });
      expect(result.state).toBe('failed');
      expect(result.failures).toHaveLength(1);
      expect(result.failures[0]?.message).toMatch(/refused|invalid/);
      expect(texts(world.targets[0] as string)).toEqual({ good: '1', zgood: '2' });
      expect(fs.readdirSync(world.root).toSorted()).toEqual(before);
    },
  );
});
