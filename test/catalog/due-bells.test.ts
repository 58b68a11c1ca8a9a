import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { DueWaits } from '../../src/engine/due-waits.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { CatalogContract, sleep } from '../../src/testing/catalog-contract/harness.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { connect, type Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-bells-'));
let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const ENGINES: Readonly<Record<string, () => Promise<() => Promise<Catalog>>>> = {
  SQLite: async () => () => openSqliteCatalog({ path: join(directory, 'catalog.sqlite') }),
  PostgreSQL: async () => {
    const url = await server.createDatabase();
    return () => openPostgresCatalog({ url });
  },
};

/** Longer than it takes until other processes are told. */
const TOLD_MS = 150;

describe.each(Object.keys(ENGINES))('a wait in one session of %s', (engine) => {
  const opened = new AsyncDisposableStack();
  let ours: Catalog;
  let theirs: Catalog;
  let contract: CatalogContract;
  beforeAll(async () => {
    const opener = await (ENGINES[engine] as (typeof ENGINES)[string])();
    [ours, theirs] = [opened.use(await opener()), opened.use(await opener())];
    contract = new CatalogContract(() => ours);
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  /** Waits of theirs, which no time ends that goes by itself, for what we commit. */
  async function begin() {
    const scope = await contract.openScope();
    const clock = new SimulatedClock();
    const waits = new DueWaits(theirs, clock);
    let names = 0;
    const queue = (): Promise<number> => contract.queueCopy(scope, `object ${++names}`);
    const look = async (): Promise<number> =>
      (await theirs.claimRequests({ owner: 'they', limit: 100, leaseMs: 60_000, scopes: [scope.name] })).length;
    const wait = (): Promise<void> => waits.wait(1_000, undefined);
    // What is told because it begins to listen is over.
    await wait();
    await sleep(TOLD_MS);
    const settled = wait();
    await clock.advance(1_000);
    await settled;
    waits.found();
    return { clock, queue, look, wait, [Symbol.dispose]: () => waits[Symbol.dispose]() };
  }

  it('ends when another session has queued something, without any time going by', async () => {
    using they = await begin();
    expect(await they.look()).toBe(0);
    const waited = they.wait();
    await they.queue();
    await waited;
    expect(await they.look()).toBe(1);
  });

  it('does not miss what was queued between the look and the wait', async () => {
    using they = await begin();
    expect(await they.look()).toBe(0);
    await they.queue();
    await sleep(TOLD_MS);
    await they.wait();
    expect(await they.look()).toBe(1);
  });

  it('ends by its own clock where nobody commits anything, and is not ended by looks', async () => {
    using they = await begin();
    let isOver = false;
    const waited = they.wait().finally(() => (isOver = true));
    for (let turn = 0; turn < 3; turn++) {
      await they.look();
      await ours.claimRules({ owner: 'we', limit: 1, leaseMs: 1_000 });
    }
    await sleep(TOLD_MS);
    expect(isOver).toBe(false);
    await they.clock.advance(1_000);
    await waited;
  });

  it('is told of a burst a few times, not once a commit', async () => {
    using they = await begin();
    let told = 0;
    const silence = theirs.onDue(() => told++);
    const startMs = performance.now();
    for (let commit = 0; commit < 50; commit++) await they.queue();
    const burstMs = performance.now() - startMs;
    await vi.waitFor(() => expect(told).toBeGreaterThan(0));
    await sleep(TOLD_MS);
    silence();
    expect(told).toBeLessThanOrEqual(Math.ceil(burstMs / 50) + 2);
  });
});

describe('a session of PostgreSQL whose connection to listen breaks', () => {
  it('listens again after a while, and looks for what it has missed', async () => {
    const url = await server.createDatabase();
    const clock = new SimulatedClock();
    await using catalog = await openPostgresCatalog({ url, clock });
    let told = 0;
    catalog.onDue(() => told++);
    await using outside = await connect(url);
    const listening = async (): Promise<number> => {
      const { rows } = await outside.query<{ pid: number }>(
        "select pid from pg_stat_activity where datname = current_database() and query = 'listen pando_due'",
      );
      return rows.length;
    };
    await vi.waitFor(() => expect(told).toBe(1));
    expect(await listening()).toBe(1);
    await outside.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'listen pando_due'",
    );
    await vi.waitFor(() => expect(clock.sleeping).toBe(1));
    expect(await listening()).toBe(0);
    await clock.advance(4_000);
    expect(clock.sleeping).toBe(1);
    await clock.advance(1_000);
    await vi.waitFor(() => expect(told).toBe(2));
    expect(await listening()).toBe(1);
  });

  it('goes on where it is not let in a second time, and tries no more often than that', async () => {
    const database = new URL(await server.createDatabase());
    await using outside = await connect(database.href);
    await outside.query('create role lone login connection limit 1');
    await outside.query('grant create on schema public to lone');
    database.username = 'lone';
    const clock = new SimulatedClock();
    await using catalog = await openPostgresCatalog({ url: database.href, connectionsMax: 1, clock });
    let told = 0;
    catalog.onDue(() => told++);
    await vi.waitFor(() => expect(clock.sleeping).toBe(1));
    expect(told).toBe(0);
    const contract = new CatalogContract(() => catalog);
    await contract.queueCopy(await contract.openScope(), 'a');
    expect(told).toBeGreaterThan(0);
  });
});

describe('who listens to PostgreSQL', () => {
  it('may be closed while it begins to', async () => {
    const url = await server.createDatabase();
    const catalog = await openPostgresCatalog({ url });
    catalog.onDue(() => {});
    catalog.onDue(() => {})();
    await catalog[Symbol.asyncDispose]();
  });
});

describe('nobody who listens', () => {
  it('has no connection of its own for that', async () => {
    const url = await server.createDatabase();
    await using catalog = await openPostgresCatalog({ url });
    await using outside = await connect(url);
    const count = async (): Promise<number> =>
      (await outside.query("select 1 from pg_stat_activity where query = 'listen pando_due'")).rows.length;
    const before = await count();
    const silence = catalog.onDue(() => {});
    await vi.waitFor(async () => expect(await count()).toBe(before + 1));
    silence();
    await vi.waitFor(async () => expect(await count()).toBe(before));
  });
});
