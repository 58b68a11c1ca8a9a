import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SyncHeldError } from '../../src/engine/sync/sync-replicas.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { copyPage } from '../../src/engine/sync/copy-page.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { alter, failing, listed } from './altered.ts';
import { openSyncWorld, type SyncWorld } from './sync-world.ts';
import { leftovers, mirrored, texts, write, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

/** A target at which publishing waits until it is let go, and that tells when it has got so far. */
function gate() {
  let open = (): void => {};
  let arrive = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const pass = async (): Promise<void> => {
    arrive();
    await opened;
  };
  const wrapTarget = (storage: Storage): Storage =>
    alter(storage, (inner) => ({
      publish: async (requests) => {
        await pass();
        return inner.publish(requests);
      },
    }));
  return { open, arrived, pass, wrapTarget };
}

/** Another process takes the target over, as if the one that holds it had slept past its lease; it holds it for so long. */
async function takeOver(world: SyncWorld, leaseMs: number): Promise<void> {
  const catalog = await world.catalog();
  const [sync] = await catalog.listSyncs(1);
  fs.rmSync(join(world.targets[0] as string, '.pando/lease'));
  const [source, target] = await world.places();
  const taken = await catalog.beginSync({
    id: 'another',
    scope: 'data',
    prefix: '',
    source: source as string,
    targets: [target as string],
    holder: { host: 'elsewhere', pid: 1, startedMs: 0 },
    leaseMs,
    deadHolders: sync === undefined ? [] : [sync.holder],
  });
  expect(taken.kind).toBe('begun');
}

describe('two syncs of one target', () => {
  test('the second is refused, and told who holds it since when and what to do', async () => {
    await using world = openSyncWorld();
    write(world.source, 'a', '1');
    const { open, arrived, wrapTarget } = gate();
    const first = world.sync({ wrapTarget });
    await arrived;
    const refused = await world.sync().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SyncHeldError);
    expect((refused as Error).message).toMatch(
      new RegExp(`being synced by .*process ${process.pid} since \\d{4}-\\d\\d-\\d\\dT.*--wait`),
    );
    open();
    expect((await first).state).toBe('done');
    expect((await world.sync()).state).toBe('done');
  });

  test('with waiting, the second tells that it waits and begins when the first has ended', async () => {
    await using world = openSyncWorld();
    write(world.source, 'a', '1');
    const { open, arrived, wrapTarget } = gate();
    const ends: string[] = [];
    const first = world.sync({ wrapTarget }).then(() => ends.push('first'));
    await arrived;
    const waits: unknown[] = [];
    const second = world
      .sync({ wait: true, listeners: { onWait: (held) => void waits.push(held) } })
      .then(() => ends.push('second'));
    while (waits.length === 0) await sleep(10);
    open();
    await Promise.all([first, second]);
    expect(ends).toEqual(['first', 'second']);
  });

  test('waiting ends when the run is stopped', async () => {
    await using world = openSyncWorld();
    write(world.source, 'a', '1');
    const { open, arrived, wrapTarget } = gate();
    const first = world.sync({ wrapTarget });
    await arrived;
    const stop = new AbortController();
    const second = world.sync({ wait: true, signal: stop.signal, listeners: { onWait: () => stop.abort() } });
    await expect(second).rejects.toThrow();
    open();
    await first;
  });

  test('of two catalogs meet at the target', async () => {
    await using world = openSyncWorld({ targets: 2 });
    await using stranger = openSyncWorld({ at: world.root, targets: 2, data: join(world.root, 'other-data') });
    write(world.source, 'a', '1');
    const { open, arrived, wrapTarget } = gate();
    const first = world.sync({ wrapTarget, only: [1] });
    await arrived;
    await expect(stranger.sync()).rejects.toThrow(/target1 is being synced by .*process \d+ since/);
    expect(leftovers(world.targets[0] as string)).toEqual([]);
    open();
    expect((await first).state).toBe('done');
    expect((await stranger.sync()).state).toBe('done');
    expect(leftovers(world.targets[1] as string)).toEqual([]);
  });
});

test('waiting for the sync of another catalog holds the place in its own, and begins when the other has ended', async () => {
  await using world = openSyncWorld();
  await using stranger = openSyncWorld({ at: world.root, data: join(world.root, 'other-data') });
  write(world.source, 'a', '1');
  const { open, arrived, wrapTarget } = gate();
  const first = world.sync({ wrapTarget });
  await arrived;
  const waits: unknown[] = [];
  const onWait = (held: unknown): void => {
    if (waits.push(held) === 2) open();
  };
  const second = stranger.sync({ wait: true, listeners: { onWait } });
  await first;
  expect(await second).toMatchObject({ state: 'done', resumed: undefined });
  expect(waits.length).toBeGreaterThanOrEqual(2);
  expect(await (await stranger.catalog()).listSyncs(10)).toHaveLength(1);
});

