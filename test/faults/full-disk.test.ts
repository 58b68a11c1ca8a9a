import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Storage } from '../../src/ports/storage.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { Sandbox } from '../cli/sandbox.ts';
import { openSyncWorld, type SyncWorld } from '../sync/sync-world.ts';
import { leftovers, mirrored, texts, write, writeAll } from '../sync/trees.ts';
import { runSync } from './child.ts';
import { injecting } from './injecting.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;
const canMount = tryMount();
test('file systems can be mounted here (needs root), or the tests of full and read-only disks are left out', () => {
  if (process.env['PANDO_SOAK'] === '1') expect(canMount).toBe(true);
  else if (!canMount)
    process.stderr.write('SKIPPED: tests of full and read-only disks, which mount file systems, need root\n');
});

describe.runIf(canMount)('a target', () => {
  test('without space: every file that has no room is listed, nothing is deleted, the other target is done, the next run completes', async () => {
    await using world = openSyncWorld({ targets: 2 });
    using disk = mount(world.targets[0] as string, 'size=4m');
    writeAll(world.targets[0] as string, { 'z/foreign': 'x' });
    for (let i = 0; i < 40; i++) write(world.source, `d/f${String(i).padStart(2, '0')}`, Buffer.alloc(200_000, i));
    const result = await runSync({ at: world.root, targets: 2, run: { ...ALL, deleteUnmatched: true } });
    expect(result.state).toBe('failed');
    expectAllTold(world, result);
    expect(result.failures.every(({ kind, target }) => kind === 'full' && target === 'target0')).toBe(true);
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    expect(leftovers(world.targets[0] as string)).toEqual([]);
    disk.remount('size=40m');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
    for (const target of world.targets) expect(mirrored(target)).toEqual(mirrored(world.source));
  });

  test('without room for one large file: it alone fails', async () => {
    await using world = openSyncWorld();
    using disk = mount(world.targets[0] as string, 'size=8m');
    write(world.source, 'a-large', Buffer.alloc(12_000_000, 'x'));
    for (let i = 0; i < 20; i++) write(world.source, `f${i}`, `${i}`);
    const result = await world.sync();
    expect(result).toMatchObject({ state: 'failed', targets: [{ added: 20, failed: 1 }] });
    expect(result.failures).toMatchObject([{ key: 'a-large', kind: 'full' }]);
    expect(leftovers(world.targets[0] as string)).toEqual([]);
    disk.remount('size=40m');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('without any room: its lease is renewed all the same, and the run goes on everywhere', async () => {
    await using world = openSyncWorld({ targets: 2 });
    const target = world.targets[0] as string;
    using disk = mount(target, 'size=4m');
    for (let i = 0; i < 4; i++) write(world.source, `f${i}`, Buffer.alloc(9_000_000, i));
    // Told a few times a second while a large file is under way; a lease is renewed as often, and over in twice the time.
    const onProgress = (): void => void spawnSync('dd', ['if=/dev/zero', `of=${target}/foreign`, 'bs=512']);
    const result = await world.sync({ leaseMs: 600, bandwidth: 9_000_000, listeners: { onProgress } });
    expect(result).toMatchObject({ state: 'failed', targets: [{ gaveUp: undefined }, { added: 4, failed: 0 }] });
    expectAllTold(world, result);
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    expect(leftovers(target)).toEqual([]);
    disk.remount('size=80m');
    expect(await world.sync()).toMatchObject({ state: 'done', failures: [] });
  });

  test('whose lease goes away with its disk is given up, and the others are done', async () => {
    await using world = openSyncWorld({ targets: 2 });
    const target = world.targets[0] as string;
    const disk = mount(target, 'size=80m');
    for (let i = 0; i < 4; i++) write(world.source, `f${i}`, Buffer.alloc(9_000_000, i));
    // Told a few times a second while a large file is under way.
    const onProgress = (): void => disk[Symbol.dispose]();
    const result = await world.sync({ leaseMs: 600, bandwidth: 9_000_000, listeners: { onProgress } });
    expect(result).toMatchObject({ state: 'failed', targets: [{ added: 0 }, { added: 4, failed: 0 }] });
    expect(result.targets[0]?.gaveUp).toContain('.pando was removed');
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    expect(fs.readdirSync(target)).toEqual([]);
  });

  test('without inodes: every file that has none is listed, and the next run completes', async () => {
    await using world = openSyncWorld();
    using disk = mount(world.targets[0] as string, 'size=40m,nr_inodes=40');
    for (let i = 0; i < 60; i++) write(world.source, `d${i % 3}/f${String(i).padStart(2, '0')}`, `${i}`);
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expectAllTold(world, result);
    disk.remount('size=40m,nr_inodes=1000');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
    expect(leftovers(world.targets[0] as string)).toEqual([]);
  });

  test('that is read-only is given up with one clear line; nothing is deleted; the other one is done', async () => {
    await using world = openSyncWorld({ targets: 2 });
    using disk = mount(world.targets[0] as string, 'size=4m');
    writeAll(world.targets[0] as string, { foreign: 'x' });
    writeAll(world.source, { a: '1', b: '2' });
    disk.remount('ro');
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expect(result.failures).toMatchObject([{ target: 'target0', kind: 'read-only' }]);
    expect(texts(world.targets[0] as string)).toEqual({ foreign: 'x' });
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
    disk.remount('rw');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('that becomes read-only in the middle: what failed is listed, and the next run completes', async () => {
    await using world = openSyncWorld();
    using disk = mount(world.targets[0] as string, 'size=40m');
    for (let i = 0; i < 4; i++) write(world.source, `f${i}`, Buffer.alloc(9_000_000, i));
    let published = 0;
    const result = await world.sync({
      ...ALL,
      leaseMs: 1000,
      wrapTarget: (storage) =>
        // Each of these is a page of its own, and one goes after the other: the system makes nothing read-only that is being written.
        oneAtATime(storage, () => {
          if (published++ === 0) disk.remount('ro');
        }),
    });
    expect(result.state).toBe('failed');
    expectAllTold(world, result);
    disk.remount('rw');
    // The lease that could not be given back is over by itself, as long as this process lives.
    expect(await world.sync({ ...ALL, wait: true })).toMatchObject({ state: 'done', failures: [] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('that is read-only says so to whoever stages there for the first time', async () => {
    await using world = openSyncWorld();
    const basePath = world.targets[0] as string;
    using disk = mount(basePath, 'size=4m');
    disk.remount('ro');
    await using storage = openFileStorage({ name: 'files', basePath });
    const mark = { operation: '01890000-0000-7000-8000-000000000001', sha256: undefined };
    await expect(storage.stage('a', Buffer.from('1'), { attributes: {}, mark })).rejects.toMatchObject({
      kind: 'read-only',
    });
  });

  test('with another file system below its root: what belongs there is refused with the reason, the rest is copied', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    fs.mkdirSync(join(target, 'other'));
    const disk = mount(join(target, 'other'), 'size=4m');
    writeAll(world.source, { a: '1', 'other/b': '2' });
    const result = await world.sync();
    expect(result.failures).toMatchObject([
      { key: 'other/b', kind: 'unsupported', message: expect.stringContaining('another file system') },
    ]);
    expect(texts(target)).toEqual({ a: '1' });
    disk[Symbol.dispose]();
    expect(await world.sync()).toMatchObject({ state: 'done', failures: [] });
    expect(texts(target)).toEqual({ a: '1', 'other/b': '2' });
  });

  test('that is unmounted in the middle is not filled on the disk below it', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    const disk = mount(target, 'size=40m');
    for (let i = 0; i < 30; i++) write(world.source, `d/f${i}`, `${i}`);
    let staged = 0;
    const result = await world.sync({
      ...ALL,
      wrapTarget: (storage) =>
        new Proxy(storage, {
          get(inner, name) {
            const value: unknown = Reflect.get(inner, name, inner);
            if (name !== 'stage') return typeof value === 'function' ? value.bind(inner) : value;
            return async (...args: Parameters<typeof inner.stage>) => {
              const one = await inner.stage(...args);
              if (++staged === 10) disk[Symbol.dispose]();
              return one;
            };
          },
        }),
    });
    expect(result.state).toBe('failed');
    expect(result.targets[0]).toMatchObject({ added: 0 });
    expect(texts(target)).toEqual({});
  });
});

describe.runIf(canMount)('a local file on a disk that fills up', () => {
  const box = new Sandbox();
  let disk: ReturnType<typeof mount>;

  beforeAll(() => {
    box.write({ 'data/a': 'a'.repeat(700_000), 'data/b': 'b'.repeat(500_000), 'disk/.keep': '' });
    // Larger than what is held in memory: it comes in chunks.
    box.write({ 'data/large': 'c'.repeat(9_000_000) });
    disk = mount(box.path('disk'), 'size=1m');
    fs.writeFileSync(box.path('disk/taken'), 'x'.repeat(700_000));
  });
  afterAll(() => {
    disk[Symbol.dispose]();
    box[Symbol.dispose]();
  });

  test.each(['b', 'large'])('of %s is not there, and a file that was is as it was', async (name) => {
    fs.writeFileSync(box.path('disk/mine'), 'mine');
    for (const [file, ...how] of [['disk/new'], ['disk/mine', '--overwrite']])
      expect(await box.run(['get', `./data/${name}`, file as string, ...how])).toEqual({
        code: 1,
        stdout: '',
        stderr: `pando: ${file}: the disk is full\n`,
      });
    expect(fs.readdirSync(box.path('disk')).sort()).toEqual(['mine', 'taken']);
    expect(box.read('disk/mine')).toBe('mine');
  });

  test.each([
    ['cat', './data/b'],
    ['cat', './data/large'],
  ])('that stdout goes to is told not to be whole (%s %s)', async (...args) => {
    const out = fs.openSync(box.path('disk/out'), 'w');
    expect(fs.statfsSync(box.path('disk')).bavail).toBeGreaterThan(50);
    expect(await box.run(args, { stdout: out })).toMatchObject({
      code: 1,
      stderr: 'pando: stdout: no space is left on the device\n',
    });
    fs.rmSync(box.path('disk/out'));
  });
});

describe.runIf(process.platform === 'linux')('input/output errors', () => {
  test.each([
    ['a mark', 'fsetxattr:error=EIO:when=3+4'],
    ['a flush', 'fsync,syncfs:error=EIO:when=1+2'],
    ['a first name', 'linkat:error=EIO:when=3+4'],
    ['a rename', 'renameat2,rename:error=EIO:when=3+4'],
    ['a full disk at a rename', 'rename:error=ENOSPC:when=3+4'],
  ])(
    'at the target (%s): the run fails, tells of all that is not there, and the next one completes',
    async (what, call) => {
      await using world = openSyncWorld();
      const target = world.targets[0] as string;
      for (let i = 0; i < 30; i++) write(world.source, `d${i % 3}/f${i}`, Buffer.alloc(1000 + i, 'x'));
      write(world.source, 'large', Buffer.alloc(3_000_000, 'y'));
      await runSync({ at: world.root, targets: 1, run: {} });
      // Known from here on; now everything changes under a disk with errors.
      for (let i = 0; i < 30; i++) write(world.source, `d${i % 3}/f${i}`, Buffer.alloc(2000 + i, 'x'));
      fs.rmSync(join(world.source, 'd0/f0'));
      // The catalog flushes too, on a disk of its own.
      const before = injecting([call], what === 'a flush' ? ['-P', target] : []);
      const result = await runSync({ at: world.root, targets: 1, run: ALL }, { before });
      expect(result.state).toBe('failed');
      expectAllTold(world, result);
      expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
      expect(mirrored(target)).toEqual(mirrored(world.source));
      expect(leftovers(target)).toEqual([]);
    },
  );
});

/** A store in which each object is published before the next one is staged. */
function oneAtATime(storage: Storage, onPublished: () => void): Storage {
  let turn = Promise.resolve();
  let end = (): void => undefined;
  const stage: Storage['stage'] = async (...args) => {
    const before = turn;
    const mine = Promise.withResolvers<void>();
    turn = mine.promise;
    await before;
    end = mine.resolve;
    try {
      return await storage.stage(...args);
    } catch (error) {
      end();
      throw error;
    }
  };
  const publish: Storage['publish'] = async (requests) => {
    const outcomes = await storage.publish(requests);
    onPublished();
    end();
    return outcomes;
  };
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'stage') return stage;
      if (name === 'publish') return publish;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Whatever the target does not hold as the source does has its line; and there is no line for what it holds. */
function expectAllTold(world: SyncWorld, result: Awaited<ReturnType<SyncWorld['sync']>>): void {
  const wanted = mirrored(world.source);
  const found = mirrored(world.targets[0] as string);
  const missing = Object.keys(wanted).filter((name) => wanted[name] !== found[name]);
  const told = result.failures.filter(({ target }) => target === 'target0').map(({ key }) => key);
  expect(missing.filter((name) => !told.includes(name))).toEqual([]);
  expect(missing.length).toBeGreaterThan(0);
}

function mount(directory: string, options: string): Disposable & { remount(options: string): void } {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  let mounted = true;
  return {
    remount: (more) => void execFileSync('mount', ['-o', `remount,${more}`, directory]),
    [Symbol.dispose]() {
      if (mounted) execFileSync('umount', ['-l', directory]);
      mounted = false;
    },
  };
}

function tryMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const directory = fs.mkdtempSync(join(tmpdir(), 'pando-mount-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', directory]).status === 0;
  if (isMounted) spawnSync('umount', [directory]);
  fs.rmdirSync(directory);
  return isMounted;
}
