import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSyncWorld, type SyncWorld } from '../sync/sync-world.ts';
import { mirrored, texts, write, writeAll } from '../sync/trees.ts';
import { AS_NOBODY, isRoot, runSync } from './child.ts';

const NOBODY = 65534;
const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

/** The world as nobody's, but for what a test takes away; syncs run as nobody, whom permissions stop. */
function give(world: SyncWorld): void {
  fs.chmodSync(world.root, 0o777);
  if (!isRoot) return;
  for (const entry of fs.readdirSync(world.root, { recursive: true, encoding: 'utf8' }))
    fs.lchownSync(join(world.root, entry), NOBODY, NOBODY);
}

function sync(world: SyncWorld, run: Parameters<typeof runSync>[0]['run'] = {}) {
  return runSync({ at: world.root, targets: world.targets.length, run }, { before: AS_NOBODY });
}

describe('a user who is not root', () => {
  test('mirrors read-only files, small and large, and updates and deletes them', async () => {
    await using world = openSyncWorld();
    write(world.source, 'small', 'x', { mode: 0o444 });
    write(world.source, 'large', Buffer.alloc(2_500_000, 1), { mode: 0o444 });
    write(world.source, 'gone', 'x', { mode: 0o400 });
    give(world);
    expect(await sync(world)).toMatchObject({ state: 'done', failures: [], targets: [{ added: 3 }] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));

    fs.rmSync(join(world.source, 'gone'));
    for (const [name, text] of [
      ['small', 'other'],
      ['large', Buffer.alloc(2_600_000, 2)],
    ] as const) {
      fs.rmSync(join(world.source, name));
      write(world.source, name, text, { mode: 0o444 });
    }
    give(world);
    expect(await sync(world, ALL)).toMatchObject({
      state: 'done',
      failures: [],
      targets: [{ updated: 2, deleted: 1 }],
    });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('is told of a directory that may not be listed; what is below it stays at the target', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'd/a': '1', 'd/b': '2', e: '3', f: '4' });
    give(world);
    await sync(world);
    fs.chmodSync(join(world.source, 'd'), 0o000);
    fs.rmSync(join(world.source, 'f'));
    const result = await sync(world, ALL);
    fs.chmodSync(join(world.source, 'd'), 0o755);
    expect(result).toMatchObject({ state: 'failed', targets: [{ deleted: 1 }] });
    expect(result.failures).toMatchObject(
      [{ key: 'd/', target: null, kind: 'denied' }].map(({ key, kind }) => ({ key, kind })),
    );
    expect(texts(world.targets[0] as string)).toEqual({ 'd/a': '1', 'd/b': '2', e: '3' });
    expect(await sync(world, ALL)).toMatchObject({ state: 'done', failures: [] });
  });

  test('is told of a directory that may be listed and not entered; what is below it stays at the target', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'd/a': '1', 'd/b': '2', e: '3' });
    give(world);
    await sync(world);
    fs.chmodSync(join(world.source, 'd'), 0o400);
    const result = await sync(world, ALL);
    fs.chmodSync(join(world.source, 'd'), 0o755);
    expect(result).toMatchObject({ state: 'failed', targets: [{ deleted: 0 }] });
    expect(result.failures.map(({ key, kind }) => `${kind} ${key}`)).toEqual(['denied d/a', 'denied d/b']);
    expect(texts(world.targets[0] as string)).toEqual({ 'd/a': '1', 'd/b': '2', e: '3' });
  });

  test('is told of each file that may not be read, and of each that may not be written; the others arrive', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { 'd/a': '1', 'd/b': '2', e: '3', secret: '4' });
    writeAll(world.targets[0] as string, { 'd/old': 'x' });
    give(world);
    fs.chmodSync(join(world.source, 'secret'), 0o000);
    fs.chmodSync(join(world.targets[0] as string, 'd'), 0o555);
    const result = await sync(world, ALL);
    expect(result.state).toBe('failed');
    expect(result.failures.map(({ key, target }) => `${key} ${target}`).toSorted()).toEqual([
      'd/a target0',
      'd/b target0',
      'd/old target0',
      'secret undefined',
    ]);
    expect(texts(world.targets[0] as string)).toEqual({ 'd/old': 'x', e: '3' });
    expect(texts(world.targets[1] as string)).toEqual({ 'd/a': '1', 'd/b': '2', e: '3' });
    fs.chmodSync(join(world.source, 'secret'), 0o644);
    fs.chmodSync(join(world.targets[0] as string, 'd'), 0o755);
    expect(await sync(world, ALL)).toMatchObject({ state: 'done', failures: [] });
    for (const target of world.targets) expect(mirrored(target)).toEqual(mirrored(world.source));
  });

  test('whose target may not be written at all is told once, and the other target is made equal', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { a: '1', b: '2' });
    give(world);
    fs.chmodSync(world.targets[0] as string, 0o555);
    const result = await sync(world, ALL);
    expect(result.state).toBe('failed');
    expect(result.failures).toMatchObject([{ key: '', target: 'target0', kind: 'denied' }]);
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    fs.chmodSync(world.targets[0] as string, 0o755);
    expect(await sync(world, ALL)).toMatchObject({ state: 'done' });
  });
});