describe('a lease', () => {
  test('is renewed for as long as the run takes', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    const { open, arrived, wrapTarget } = gate();
    // Renewed every third of it: a machine that stands still for half a second does not lose it.
    const first = world.sync({ wrapTarget, leaseMs: 1_500 });
    await arrived;
    await sleep(2_000);
    await expect(world.sync()).rejects.toBeInstanceOf(SyncHeldError);
    open();
    expect((await first).state).toBe('done');
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('that was lost publishes nothing more, and takes back what it published too late', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    const { open, arrived, wrapTarget } = gate();
    const lost = world.sync({ wrapTarget, leaseMs: 300 });
    await arrived;
    await takeOver(world, 60_000);
    await sleep(400);
    open();
    const result = await lost;
    expect(result.state).toBe('interrupted');
    expect(texts(world.targets[0] as string)).toEqual({});
    expect(await world.states('a')).toBe('unknown');
  });

  test('that was lost takes back nothing it published in time: who took over has found it there', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    const { open, arrived, pass } = gate();
    const lost = world.sync({
      leaseMs: 1_500,
      readBack: true,
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          get: async (key, options) => {
            await pass();
            return inner.get(key, options);
          },
        })),
    });
    await arrived;
    await takeOver(world, 60_000);
    open();
    expect((await lost).state).toBe('interrupted');
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', b: '2' });
  });

  test('that was lost takes back nothing that the run which took over has counted', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    const { open, arrived, pass } = gate();
    const lost = world.sync({
      leaseMs: 300,
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          publish: async (requests) => {
            const published = await inner.publish(requests);
            await pass();
            return published;
          },
        })),
    });
    await arrived;
    await takeOver(world, 1);
    await sleep(400);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ unchanged: 2 }] });
    open();
    expect((await lost).state).toBe('interrupted');
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', b: '2' });
    expect(await world.states('a')).toEqual({ source: 'UNVERIFIED', target0: 'UNVERIFIED' });
  });

  test('of a target that cannot be renewed there gives up that target alone', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { a: '1', b: '2' });
    const { open, wrapTarget } = gate();
    // Told when the first target is given up; the other one's page has waited until then.
    const run = world.sync({
      leaseMs: 1_500,
      listeners: { onFailure: open },
      wrapTarget: (storage, index) =>
        index === 1
          ? wrapTarget(storage)
          : alter(storage, (inner) => ({
              lease: async (claim) => {
                const lease = await inner.lease(claim);
                if (!('release' in lease)) return lease;
                return {
                  renew: async () => {
                    throw failing('full');
                  },
                  release: () => lease.release(),
                };
              },
            })),
    });
    const result = await run;
    expect(result.state).toBe('failed');
    expect(result.targets[0]?.gaveUp).toBeDefined();
    expect(result.targets[1]).toMatchObject({ added: 2, failed: 0 });
    expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
  });

  test('that is renewed while a page is copied by calls that block is heard of before the page is given up', async () => {
    const clock = systemClock;
    const source = openMemoryStorage({ name: 'source', clock });
    const target = openMemoryStorage({ name: 'target', clock });
    const staged = await source.stage('a', Buffer.from('1'), {
      attributes: {},
      mark: { operation: 'x', sha256: undefined },
    });
    await source.publish([{ staged, options: {} }]);
    // Shorter than the call that blocks, and longer than a busy machine keeps a process waiting.
    const leaseMs = 500;
    let publishUntilMs = clock.monotonicMs() + leaseMs;
    const renewing = setInterval(() => {
      publishUntilMs = clock.monotonicMs() + leaseMs;
    }, 5);
    const blocking = alter(target, (inner) => ({
      stage: (...args) => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
        return inner.stage(...args);
      },
    }));
    const item = {
      key: 'a',
      size: 1,
      operation: '00000000-0000-7000-8000-000000000000',
      known: undefined,
      targets: [{ target: 0, how: 'copy', expected: undefined }],
    } as const;
    const deps = {
      clock,
      source,
      targets: [blocking],
      itemsAtOnce: 1,
      heldBack: () => [],
      signal: new AbortController().signal,
      onMoved: () => undefined,
    };
    const copy = () =>
      copyPage({ ...deps, publishUntilMs: () => publishUntilMs }, { items: [item], publishUntilMs, readBack: false });
    expect((await copy())[0]?.targets).toMatchObject([{ kind: 'copied' }]);
    clearInterval(renewing);
    await target.delete('a');
    expect((await copy())[0]?.targets).toMatchObject([{ kind: 'failed', failure: { kind: 'fenced' } }]);
    expect(await listed(target)).toEqual([]);
  });

  test('that was over for one page only, the page is copied once more', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    let stalls = 1;
    const result = await world.sync({
      leaseMs: 3000,
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          flush: async (staged) => {
            await inner.flush(staged);
            // The lease's renewal comes later than the page.
            if (staged.length > 0 && stalls-- > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
          },
        })),
    });
    expect(result).toMatchObject({ state: 'done', failures: [], targets: [{ added: 2 }] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('that is over when the deletes come deletes nothing, and says so', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2', c: '3' });
    await world.sync();
    for (const name of ['a', 'b']) fs.rmSync(join(world.source, name));
    let answered = 0;
    const result = await world.sync({
      ...ALL,
      leaseMs: 300,
      wrapSource: (storage) =>
        alter(storage, (inner) => ({
          // The process stands still for longer than its lease when the source has answered for both, right before the
          // first delete: no renewal comes in between.
          head: async (key, options) => {
            try {
              return await inner.head(key, options);
            } finally {
              if (++answered === 2) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
            }
          },
        })),
    });
    expect(result.state).not.toBe('done');
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', b: '2', c: '3' });
    expect(await world.sync(ALL)).toMatchObject({ state: 'done' });
    expect(texts(world.targets[0] as string)).toEqual({ c: '3' });
  });
});
