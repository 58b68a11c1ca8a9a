import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openSyncWorld, SCOPE, type SyncWorld } from '../sync/sync-world.ts';
import { leftovers, mirrored, readTree, write } from '../sync/trees.ts';
import { type ChildEnd, childrenOf, startSync } from './child.ts';
import { holdsFilesIn, isAlive, signal } from './signals.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const KILLS = soak ? 50 : 5;
const FILES = soak ? 5_000 : 400;
const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

/**
 * Some are added, some changed, some deleted, so that every run has all to do; sizes from a few bytes to many parts of a read. With
 * `most`, three of four are changed, and workers are at work for long enough to be met.
 */
function stir(world: SyncWorld, round: number, much: 'some' | 'most' = 'some'): void {
  for (let i = 0; i < FILES; i++) {
    const name = `d${i % 17}/e${i % 5}/f${i}`;
    const turn = (i + round) % 4;
    if (round > 0 && turn === 0) fs.rmSync(join(world.source, name), { force: true });
    else if (round === 0 || turn === 1 || much === 'most') {
      // Long enough that no two rounds write the same bytes: those would be the same version.
      const size = i % 97 === 0 ? 1_500_000 : 12 + ((i * 37) % 9_000);
      const mode = i % 3 === 0 ? 0o600 : 0o644;
      write(world.source, name, Buffer.alloc(size, `${round} ${i}`), { mode, modifiedMs: 1_700_000_000_000 + round });
    }
  }
}

/** Files the catalog says are done, with what tells whether they are written again. */
async function recordedDone(world: SyncWorld): Promise<Map<string, string>> {
  const done = new Map<string, string>();
  const [source, target] = await world.places();
  const catalog = await world.catalog();
  const found = readTree(world.targets[0] as string);
  const now = readTree(world.source);
  for (let after: string | undefined, more = true; more; ) {
    const page = await catalog.scanScope({
      scope: SCOPE,
      prefix: '',
      limit: 1000,
      details: true,
      deleted: false,
      stores: [source as string, target as string],
      ...(after === undefined ? {} : { after }),
    });
    for (const [i, name] of page.names.entries()) {
      const leaf = found.get(name);
      const isDone =
        page.replicas[1]?.states[i] === 'AVAILABLE' && page.replicas[1].versionIds[i] === page.versionIds[i];
      const isCurrent = leaf !== undefined && now.get(name)?.sha256 === leaf.sha256;
      if (isDone && isCurrent) done.set(name, `${leaf.inode} ${leaf.changedNs}`);
    }
    after = page.next;
    more = after !== undefined;
  }
  return done;
}

async function expectFinished(world: SyncWorld): Promise<void> {
  const done = await recordedDone(world);
  const result = await world.sync(ALL);
  expect(result).toMatchObject({ state: 'done', failures: [] });
  const target = world.targets[0] as string;
  expect(mirrored(target)).toEqual(mirrored(world.source));
  expect(leftovers(target)).toEqual([]);
  const found = readTree(target);
  const again = [...done].filter(([name, leaf]) => leaf !== `${found.get(name)?.inode} ${found.get(name)?.changedNs}`);
  expect(again).toEqual([]);
  const quiet = await world.sync(ALL);
  const objects = Object.keys(mirrored(world.source)).length;
  expect(quiet.targets).toMatchObject([{ unchanged: objects, added: 0, updated: 0, deleted: 0 }]);
}

describe('kill -9', () => {
  test(`of a sync at ${KILLS} random moments over ${FILES} files: run again, the trees are equal and nothing done is done again`, async () => {
    await using world = openSyncWorld();
    const task = { at: world.root, targets: 1, run: ALL };
    let whole = 400;
    let killed = 0;
    for (let round = 0; killed < KILLS; round++) {
      stir(world, round);
      const child = startSync(task);
      await begun(child.process.stdout);
      await sleep(Math.random() * whole);
      child.process.kill('SIGKILL');
      const { signal, result } = await child.ended;
      if (signal === 'SIGKILL') killed++;
      // It had ended before: the next one is killed earlier.
      else whole = Math.max(20, Math.min(whole, (result?.seconds ?? 0.4) * 1000));
      await expectFinished(world);
    }
  });

  test('of one worker process: the run succeeds, and says that a worker was lost', async () => {
    await using world = openSyncWorld();
    const task = { at: world.root, targets: 1, run: { ...ALL, workerProcesses: 2 } };
    let hit = 0;
    for (let round = 0; hit < (soak ? 20 : 2); round++) {
      stir(world, round, 'most');
      const child = startSync(task);
      const worker = await workerAtWork(world, child.process.pid as number);
      if (worker !== undefined) signal(worker, 'SIGKILL');
      const end = await child.ended;
      if (worker !== undefined) {
        hit++;
        expect(end.workersLost).toEqual(['its process was ended by SIGKILL']);
      }
      expectDone(end);
      expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
      expect(leftovers(world.targets[0] as string)).toEqual([]);
      await expectFinished(world);
    }
  });
});

