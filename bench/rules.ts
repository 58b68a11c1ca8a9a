// npm run bench -- rules [--objects N] [--engines sqlite,postgres] [--limited] [--drain]: how fast rules are added, applied, listed and
// explained, and transfers settled by 1, 2 and 4 processes; with --limited by claims within limits and shares that hold nothing back,
// with --drain all of them, and what the catalog takes when nothing is queued any more.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { openPostgresCatalog } from '../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../src/catalog/open-sqlite.ts';
import { boundHeap } from '../src/cli/bound-heap.ts';
import { PLAIN_RULE } from '../src/domain/rule/rule.ts';
import { explainObject } from '../src/engine/explain/explain-object.ts';
import { evaluateRules } from '../src/engine/rules/evaluate-rules.ts';
import { describeTopology } from '../src/engine/stores/topology.ts';
import type { Catalog, Change } from '../src/ports/catalog.ts';
import type { NewRule } from '../src/ports/rules.ts';
import { systemClock } from '../src/system/system-clock.ts';
import { systemRandom } from '../src/system/system-random.ts';
import { connect, startPostgres } from '../test/servers/postgres.ts';
import { describeMachine } from './machine.ts';
import { PG_BOSS_QUEUE, queueWithPgBoss } from './pg-boss.ts';
import { nameOf, RulesWorld, SCOPE } from './rules-world.ts';
import { type SettleInit, settleWith } from './settle-with.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '100000' },
    engines: { type: 'string', default: 'sqlite,postgres' },
    drain: { type: 'boolean', default: false },
    limited: { type: 'boolean', default: false },
  },
});
const objects = Number(values.objects);
/** Objects of one transaction, as a sync records them. */
const BATCH = 512;
/** Rows of a page of a listing. */
const PAGE = 1000;
const COPIES = 2;
const LOCKS = objects * COPIES;
/** Processes that settle requests. */
const WORKERS = [1, 2, 4] as const;
/** Requests that each of these groups settles. */
const SETTLED = Math.min(50_000, Math.floor(LOCKS / WORKERS.length));

/** What is asked of each engine, on two cores. */
const ASKED = {
  sqlite: { rowsPerSecond: 20_000, workers: 1 },
  postgres: { rowsPerSecond: 10_000, workers: 4 },
  requestsPerSecond: 5_000,
  ofPgBoss: 1,
  bytesAnObject: 500,
  explainMs: 20,
  memoryBytes: 400e6,
} as const;

