import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSyncWorld } from './sync-world.ts';
import { texts, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

describe('symbolic links', () => {
  test('a directory link at the target that leads outside is neither written nor deleted through', async () => {
    await using world = openSyncWorld();
    const outside = join(world.root, 'outside');
    writeAll(outside, { precious: 'keep' });
    writeAll(world.source, { 'd/x': '1', e: '2' });
    fs.symlinkSync(outside, join(world.targets[0] as string, 'd'));
    expect(await world.sync()).toMatchObject({ state: 'failed', failures: [{ key: 'd/x', kind: 'blocked' }] });
    expect(texts(outside)).toEqual({ precious: 'keep' });
    expect(fs.readFileSync(join(world.targets[0] as string, 'e'), 'utf8')).toBe('2');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done' });
    expect(texts(outside)).toEqual({ precious: 'keep' });
    expect(texts(world.targets[0] as string)).toEqual({ 'd/x': '1', e: '2' });
  });

  test.each(['../outside', '../outside/precious', 'nowhere', 'd'])(
    'a link at the target that leads to no file inside it (%s) is in the way until the deletes take it away',
    async (to) => {
      await using world = openSyncWorld();
      const target = world.targets[0] as string;
      const outside = join(world.root, 'outside');
      writeAll(outside, { precious: 'keep' });
      writeAll(world.source, { 'd/e/g': '1', 'd/f': '2', e: '3', file: '4' });
      fs.symlinkSync(to, join(target, 'd'));
      fs.symlinkSync(to, join(target, 'file'));
      fs.symlinkSync(to, join(target, 'extra'));
      for (const dryRun of [true, false]) {
        const result = await world.sync({ dryRun });
        expect(result).toMatchObject({
          state: 'failed',
          targets: [{ added: 1, updated: 1, deleted: 0, failed: 2, unmatched: 2 }],
        });
        const message = expect.stringContaining('a symbolic link to a directory is on the way: d');
        expect(result.failures).toMatchObject([
          { key: 'd/e/g', kind: 'blocked', message },
          { key: 'd/f', kind: 'blocked', message },
        ]);
      }
      for (const dryRun of [true, false])
        expect(await world.sync({ ...ALL, dryRun })).toMatchObject({
          state: 'done',
          targets: [{ added: 2, deleted: 2, failed: 0 }],
        });
      expect(texts(target)).toEqual(texts(world.source));
      expect(texts(outside)).toEqual({ precious: 'keep' });
      expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ unchanged: 4, added: 0, deleted: 0 }] });
    },
  );

  test('a directory link inside the target does not let a delete take what the link leads to', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'e/x': '1', 'e/y': '2' });
    await world.sync();
    fs.symlinkSync('e', join(target, 'd'));
    await world.sync(ALL);
    expect(fs.readFileSync(join(target, 'e/x'), 'utf8')).toBe('1');
    expect(fs.readFileSync(join(target, 'e/y'), 'utf8')).toBe('2');
  });

  test('what a link to a directory inside the target leads to is neither written, counted nor deleted by its second name', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'a/f': 'a', 'b/f': 'b', 'b/new/g': 'g' });
    writeAll(target, { 'a/f': 'old' });
    fs.symlinkSync('a', join(target, 'b'));
    for (const round of ['first', 'second']) {
      const result = await world.sync();
      expect(result.targets[0], round).toMatchObject({ unmatched: 1, failed: 2 });
      const message = expect.stringContaining('a symbolic link to a directory is on the way: b');
      expect(result.failures, round).toMatchObject([
        { key: 'b/f', kind: 'blocked', message },
        { key: 'b/new/g', kind: 'blocked', message },
      ]);
      expect(texts(join(target, 'a')), round).toEqual({ f: 'a' });
    }
    expect(await world.states('b/f')).toEqual({ source: expect.any(String) });
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ added: 2, deleted: 1, unchanged: 1 }] });
    expect(texts(target)).toEqual({ 'a/f': 'a', 'b/f': 'b', 'b/new/g': 'g' });
  });

  test('a link that was kept and is a directory by now is not written through, and replaced with the deletes', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'real/f': 'real' });
    fs.symlinkSync('real', join(world.source, 'link'));
    expect(await world.sync({ symlinks: 'preserve' })).toMatchObject({ state: 'done' });
    fs.unlinkSync(join(world.source, 'link'));
    writeAll(world.source, { 'link/f': 'OTHER' });
    expect(await world.sync({ symlinks: 'preserve' })).toMatchObject({ state: 'failed', targets: [{ failed: 1 }] });
    expect(fs.readFileSync(join(target, 'real/f'), 'utf8')).toBe('real');
    expect(fs.readlinkSync(join(target, 'link'))).toBe('real');
    expect(await world.sync({ ...ALL, symlinks: 'preserve' })).toMatchObject({ state: 'done' });
    expect(texts(target)).toEqual({ 'link/f': 'OTHER', 'real/f': 'real' });
  });

  test.each(['preserve', 'skip'] as const)(
    'a directory at the target, of which the source has a link by now, goes with the deletes (%s), as a dry run says',
    async (symlinks) => {
      await using world = openSyncWorld();
      const target = world.targets[0] as string;
      writeAll(world.source, { 'real/f': 'real' });
      fs.symlinkSync('real', join(world.source, 'link'));
      await world.sync();
      expect(texts(target)).toEqual({ 'link/f': 'real', 'real/f': 'real' });
      const count = { added: symlinks === 'preserve' ? 1 : 0, deleted: 1, failed: 0 };
      const run = { ...ALL, symlinks };
      expect(await world.sync({ ...run, dryRun: true })).toMatchObject({ state: 'done', targets: [count] });
      expect(await world.sync(run)).toMatchObject({ state: 'done', targets: [count] });
      const now = symlinks === 'preserve' ? fs.readlinkSync(join(target, 'link')) : fs.existsSync(join(target, 'link'));
      expect(now).toBe(symlinks === 'preserve' ? 'real' : false);
      expect(await world.sync(run)).toMatchObject({ state: 'done', targets: [{ added: 0, deleted: 0 }] });
      expect(fs.readFileSync(join(world.source, 'real/f'), 'utf8')).toBe('real');
    },
  );

  test('a directory link at the target whose name the source has for a file is replaced by the file', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'a/f': 'a', b: 'a' });
    writeAll(target, { 'a/f': 'a' });
    fs.symlinkSync('a', join(target, 'b'));
    expect(await world.sync({ comparison: 'checksum' })).toMatchObject({ state: 'done', failures: [] });
    expect(texts(target)).toEqual({ 'a/f': 'a', b: 'a' });
    expect(fs.lstatSync(join(target, 'b')).isFile()).toBe(true);
  });

  test('a file link at the target is replaced by the file, and what it led to stays', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { f: 'newer', g: 'old' });
    writeAll(target, { g: 'old' });
    fs.symlinkSync('g', join(target, 'f'));
    const result = await world.sync();
    expect(result).toMatchObject({ state: 'done', failures: [] });
    expect(texts(target)).toEqual({ f: 'newer', g: 'old' });
  });

  test('a source with a directory link beside a name that sorts between link and slash is listed in order', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'real/x': '1', 'lib.so': '2', 'lib-extra/y': '3' });
    fs.symlinkSync('real', join(world.source, 'lib'));
    const result = await world.sync();
    expect(result).toMatchObject({ state: 'done', failures: [] });
    expect(texts(world.targets[0] as string)).toEqual({
      'lib-extra/y': '3',
      'lib.so': '2',
      'lib/x': '1',
      'real/x': '1',
    });
    expect((await world.sync()).targets[0]).toMatchObject({ unchanged: 4, added: 0, updated: 0 });
  });
});
