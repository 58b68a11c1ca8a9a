import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyPage } from '../../src/engine/sync/copy-page.ts';
import { readPage } from '../../src/engine/verify/read-page.ts';
import type { SyncProgressReport } from '../../src/engine/sync/sync-types.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { alter, failing } from './altered.ts';
import { openSyncWorld, type SyncRunOptions, type SyncWorld } from './sync-world.ts';
import { leftovers, write } from './trees.ts';

const MIB = 1024 * 1024;

async function watch(world: SyncWorld, run: SyncRunOptions) {
  const reports: SyncProgressReport[] = [];
  const result = await world.sync({ ...run, listeners: { onProgress: (report) => reports.push(report) } });
  return { result, reports, last: reports.at(-1) as SyncProgressReport };
}

describe('a large object', () => {
  test.for([undefined, 2])(
    'is told of while it is copied, and counted once (processes: %s)',
    async (workerProcesses) => {
      await using world = openSyncWorld({ targets: 2 });
      write(world.source, 'large', Buffer.alloc(9 * MIB));
      const { result, reports, last } = await watch(world, {
        bandwidth: (workerProcesses ?? 1) * 9 * MIB,
        ...(workerProcesses === undefined ? {} : { workerProcesses }),
      });
      expect(result.state).toBe('done');
      const underWay = reports.filter(({ bytesUnderWay }) => bytesUnderWay > 0);
      expect(underWay.length).toBeGreaterThan(0);
      expect(underWay.length).toBeLessThan(10);
      for (const { bytesCopied, bytesUnderWay, bytesPlanned } of reports)
        expect(bytesCopied + bytesUnderWay).toBeLessThanOrEqual(bytesPlanned);
      expect(underWay.every(({ bytesCopied }) => bytesCopied === 0)).toBe(true);
      expect(last).toMatchObject({ bytesCopied: 18 * MIB, bytesUnderWay: 0, bytesPlanned: 18 * MIB });
    },
  );

  test('that fails in the end is under way no more, and not copied', async () => {
    await using world = openSyncWorld();
    write(world.source, 'large', Buffer.alloc(9 * MIB));
    const { result, reports, last } = await watch(world, {
      bandwidth: 9 * MIB,
      wrapTarget: (storage) =>
        alter(storage, () => ({ publish: async (requests) => requests.map(() => failing('denied')) })),
    });
    expect(result.state).toBe('failed');
    expect(reports.some(({ bytesUnderWay }) => bytesUnderWay > 0)).toBe(true);
    expect(last).toMatchObject({ bytesCopied: 0, bytesUnderWay: 0 });
  });

  test('is given up half-way by a stop, and nothing of it stays', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    write(world.source, 'large', Buffer.alloc(9 * MIB));
    const stop = new AbortController();
    const onProgress = ({ bytesUnderWay }: SyncProgressReport): void => {
      if (bytesUnderWay > 0) stop.abort();
    };
    const run = { bandwidth: MIB, signal: stop.signal, listeners: { onProgress } };
    expect(await world.sync(run)).toMatchObject({ state: 'interrupted', failures: [], targets: [{ added: 0 }] });
    expect(fs.existsSync(join(target, 'large'))).toBe(false);
    expect(leftovers(target)).toEqual([]);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 1 }] });
  });
});

test('small objects are told of with their page only', async () => {
  await using world = openSyncWorld();
  const names = Array.from({ length: 50 }, (_, i) => `f${i}`);
  for (const name of names) write(world.source, name, Buffer.alloc(4096));
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => (nowMs += 1000) };
  const source = openFileStorage({ name: 'source', basePath: world.source, blocking: true });
  const target = openFileStorage({ name: 'target', basePath: world.targets[0] as string, blocking: true });
  const told: number[] = [];
  const deps = {
    clock,
    itemsAtOnce: 1,
    heldBack: () => [],
    signal: new AbortController().signal,
    onMoved: (n: number) => told.push(n),
  };
  const items = names.map((key) => ({
    key,
    size: 4096,
    targets: [{ target: 0, how: 'copy' as const, expected: undefined }],
    operation: '00000000-0000-7000-8000-000000000000',
    known: undefined,
  }));
  const page = { items, publishUntilMs: Number.POSITIVE_INFINITY, readBack: false };
  const copied = await copyPage(
    { ...deps, source, targets: [target], publishUntilMs: () => Number.POSITIVE_INFINITY },
    page,
  );
  expect(copied.every(({ targets }) => targets[0]?.kind === 'copied')).toBe(true);
  const { token } = await target.head('f1');
  expect(
    await readPage({ ...deps, stores: [source, target] }, { items: [{ store: 1, key: 'f1', token }] }),
  ).toMatchObject([{ kind: 'read', head: { size: 4096 } }]);
  expect(told).toEqual([]);
});

describe('a bandwidth', () => {
  test('belongs to one busy worker as a whole', async () => {
    await using world = openSyncWorld();
    write(world.source, 'only', Buffer.alloc(600_000));
    const { seconds } = await world.sync({ bandwidth: 400_000 });
    // 1.4 s: what is above a tenth of a second's worth. Half of the bandwidth would take 2.9 s.
    expect(seconds).toBeGreaterThan(1.3);
    expect(seconds).toBeLessThan(2.7);
  });

  test.for([undefined, 2])('is kept by several busy workers together (processes: %s)', async (workerProcesses) => {
    await using world = openSyncWorld();
    for (const name of ['a', 'b']) write(world.source, name, Buffer.alloc(8 * MIB));
    const run = workerProcesses === undefined ? {} : { workerProcesses };
    const { seconds } = await world.sync({ bandwidth: 8 * MIB, ...run });
    expect(seconds).toBeGreaterThan(1.7);
  });
});
