// npm run bench -- rules [--objects N] [--engines sqlite,postgres] [--clients N] [--limited] [--drain]: how fast rules are added,
// applied, listed and explained, and transfers settled; with --limited by claims within limits and shares that hold nothing back, with
// --drain all of them, and what the catalog takes when nothing is queued any more.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { openPostgresCatalog } from '../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../src/catalog/open-sqlite.ts';
import { boundHeap } from '../src/cli/bound-heap.ts';
import { parseConfiguration } from '../src/config/load.ts';
import { currentSurroundings } from '../src/config/surroundings.ts';
import { describeStores } from '../src/describe-stores.ts';
import { PLAIN_RULE } from '../src/domain/rule/rule.ts';
import type { TransferLimits } from '../src/domain/transfer/transfer-limits.ts';
import { explainObject } from '../src/engine/explain/explain-object.ts';
import { evaluateRules } from '../src/engine/rules/evaluate-rules.ts';
import { placeIn } from '../src/engine/stores/store-access.ts';
import { describeTopology } from '../src/engine/stores/topology.ts';
import type { Catalog, Change, ClaimedRequest } from '../src/ports/catalog.ts';
import type { NewRule, TransferOutcome } from '../src/ports/rules.ts';
import { systemClock } from '../src/system/system-clock.ts';
import { systemRandom } from '../src/system/system-random.ts';
import { connect, startPostgres } from '../test/servers/postgres.ts';
import { describeMachine } from './machine.ts';
import { completeWithPgBoss } from './pg-boss.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '100000' },
    engines: { type: 'string', default: 'sqlite,postgres' },
    clients: { type: 'string', default: '4' },
    drain: { type: 'boolean', default: false },
    limited: { type: 'boolean', default: false },
  },
});
const objects = Number(values.objects);
const clients = Number(values.clients);
/** Objects of one transaction, as a sync records them. */
const BATCH = 512;
/** Rows of a page of a listing. */
const PAGE = 1000;
/** Requests that are settled where not all are. */
const SETTLED = 100_000;
/** Requests of one claim, and outcomes of one transaction. */
const CLAIM = 500;
const SCOPE = 'bench';
const COPIES = 2;

// As the command does.
boundHeap();
const directory = mkdtempSync(join(tmpdir(), 'pando-bench-rules-'));
// Nothing is copied: the stores are only told of.
const stores = describeStores(
  parseConfiguration(configure(), { file: join(directory, 'pando.yaml'), surroundings: currentSurroundings() }),
  () => {
    throw new Error('a store was opened');
  },
);
const SOURCE = placeOf('source');
const LIMITS: TransferLimits = {
  stores: ['one', 'two'].map((name) => ({ store: placeOf(name), name, incomingMax: 100_000, outgoingMax: undefined })),
  pairs: [],
  shares: [
    { activity: 'bench', weight: 70 },
    { activity: 'default', weight: 30 },
  ],
};
const WITHIN = values.limited ? ({ work: 'rule-copies', limits: LIMITS } as const) : {};
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
    await bench('sqlite', [catalog]);
  }
  using database = new DatabaseSync(path);
  database.exec('vacuum');
  tellSize('sqlite', statSync(path).size);
}

/** Names are needed by any catalog: they are told apart. */
function tellSize(engine: string, bytes: number): void {
  let names = 0;
  for (let at = 0; at < objects; at++) names += Buffer.byteLength(nameOf(at));
  const each = bytes / objects;
  const what = values.drain ? 'two copies and two locks each' : 'two copies, two locks and nearly two requests each';
  say(`${engine}: ${each.toFixed(0)} bytes an object with ${what}, ${(names / objects).toFixed(0)} of them its name`);
}

async function benchPostgres(): Promise<void> {
  await using server = await startPostgres({ durable: true });
  const url = await server.createDatabase();
  const catalogs = await Promise.all(Array.from({ length: clients }, () => openPostgresCatalog({ url })));
  const { settled, took } = await bench('postgres', catalogs);
  await using client = await connect(url);
  const { rows } = await client.query<{ size: string }>('select pg_database_size(current_database()) as size');
  const { rows: counts } = await client.query<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  say(`postgres: ${counts[0]?.deadlocks} deadlocks`);
  tellSize('postgres', Number(rows[0]?.size));
  for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();

  const jobs = { jobs: settled, clients, batch: CLAIM };
  const peer = await completeWithPgBoss(await server.createDatabase(), jobs, seconds);
  say(`pg-boss: ${rate(settled, peer)} jobs/s from fetch to complete (${clients} clients)`);
  say(`postgres: ${(peer / took).toFixed(2)}× pg-boss, where at least 1.0 is asked`);
}

