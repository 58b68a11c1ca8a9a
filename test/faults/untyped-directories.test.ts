import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSyncWorld } from '../sync/sync-world.ts';
import { mirrored, writeAll } from '../sync/trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

describe.runIf(canMakeDisks())('a source whose directories do not say of what kind their entries are', () => {
  test('is mirrored with all its names, and nothing it has is taken for gone', async () => {
    await using world = openSyncWorld();
    using stack = new DisposableStack();
    stack.use(mountUntyped(world.source, join(world.root, 'disk')));
    const [source, target] = [world.source, world.targets[0] as string];
    writeAll(source, { 'plain/a': '1', 'd/b': '2', 'd/\u00e9': '3', 'd/\u65e5\u672c/c': '4', '\u00e9t\u00e9': '5' });
    // Read as text its bytes are the other name, which is of another kind.
    writeAll(source, { 'mixed/\u00e9/d': '6', 'mixed/\u00c3\u00a9': '7' });
    fs.symlinkSync('b', join(source, 'd/link-\u00e9'));
    expect(await world.sync()).toMatchObject({ state: 'done', source: { objects: 8, failed: 0 } });
    const { 'd/link-\u00c3\u00a9': link, ...files } = mirrored(target);
    expect(link).toBeDefined();
    expect(mirrored(source)).toMatchObject(files);
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ unchanged: 8, deleted: 0 }] });
  });
});

function mountUntyped(directory: string, image: string): Disposable {
  fs.writeFileSync(image, '');
  fs.truncateSync(image, 16 * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-O', '^filetype', image]);
  execFileSync('mount', ['-o', 'loop', image, directory]);
  fs.rmdirSync(join(directory, 'lost+found'));
  return { [Symbol.dispose]: () => void execFileSync('umount', ['-l', directory]) };
}

function canMakeDisks(): boolean {
  if (process.getuid?.() !== 0 || spawnSync('mkfs.ext4', ['-V']).status !== 0) return false;
  return spawnSync('losetup', ['-f']).status === 0;
}
