import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSyncWorld, type SyncWorld } from './sync-world.ts';
import { texts, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

/** What a dry run foresees, which has to be what the run then does. */
async function foreseen(world: SyncWorld, options: Parameters<SyncWorld['sync']>[0] = {}) {
  const run = async (dryRun: boolean) => {
    const { state, failures, targets } = await world.sync({ ...options, dryRun });
    return {
      state,
      failures: failures.map(({ key, kind, message }) => ({ key, kind, message })).toSorted(byKey),
      counts: targets.map(({ added, updated, deleted, failed, bytes }) => ({ added, updated, deleted, failed, bytes })),
    };
  };
  const dry = await run(true);
  expect(await run(false)).toEqual(dry);
  return dry;
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

describe('a file where a directory must be, and the other way round', () => {
  test('fails as a dry run says, until what is in the way is deleted', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'x/f': '1', 'x/g/h': '2', 'x-y': '3', y: '4' });
    await world.sync();
    fs.rmSync(join(world.source, 'x'), { recursive: true });
    fs.rmSync(join(world.source, 'y'));
    writeAll(world.source, { x: 'file', 'x-z': 'more', 'y-z': '', 'y/g': '5', 'y/h/i': '6' });
    const { state, failures } = await foreseen(world);
    expect(state).toBe('failed');
    const blocked = (key: string, why: string) => ({ key, kind: 'blocked', message: expect.stringContaining(why) });
    expect(failures).toEqual([
      blocked('x', 'a directory lies where the file must be'),
      blocked('y/g', 'a file lies where a directory must be: y'),
      blocked('y/h/i', 'a file lies where a directory must be: y'),
    ]);
    expect(texts(target)).toMatchObject({ 'x/f': '1', y: '4', 'x-z': 'more' });
    expect(await foreseen(world, ALL)).toMatchObject({ state: 'done', counts: [{ added: 3, deleted: 3, failed: 0 }] });
    expect(texts(target)).toEqual({ x: 'file', 'x-y': '3', 'x-z': 'more', 'y-z': '', 'y/g': '5', 'y/h/i': '6' });
  });

  test('fails with the deletes too where what is in the way is excluded', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'a/b': '1', 'c/d': '2' });
    writeAll(world.targets[0] as string, { a: 'theirs', c: 'theirs' });
    const rules = [{ kind: 'exclude' as const, matches: (key: string) => key === 'a' }];
    const { failures, counts } = await foreseen(world, { ...ALL, filter: { rules } });
    expect(failures).toMatchObject([{ key: 'a/b', kind: 'blocked' }]);
    expect(counts).toMatchObject([{ added: 1, deleted: 1, failed: 1 }]);
  });

  test('an empty directory is not in the way of a file', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1' });
    fs.mkdirSync(join(world.targets[0] as string, 'a'));
    expect(await foreseen(world)).toMatchObject({ state: 'done', counts: [{ added: 1, failed: 0 }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: '1' });
  });

  test('a link to a directory in the way is foreseen as what it is', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'a/f': '1', 'b/f': '2' });
    writeAll(target, { 'a/f': '0' });
    fs.symlinkSync('a', join(target, 'b'));
    const { failures } = await foreseen(world);
    expect(failures).toMatchObject([
      { key: 'b/f', message: expect.stringContaining('a symbolic link to a directory is on the way: b') },
    ]);
    expect(await foreseen(world, ALL)).toMatchObject({ state: 'done', counts: [{ added: 1, deleted: 1 }] });
  });
});
