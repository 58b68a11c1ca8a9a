import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CatalogSettings } from '../../src/config/configuration.ts';
import type { ReplicaState } from '../../src/domain/replica/replica.ts';
import { connect, type Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { openSyncWorld, SCOPE, type SyncWorld } from '../sync/sync-world.ts';
import { leftovers, mirrored, write } from '../sync/trees.ts';
import { type ChildEnd, startSync } from './child.ts';
import { isAlive, signal } from './signals.ts';
import { WorkerProcess } from './worker-process.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const FILES = soak ? 50_000 : 1_600;
/** What all workers of a test carry out takes some seconds. */
const bandwidth = soak ? '30MB/s' : '1600kB/s';
const LEASE_MS = 3_000;
/** Longer than any of these tests: only workers carry out pages. */
const NEVER_MS = 3_600_000;
const MINUTES = 3 * 60_000;

const WORKERS = { executionMode: 'workers', leaseMs: LEASE_MS, noWorkerMs: NEVER_MS } as const;

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function fill(world: SyncWorld, files: number): void {
  for (let i = 0; i < files; i++) {
    const options = { mode: i % 3 === 0 ? 0o600 : 0o644, modifiedMs: 1_700_000_000_000 + i };
    write(world.source, `d${i % 17}/f${i}`, Buffer.alloc(20 + ((i * 37) % 4_000), `${i}`), options);
  }
}

async function openWorld(targets = 1): Promise<{ world: SyncWorld; url: string; catalog: CatalogSettings }> {
  const url = await server.createDatabase();
  const catalog = { kind: 'postgres', url } as const;
  return { world: openSyncWorld({ targets, catalog }), url, catalog };
}

function expectDone({ result, error, errors }: ChildEnd): void {
  expect({ state: result?.state, failures: result?.failures, error, errors }).toEqual({
    state: 'done',
    failures: [],
    error: undefined,
    errors: '',
  });
}

/** Trees are equal, nothing is left behind, every object has one version that was recorded once, and there is nothing to do. */
async function expectOnce(
  world: SyncWorld,
  files: number,
  states: readonly ReplicaState[] = ['AVAILABLE'],
): Promise<void> {
  const source = mirrored(world.source);
  expect(Object.keys(source)).toHaveLength(files);
  for (const target of world.targets) {
    expect(mirrored(target)).toEqual(source);
    expect(leftovers(target)).toEqual([]);
  }
  const catalog = await world.catalog();
  const places = await world.places();
  let objects = 0;
  for (let after: string | undefined, more = true; more; ) {
    const page = await catalog.scanScope({
      scope: SCOPE,
      prefix: '',
      limit: 1000,
      details: false,
      deleted: true,
      stores: places,
      ...(after === undefined ? {} : { after }),
    });
    objects += page.names.length;
    for (const { states: found, versionIds } of page.replicas) {
      expect(found.filter((state) => state === null || !states.includes(state))).toEqual([]);
      expect(versionIds).toEqual(page.versionIds);
    }
    after = page.next;
    more = after !== undefined;
  }
  expect(objects).toBe(files);
  const quiet = await world.sync();
  expect(quiet.targets.map(({ unchanged, added, updated }) => ({ unchanged, added, updated }))).toEqual(
    world.targets.map(() => ({ unchanged: files, added: 0, updated: 0 })),
  );
}

/** One for each object, if nothing was recorded twice. */
async function versionsMade(url: string): Promise<number> {
  await using client = await connect(url);
  const { rows } = await client.query<{ count: string }>('select count(*) as count from version');
  return Number(rows[0]?.count);
}

async function pagesLeft(url: string): Promise<{ jobs: number; pages: number }> {
  await using client = await connect(url);
  const { rows } = await client.query<{ jobs: string; pages: string }>(
    'select (select count(*) from page_job) as jobs, (select count(*) from page) as pages',
  );
  return { jobs: Number(rows[0]?.jobs), pages: Number(rows[0]?.pages) };
}

describe('a sync that workers carry out', { timeout: MINUTES }, () => {
  /** False: the worker had nothing in hand at the moment it was stopped. */
  async function killOneStopOne(): Promise<boolean> {
    const { world: opened, url, catalog } = await openWorld(2);
    await using world = opened;
    fill(world, FILES);
    const target = world.targets[1] as string;
    await using killed = await new WorkerProcess(world, url, { bandwidth }).ready();
    await using stopped = await new WorkerProcess(world, url, { bandwidth }).ready();
    const sync = startSync({ at: world.root, targets: 2, catalog, run: WORKERS });
    await Promise.all([killed.atWork(target), stopped.atWork(target)]);
    expect(await killed.end('SIGKILL')).toBe('SIGKILL');
    await stopped.atWork(target);
    signal(stopped.pid, 'SIGSTOP');
    await sleep(LEASE_MS * 1.5);
    signal(stopped.pid, 'SIGCONT');
    const end = await sync.ended;
    expectDone(end);
    expect(end.result?.targets).toMatchObject([
      { added: FILES, failed: 0 },
      { added: FILES, failed: 0 },
    ]);
    expect(end.noWorker).toEqual([]);
    expect(await stopped.end('SIGINT')).toBe(0);
    expect(await versionsMade(url)).toBe(FILES);
    expect(await pagesLeft(url)).toEqual({ jobs: 0, pages: 0 });
    await expectOnce(world, FILES);
    return stopped.said.includes('pages are given up');
  }

  test(`of ${FILES} files by two workers, one killed and one stopped past its lease: equal trees, nothing twice recorded`, async () => {
    while (!(await killOneStopOne()));
  });

  test('is shared: all workers have their part in it', async () => {
    const { world: opened, url } = await openWorld();
    await using world = opened;
    fill(world, FILES);
    await using a = await new WorkerProcess(world, url).ready();
    await using b = await new WorkerProcess(world, url).ready();
    const noWorker: number[] = [];
    const listeners = { onNoWorker: (ms: number) => void noWorker.push(ms) };
    expect(await world.sync({ ...WORKERS, listeners })).toMatchObject({ state: 'done', failures: [] });
    expect(noWorker).toEqual([]);
    expect(await a.end('SIGINT')).toBe(0);
    expect(await b.end('SIGTERM')).toBe(0);
    for (const { said } of [a, b]) expect(said).toMatch(/; \d+ pages? of syncs/);
    await expectOnce(world, FILES);
  });

  test('whose coordinator is killed: its workers stop, and the next run goes on when what they had in hand is over', async () => {
    const { world: opened, url, catalog } = await openWorld();
    await using world = opened;
    fill(world, FILES);
    const target = world.targets[0] as string;
    await using worker = await new WorkerProcess(world, url, { bandwidth }).ready();
    // Long enough that the next run comes before the lease of this one is over.
    const leaseMs = 7_000;
    const killed = startSync({ at: world.root, targets: 1, catalog, run: { ...WORKERS, leaseMs } });
    await worker.atWork(target);
    killed.process.kill('SIGKILL');
    await killed.ended;
    const end = await startSync({ at: world.root, targets: 1, catalog, run: WORKERS }).ended;
    expectDone(end);
    expect(end.result?.resumed).toBeDefined();
    expect(end.settled).toHaveLength(1);
    expect(end.settled[0]).toBeLessThanOrEqual(leaseMs);
    expect(await worker.end('SIGINT')).toBe(0);
    expect(await versionsMade(url)).toBe(FILES);
    // What was published and not recorded is found equal.
    await expectOnce(world, FILES, ['AVAILABLE', 'UNVERIFIED']);
  });

  test('that is interrupted: what waits is withdrawn, what is under way ends, and the next run copies the rest', async () => {
    const { world: opened, url, catalog } = await openWorld();
    await using world = opened;
    fill(world, FILES);
    await using worker = await new WorkerProcess(world, url, { bandwidth }).ready();
    const sync = startSync({ at: world.root, targets: 1, catalog, run: WORKERS });
    await worker.atWork(world.targets[0] as string);
    sync.process.kill('SIGINT');
    const { result } = await sync.ended;
    expect(result).toMatchObject({ state: 'interrupted', failures: [] });
    expect(await pagesLeft(url)).toEqual({ jobs: 0, pages: 0 });
    const end = await startSync({ at: world.root, targets: 1, catalog, run: WORKERS }).ended;
    expectDone(end);
    expect(end.settled).toEqual([]);
    const [first, rest] = [result?.targets[0]?.added ?? 0, end.result?.targets[0]?.added ?? 0];
    expect(first + rest).toBe(FILES);
    await expectOnce(world, FILES);
  });

  test('whose worker is interrupted: it gives back what it has not finished, and another one goes on', async () => {
    const { world: opened, url, catalog } = await openWorld();
    await using world = opened;
    fill(world, FILES);
    await using first = await new WorkerProcess(world, url, { bandwidth }).ready();
    const sync = startSync({ at: world.root, targets: 1, catalog, run: { ...WORKERS, leaseMs: 30_000 } });
    await first.atWork(world.targets[0] as string);
    expect(await first.end('SIGINT')).toBe(0);
    await using second = await new WorkerProcess(world, url).ready();
    expectDone(await sync.ended);
    expect(await second.end('SIGINT')).toBe(0);
    await expectOnce(world, FILES);
  });

  test('where there is no worker says so, and is carried out here', async () => {
    const { world: opened, url, catalog } = await openWorld();
    await using world = opened;
    fill(world, FILES);
    const sync = startSync({ at: world.root, targets: 1, catalog, run: { ...WORKERS, noWorkerMs: 500 } });
    const end = await sync.ended;
    expectDone(end);
    expect(end.noWorker).toEqual([500]);
    expect(await pagesLeft(url)).toEqual({ jobs: 0, pages: 0 });
    await expectOnce(world, FILES);
  });

  test('is left alone by a worker whose configuration does not name its stores, or whose directories are others', async () => {
    const { world: opened, url, catalog } = await openWorld();
    await using world = opened;
    fill(world, 100);
    const places = [world.source, join(world.root, 'elsewhere')];
    await using wrong = await new WorkerProcess(world, url, { places }).ready();
    const end = await startSync({ at: world.root, targets: 1, catalog, run: { ...WORKERS, noWorkerMs: 3_000 } }).ended;
    expectDone(end);
    expect(end.noWorker).toEqual([3_000]);
    expect(wrong.said).toMatch(/pages are left to other workers.*no profile has the place/);
    // As from another machine that has a directory of the same path.
    const store = { title: 'there', identity: '1', symlinks: 'follow' } as const;
    const [place] = await world.places();
    const queue = await world.catalog();
    await queue.openPageJob({
      id: '01920000-0000-7000-8000-000000000001',
      scope: SCOPE,
      stores: [{ ...store, place: place as string }],
      sync: undefined,
      holder: { host: 'there', pid: 1, startedMs: 1 },
      leaseMs: 60_000,
    });
    while (isAlive(wrong.pid) && !wrong.said.includes('is another directory here')) await sleep(20);
    expect(await wrong.end('SIGINT')).toBe(0);
    expect(wrong.said).not.toContain('of syncs');
  });

  test('on SQLite, by processes of one machine, and until they are idle', async () => {
    await using world = openSyncWorld();
    fill(world, 1_100);
    const data = join(world.root, 'data/catalog.sqlite');
    await world.catalog();
    const sync = startSync({ at: world.root, targets: 1, run: { ...WORKERS, leaseMs: 20_000 } });
    while ((await (await world.catalog()).listPageJobs()).length === 0) await sleep(10);
    await using worker = new WorkerProcess(world, `sqlite:${data}`, { args: ['--until-idle', '--json'] });
    expectDone(await sync.ended);
    expect(await worker.ended).toBe(0);
    expect(worker.said).toMatch(/"pages": ?3/);
    await expectOnce(world, 1_100);
  });
});