test('kill -9 of every worker process is no success: the run fails, names what it did not copy, and the next one copies it', async () => {
  await using world = openSyncWorld();
  for (const name of ['a', 'b', 'c']) write(world.source, name, name);
  const child = startSync({ at: world.root, targets: 1, run: { ...ALL, workerProcesses: 1 } });
  const pid = child.process.pid as number;
  while (isAlive(pid)) {
    for (const worker of childrenOf(pid)) signal(worker, 'SIGKILL');
    await sleep(1);
  }
  const { result, workersLost } = await child.ended;
  expect(workersLost.length).toBeGreaterThanOrEqual(3);
  expect(result).toMatchObject({ state: 'failed', targets: [{ added: 0, failed: 3 }] });
  expect(result?.failures.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  expect(result?.failures[0]?.message).toMatch(
    /3 workers were lost over it; the last: its process was ended by SIGKILL/,
  );
  await expectFinished(world);
});

/** Long enough for who has its process renewed in time, also where others keep the machine busy. */
const LEASE_MS = 1_500;

describe('SIGSTOP', () => {
  test('of a worker process past the time it may publish, then SIGCONT: nothing old is put anywhere and nothing is left out', async () => {
    await using world = openSyncWorld();
    const task = { at: world.root, targets: 1, run: { ...ALL, workerProcesses: 2, leaseMs: LEASE_MS } };
    for (let hit = 0, round = 0; hit < (soak ? 5 : 1); round++) {
      stir(world, round, 'most');
      const child = startSync(task);
      const worker = await workerAtWork(world, child.process.pid as number);
      if (worker !== undefined) {
        hit++;
        signal(worker, 'SIGSTOP');
        await sleep(2 * LEASE_MS);
        signal(worker, 'SIGCONT');
      }
      expectDone(await child.ended);
      expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
      expect(leftovers(world.targets[0] as string)).toEqual([]);
    }
  });

  test('of a whole sync past its lease: another takes over, and the sleeper, woken, puts nothing old over its work', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    for (let round = 0, hit = 0; hit < (soak ? 5 : 1); round++) {
      stir(world, round, 'most');
      const sleeper = startSync({ at: world.root, targets: 1, run: { ...ALL, workerProcesses: 2, leaseMs: 600 } });
      const pid = sleeper.process.pid as number;
      const worker = await workerAtWork(world, pid);
      const asleep = [pid, ...childrenOf(pid)];
      for (const one of asleep) signal(one, 'SIGSTOP');
      await outOfCommit(world, pid);
      await sleep(800);
      stir(world, round + 1);
      if (worker !== undefined) hit++;
      const result = await world.sync(ALL);
      expect(result).toMatchObject({ state: 'done', failures: [] });
      const before = mirrored(target);
      expect(before).toEqual(mirrored(world.source));
      for (const one of asleep) signal(one, 'SIGCONT');
      const end = await sleeper.ended;
      if (worker !== undefined) expect(end.result?.state).toBe('interrupted');
      expect(mirrored(target)).toEqual(before);
      await expectFinished(world);
    }
  });
});

test('a dead holder on this host is not waited for: its lease is taken over at once', async () => {
  await using world = openSyncWorld();
  stir(world, 0);
  const child = startSync({ at: world.root, targets: 1, run: ALL });
  await begun(child.process.stdout);
  child.process.kill('SIGKILL');
  const { result } = await child.ended;
  if (result === undefined) expect(leftovers(world.targets[0] as string)).toContain('lease');
  const startedMs = Date.now();
  const after = await world.sync(ALL);
  expect(after.state).toBe('done');
  expect(Date.now() - startedMs).toBeLessThan(20_000);
  if (result === undefined) expect(after.resumed).toBeDefined();
});

function expectDone({ result, error, errors }: ChildEnd): void {
  expect({ state: result?.state, failures: result?.failures, error, errors }).toEqual({
    state: 'done',
    failures: [],
    error: undefined,
    errors: '',
  });
}

function begun(stream: NodeJS.ReadableStream | null): Promise<void> {
  return new Promise((resolve) => {
    stream?.once('data', () => resolve());
    stream?.once('close', () => resolve());
  });
}

/** A worker process that has something staged right now; undefined when the run ended before there was one. */
async function workerAtWork(world: SyncWorld, pid: number): Promise<number | undefined> {
  const staging = join(world.targets[0] as string, '.pando/staging');
  while (isAlive(pid)) {
    const worker = childrenOf(pid).find((child) => holdsFilesIn(child, `${staging}/`));
    if (worker !== undefined) return worker;
    await sleep(1);
  }
  return undefined;
}

/**
 * SQLite lets one write at a time: who is stopped in the middle of a commit holds up all others, whatever its lease. Such a
 * process is let go on until it is out of it.
 */
async function outOfCommit(world: SyncWorld, pid: number): Promise<void> {
  using catalog = new DatabaseSync(join(world.root, 'data/catalog.sqlite'));
  for (;;) {
    // A stop takes a moment.
    await sleep(20);
    try {
      catalog.exec('begin immediate; rollback');
      return;
    } catch {
      signal(pid, 'SIGCONT');
      await sleep(1);
      signal(pid, 'SIGSTOP');
    }
  }
}