async function bench(
  engine: string,
  catalogs: readonly Catalog[],
): Promise<{ readonly settled: number; readonly took: number }> {
  const [catalog] = catalogs as readonly [Catalog];
  const scope = { name: SCOPE, title: SCOPE, source: SOURCE, replicas: [], standing: false };
  await catalog.openScope(scope);
  await catalog.openStores(
    [...stores.values()].map(({ place, name }) => ({ store: place, title: name, allocatedBytes: undefined })),
  );
  const record = await seconds(() => recordAll(catalog));
  say(`${engine}: record ${rate(objects, record)} objects/s`);

  const added = await catalog.addRule(newRule());
  if (added.kind !== 'added') throw new Error('the rule is not new');
  const locks = objects * COPIES;
  const ports = { catalog, clock: systemClock, random: systemRandom, stores };
  const signal = new AbortController().signal;
  const apply = await seconds(() => evaluateRules(ports, { owner: 'bench', signal }));
  const counts = (await catalog.readRule(added.id))?.counts;
  if (counts?.replicating !== locks) throw new Error(`not all was applied: ${JSON.stringify(counts)}`);
  say(`${engine}: apply ${rate(locks, apply)} locks and requests/s, stores chosen and paths made`);

  const listed = await seconds(() => listAll(catalog, added.id));
  say(`${engine}: list ${rate(locks, listed)} locks of a rule/s`);
  const again = await seconds(() => recordAgain(catalog));
  say(`${engine}: record again ${rate(Math.min(objects, 20_000), again)} objects/s with locks on them`);

  const settled = Math.min(locks, SETTLED);
  const took = await seconds(() => settleSome(catalogs, settled));
  say(`${engine}: ${rate(settled, took)} requests/s from claim to done (${catalogs.length} clients, ${locks} queued)`);

  const asked = { ...ports, topology: describeTopology(stores), clientSite: undefined, sourceOf: () => SOURCE };
  const latencies: number[] = [];
  for (let at = 0; at < 200; at++) {
    const start = performance.now();
    await explainObject(asked, { scope: SCOPE, name: nameOf((at * 7919) % objects) });
    latencies.push(performance.now() - start);
  }
  latencies.sort((a, b) => a - b);
  say(`${engine}: explain ${latencies[100]?.toFixed(1)} ms, 99 of 100 under ${latencies[197]?.toFixed(1)} ms`);

  if (values.drain && settled < locks) {
    const left = locks - settled;
    const rest = await seconds(() => settleSome(catalogs, left));
    say(`${engine}: ${rate(left, rest)} requests/s from claim to done, to the last one`);
    say(`${engine}: ${JSON.stringify((await catalog.readRule(added.id))?.counts)}`);
  }
  say(`memory: ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB resident`);
  return { settled, took };
}

function configure(): string {
  const profiles = ['source', 'one', 'two'].map(
    (name) => `
  ${name}:
    paths: { algorithm: ${name === 'source' ? 'plain' : 'hash'} }
    storage_provider: { type: file, options: { base_path: ./${name} } }`,
  );
  return `profiles:${profiles.join('')}\n`;
}

function placeOf(name: string): string {
  const found = [...stores.values()].find((one) => one.name === name);
  if (found === undefined) throw new Error(`no store ${name}`);
  return found.place;
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

/** All clients together. */
async function settleSome(catalogs: readonly Catalog[], wanted: number): Promise<void> {
  let claimed = 0;
  const settle = async (catalog: Catalog, owner: string) => {
    for (;;) {
      const limit = Math.min(CLAIM, wanted - claimed);
      if (limit <= 0) return;
      claimed += limit;
      const requests = await catalog.claimRequests({ owner, limit, leaseMs: 60_000, ...WITHIN });
      if (requests.length < limit) throw new Error(`${requests.length} requests were claimed, and ${limit} asked for`);
      const held = await catalog.settleTransfers(requests.map(arrival));
      if (held.includes(false)) throw new Error('a lease was lost');
    }
  };
  await Promise.all(catalogs.map((catalog, at) => settle(catalog, `worker ${at}`)));
}

function arrival(request: ClaimedRequest): TransferOutcome {
  const token = `${request.versionId.toString(16)}-${(4096 + request.versionId).toString(16)}-18f2c9ab00000000`;
  return {
    lease: request.lease,
    request: { state: 'DONE' },
    attempt: { source: SOURCE, protocol: 'file', outcome: 'arrived', failure: undefined, error: undefined },
    replica: { state: 'AVAILABLE', place: placeFor(request), token, verification: 'written' },
    soft: false,
    stuck: undefined,
    doubtedSources: [],
    bytes: 4096,
    busyMs: 10,
  };
}

function placeFor({ store, scope, name }: ClaimedRequest): string {
  const access = stores.get(store);
  const path = access === undefined ? undefined : placeIn(access, { scope, name }, undefined);
  if (path === undefined || !('path' in path)) throw new Error(`no path for ${scope}:${name} at ${store}`);
  return path.path;
}

async function recordAll(catalog: Catalog): Promise<void> {
  await inFlight(3, Math.ceil(objects / BATCH), (batch) => {
    const changes: Change[] = [];
    for (let at = batch * BATCH; at < Math.min(objects, (batch + 1) * BATCH); at++) changes.push(change(at));
    return catalog.record({ changes });
  });
}

/** A sync that sees what it saw before. */
async function recordAgain(catalog: Catalog): Promise<void> {
  const count = Math.min(objects, 20_000);
  await inFlight(3, Math.ceil(count / BATCH), (batch) => {
    const changes: Change[] = [];
    for (let at = batch * BATCH; at < Math.min(count, (batch + 1) * BATCH); at++) changes.push(change(at));
    return catalog.record({ changes });
  });
}

function change(at: number): Change {
  const name = nameOf(at);
  const token = `${(at * 131).toString(16)}-${(4096 + at).toString(16)}-18f2c9ab${at.toString(16).padStart(8, '0')}`;
  return {
    scope: SCOPE,
    name,
    follows: undefined,
    operation: `01920000-0000-7000-8000-${at.toString(16).padStart(12, '0')}`,
    content: {
      kind: 'object',
      size: 4096 + (at % 1000),
      sha256: at.toString(16).padStart(64, 'a7c3'),
      modifiedNs: 1_700_000_000_000_000_000n + BigInt(at),
      mode: 0o644,
    },
    replicas: [{ store: SOURCE, token, state: 'AVAILABLE', place: name, verification: 'written' }],
  };
}

function nameOf(at: number): string {
  return `runs/${String(Math.floor(at / 1000)).padStart(6, '0')}/part-${String(at % 1000).padStart(5, '0')}.parquet`;
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

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
