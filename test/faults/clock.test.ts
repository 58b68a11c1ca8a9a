import { existsSync, globSync, statSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSyncWorld, type SyncWorld } from '../sync/sync-world.ts';
import { leftovers, mirrored, write, writeAll } from '../sync/trees.ts';
import { runSync, startSync } from './child.ts';

const LIBRARY = globSync('/usr/lib/*/faketime/libfaketime.so.1')[0] ?? 'libfaketime.so.1';
const soak = process.env['PANDO_SOAK'] === '1';
const FILES = soak ? 5_000 : 800;
const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

const hourAhead = { LD_PRELOAD: LIBRARY, FAKETIME: '+1h', FAKETIME_DONT_RESET: '1', DONT_FAKE_MONOTONIC: '1' };

describe('two processes whose clocks are an hour apart', () => {
  test('find each other’s copies unchanged', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    const task = { at: world.root, targets: 1, run: ALL };
    expect(await runSync(task, { env: hourAhead })).toMatchObject({ state: 'done', targets: [{ added: 2 }] });
    expect(await runSync(task)).toMatchObject({ state: 'done', targets: [{ unchanged: 2 }] });
    write(world.source, 'a', 'changed');
    expect(await runSync(task, { env: hourAhead })).toMatchObject({
      state: 'done',
      targets: [{ updated: 1, unchanged: 1 }],
    });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test.each([
    ['one catalog', undefined],
    ['a catalog each', 'other-data'],
  ])('and who sync one target at once with %s never leave it wrong', async (_, other) => {
    const orders = [
      [{}, hourAhead],
      [hourAhead, {}],
    ];
    for (const [first, second] of soak ? orders : orders.slice(0, 1)) {
      await using world = openSyncWorld();
      for (let i = 0; i < FILES; i++) write(world.source, `d${i % 9}/f${i}`, Buffer.alloc(3_000, `${i}`));
      writeAll(world.targets[0] as string, { foreign: 'x' });
      const begun = startSync({ at: world.root, targets: 1, run: { ...ALL, leaseMs: 900 } }, { env: first ?? {} });
      await leased(world);
      const data = other === undefined ? {} : { data: join(world.root, other) };
      const rival = startSync(
        { at: world.root, targets: 1, ...data, run: { ...ALL, leaseMs: 900 } },
        { env: second ?? {} },
      );
      const ends = await Promise.all([begun.ended, rival.ended]);
      for (const { result, error, errors } of ends) {
        expect(errors).toBe('');
        if (result === undefined) expect(error).toMatch(/being synced by/);
      }
      // One of them did it all, or said of each what it met: something the other was still writing, or the end of its own lease, which
      // is short here and may run out where the machine is busy.
      const failures = ends.flatMap(({ result }) => result?.failures ?? []);
      const met = new Set<string>(['precondition-failed', 'fenced']);
      expect(failures.filter(({ kind }) => !met.has(kind))).toEqual([]);
      expect(failures.length > 0 || ends.some(({ result }) => result?.state === 'done')).toBe(true);
      expect(await runSync({ at: world.root, targets: 1, run: { ...ALL, wait: true } })).toMatchObject({
        state: 'done',
      });
      expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
      expect(leftovers(world.targets[0] as string)).toEqual([]);
    }
  });
});

test('a sparse file is copied as the bytes it stands for', async () => {
  await using world = openSyncWorld();
  const size = soak ? 5 * 1024 ** 3 : 40 * 1024 ** 2;
  const path = write(world.source, 'sparse', 'begin');
  truncateSync(path, size);
  expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 1, bytes: size }] });
  expect(statSync(join(world.targets[0] as string, 'sparse')).size).toBe(size);
  expect(await world.sync({ comparison: 'checksum' })).toMatchObject({ targets: [{ unchanged: 1 }] });
});

/** Until the run has its lease at the target. */
async function leased(world: SyncWorld): Promise<void> {
  const lease = join(world.targets[0] as string, '.pando/lease');
  for (let i = 0; i < 1000 && !existsSync(lease); i++) await sleep(5);
}