// As the command does.
boundHeap();
const directory = mkdtempSync(join(tmpdir(), 'pando-bench-rules-'));
const world = new RulesWorld(directory);
const { processor, cores, fileSystem } = describeMachine(directory);
say(
  `${processor}, ${cores} cores, ${fileSystem}, node ${process.version}; ${objects} objects, a rule of two copies each`,
);
try {
  if (values.engines.includes('sqlite')) await benchSqlite();
  if (values.engines.includes('postgres')) await benchPostgres();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function benchSqlite(): Promise<void> {
  const path = join(directory, 'catalog.db');
  {
    await using catalog = await openSqliteCatalog({ path });
    await bench('sqlite', catalog, path);
  }
  using database = new DatabaseSync(path);
  database.exec('vacuum');
  tellSize('sqlite', statSync(path).size);
}

/** Names are needed by any catalog: they are told apart. */
function tellSize(engine: string, bytes: number): void {
  let names = 0;
  for (let at = 0; at < objects; at++) names += Buffer.byteLength(nameOf(at));
  const own = (bytes - names) / objects;
  const what = values.drain ? 'two copies and two locks each' : 'two copies, two locks and some requests each';
  say(
    `${engine}: ${own.toFixed(0)} bytes an object with ${what}, besides ${(names / objects).toFixed(0)} of its name`,
    atMost(own, ASKED.bytesAnObject),
  );
}

async function benchPostgres(): Promise<void> {
  await using server = await startPostgres({ durable: true });
  const url = await server.createDatabase();
  const catalog = await openPostgresCatalog({ url });
  const took = await bench('postgres', catalog, url);
  await using client = await connect(url);
  const { rows } = await client.query<{ size: string }>('select pg_database_size(current_database()) as size');
  const { rows: counts } = await client.query<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  say(`postgres: ${counts[0]?.deadlocks} deadlocks`);
  tellSize('postgres', Number(rows[0]?.size));
  await catalog[Symbol.asyncDispose]();

  for (const [at, workers] of WORKERS.entries()) {
    const location = await server.createDatabase();
    await queueWithPgBoss(location, SETTLED);
    const peer = await settleWith(workers, SETTLED, initOf('pg-boss', location));
    say(`pg-boss: ${rate(SETTLED, peer.seconds)} jobs/s from fetch to complete (${count(workers)})`);
    const ratio = peer.seconds / (took[at] ?? Number.NaN);
    say(`postgres: ${ratio.toFixed(2)}× pg-boss (${count(workers)})`, atLeast(ratio, ASKED.ofPgBoss));
  }
}

function initOf(kind: SettleInit['kind'], location: string): Omit<SettleInit, 'requests'> {
  return { kind, location, directory, isLimited: values.limited, queue: PG_BOSS_QUEUE };
}

/** Returns the seconds in which each group of workers settled its requests. */
async function bench(engine: 'sqlite' | 'postgres', catalog: Catalog, location: string): Promise<readonly number[]> {
  const { stores, source } = world;
  await catalog.openScope({ name: SCOPE, title: SCOPE, source, replicas: [], standing: false });
  await catalog.openStores(
    [...stores.values()].map(({ place, name }) => ({ store: place, title: name, allocatedBytes: undefined })),
  );
  const record = await seconds(() => recordAll(catalog));
  say(`${engine}: record ${rate(objects, record)} objects/s`);

  const added = await catalog.addRule(newRule());
  if (added.kind !== 'added') throw new Error('the rule is not new');
  const ports = { catalog, clock: systemClock, random: systemRandom, stores };
  const signal = new AbortController().signal;
  const apply = await seconds(() => evaluateRules(ports, { owner: 'bench', signal }));
  const counts = (await catalog.readRule(added.id))?.counts;
  if (counts?.replicating !== LOCKS) throw new Error(`not all was applied: ${JSON.stringify(counts)}`);
  say(
    `${engine}: apply ${rate(2 * LOCKS, apply)} locks and requests/s (${rate(LOCKS, apply)} of each), stores chosen and paths made`,
    atLeast((2 * LOCKS) / apply, ASKED[engine].rowsPerSecond),
  );

  const listed = await seconds(() => listAll(catalog, added.id));
  say(`${engine}: list ${rate(LOCKS, listed)} locks of a rule/s`);
  const again = await seconds(() => recordAgain(catalog));
  say(`${engine}: record again ${rate(Math.min(objects, 20_000), again)} objects/s with locks on them`);

  const took: number[] = [];
  for (const workers of WORKERS) {
    const settled = await settleWith(workers, SETTLED, initOf(engine, location));
    took.push(settled.seconds);
    const isAsked = workers === ASKED[engine].workers;
    say(
      `${engine}: ${rate(SETTLED, settled.seconds)} requests/s from claim to done (${count(workers)}, ${mebibytes(settled.peakBytes)} at most)`,
      isAsked ? atLeast(SETTLED / settled.seconds, ASKED.requestsPerSecond) : '',
    );
  }

  const asked = { ...ports, topology: describeTopology(stores), clientSite: undefined, sourceOf: () => source };
  const latencies: number[] = [];
  for (let at = 0; at < 200; at++) {
    const start = performance.now();
    await explainObject(asked, { scope: SCOPE, name: nameOf((at * 7919) % objects) });
    latencies.push(performance.now() - start);
  }
  latencies.sort((a, b) => a - b);
  const median = latencies[100] ?? Number.NaN;
  say(
    `${engine}: explain ${median.toFixed(1)} ms, 99 of 100 under ${latencies[197]?.toFixed(1)} ms`,
    atMost(median, ASKED.explainMs),
  );

  if (values.drain) {
    const left = LOCKS - SETTLED * WORKERS.length;
    const rest = await settleWith(1, left, initOf(engine, location));
    say(`${engine}: ${rate(left, rest.seconds)} requests/s from claim to done, to the last one (1 process)`);
    say(`${engine}: ${JSON.stringify((await catalog.readRule(added.id))?.counts)}`);
  }
  const peak = process.resourceUsage().maxRSS * 1024;
  say(`${engine}: ${mebibytes(peak)} resident at most so far`, atMost(peak, ASKED.memoryBytes));
  return took;
}

function newRule(): NewRule {
  return {
    ...PLAIN_RULE,
    account: 'bench',
    targets: [{ kind: 'pattern', scope: SCOPE, pattern: '*' }],
    copies: COPIES,
    expression: 'one|two',
    grouping: 'none',
    activity: 'bench',
    needsApproval: false,
  };
}

async function listAll(catalog: Catalog, rule: number): Promise<void> {
  for (let after: string | undefined; ; ) {
    const page = await catalog.listLocks({ rule, limit: PAGE, ...(after === undefined ? {} : { after }) });
    after = page.at(-1)?.at;
    if (page.length < PAGE) return;
  }
}

async function recordAll(catalog: Catalog): Promise<void> {
  await inFlight(3, Math.ceil(objects / BATCH), (batch) => {
    const changes: Change[] = [];
    for (let at = batch * BATCH; at < Math.min(objects, (batch + 1) * BATCH); at++) changes.push(world.change(at));
    return catalog.record({ changes });
  });
}

/** A sync that sees what it saw before. */
async function recordAgain(catalog: Catalog): Promise<void> {
  const count = Math.min(objects, 20_000);
  await inFlight(3, Math.ceil(count / BATCH), (batch) => {
    const changes: Change[] = [];
    for (let at = batch * BATCH; at < Math.min(count, (batch + 1) * BATCH); at++) changes.push(world.change(at));
    return catalog.record({ changes });
  });
}

/** Carries out `count` calls, so many of them under way at once. */
async function inFlight(limit: number, count: number, call: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: limit }, lane));
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const duration = (performance.now() - start) / 1000;
  // On a machine with other work the processor's time says more than the clock's.
  say(`  ${duration.toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of processor time in this process`);
  return duration;
}

function rate(count: number, duration: number): string {
  return Math.round(count / duration).toLocaleString('en');
}

function count(workers: number): string {
  return workers === 1 ? '1 process' : `${workers} processes`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function atLeast(value: number, asked: number): string {
  return `   at least ${asked.toLocaleString('en')}: ${value >= asked ? 'met' : 'MISSED'}`;
}

function atMost(value: number, asked: number): string {
  return `   at most ${asked.toLocaleString('en')}: ${value <= asked ? 'met' : 'MISSED'}`;
}

function say(line: string, verdict = ''): void {
  process.stdout.write(`${line}${verdict}\n`);
}
