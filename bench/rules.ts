// node bench/rules.ts [--objects N] [--engines sqlite,postgres] [--clients N] [--limited]: how fast rules are applied and transfers
// settled; `--limited`: by claims within limits and shares that hold nothing back.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openPostgresCatalog } from '../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../src/catalog/open-sqlite.ts';
import { PLAIN_RULE } from '../src/domain/rule/rule.ts';
import type { TransferLimits } from '../src/domain/transfer/transfer-limits.ts';
import type { Catalog, Change, ClaimedRequest } from '../src/ports/catalog.ts';
import type { NewRule, PlacedObject, TransferOutcome } from '../src/ports/rules.ts';
import { connect, startPostgres } from '../test/servers/postgres.ts';
import { describeMachine } from './machine.ts';
import { completeWithPgBoss } from './pg-boss.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '100000' },
    engines: { type: 'string', default: 'sqlite,postgres' },
    clients: { type: 'string', default: '4' },
    limited: { type: 'boolean', default: false },
  },
});
const objects = Number(values.objects);
const clients = Number(values.clients);
/** Objects of one transaction, as a sync records them. */
const BATCH = 512;
/** Objects of one page of a rule. */
const PAGE = 1000;
/** Requests of one claim, and outcomes of one transaction. */
const CLAIM = 500;
const SCOPE = 'bench';
const SOURCE = 'file:///data/source';
const TARGETS = ['file:///data/one', 'file:///data/two'];
const LIMITS: TransferLimits = {
  stores: TARGETS.map((store) => ({ store, name: store, incomingMax: 100_000, outgoingMax: undefined })),
  pairs: [],
  shares: [
    { activity: 'bench', weight: 70 },
    { activity: 'default', weight: 30 },
  ],
};

const directory = mkdtempSync(join(tmpdir(), 'pando-bench-rules-'));
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
  say(`sqlite: ${(statSync(path).size / objects).toFixed(0)} bytes an object when all is done`);
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
  say(`postgres: ${(Number(rows[0]?.size) / objects).toFixed(0)} bytes an object when all is done`);
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
  const replicas = TARGETS.map((store, at) => ({ store, title: store, priority: at }));
  await catalog.openScope({ name: SCOPE, title: SCOPE, source: SOURCE, replicas, standing: false });
  const record = await seconds(() => recordAll(catalog));
  say(`${engine}: record ${rate(objects, record)} objects/s`);

  const added = await catalog.addRule(newRule());
  if (added.kind !== 'added') throw new Error('the rule is not new');
  const locks = objects * TARGETS.length;
  const apply = await seconds(() => applyAll(catalog, added.id));
  say(`${engine}: apply ${rate(locks, apply)} locks and requests/s (pages of ${PAGE})`);

  const again = await seconds(() => readAll(catalog, added.id));
  say(`${engine}: read ${rate(objects, again)} objects of a rule/s`);
  const record2 = await seconds(() => recordAgain(catalog));
  say(`${engine}: record again ${rate(Math.min(objects, 20_000), record2)} objects/s with locks on them`);

  const wanted = Math.min(locks, 100_000);
  const within = values.limited ? ({ work: 'rule-copies', limits: LIMITS } as const) : {};
  let settled = 0;
  const settle = await seconds(() =>
    Promise.all(
      catalogs.map(async (one, at) => {
        while (settled < wanted) {
          const claimed = await one.claimRequests({ owner: `worker ${at}`, limit: CLAIM, leaseMs: 60_000, ...within });
          if (claimed.length === 0) return;
          settled += claimed.length;
          const held = await one.settleTransfers(claimed.map(arrival));
          if (held.includes(false)) throw new Error('a lease was lost');
        }
      }),
    ),
  );
  say(
    `${engine}: ${rate(settled, settle)} requests/s from claim to done (${catalogs.length} clients, ${locks} queued)`,
  );

  const latencies: number[] = [];
  for (let at = 0; at < 200; at++) {
    const start = performance.now();
    const name = nameOf((at * 7919) % objects);
    await catalog.readObject(SCOPE, name);
    const found = await catalog.listLocks({ name: { scope: SCOPE, name }, limit: 100 });
    await catalog.readAttempts(found.flatMap(({ request }) => (request === undefined ? [] : [request.id])));
    await catalog.listRulesOf({ scope: SCOPE, name });
    latencies.push(performance.now() - start);
  }
  latencies.sort((a, b) => a - b);
  say(`${engine}: explain ${latencies[100]?.toFixed(1)} ms, 99 of 100 under ${latencies[197]?.toFixed(1)} ms`);
  say(`${engine}: ${JSON.stringify((await catalog.readRule(added.id))?.counts)}`);
  say(`memory: ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB resident`);
  return { settled, took: settle };
}

function newRule(): NewRule {
  return {
    ...PLAIN_RULE,
    account: 'bench',
    targets: [{ kind: 'pattern', scope: SCOPE, pattern: '*' }],
    copies: 2,
    expression: '*',
    grouping: 'none',
    activity: 'bench',
    needsApproval: false,
  };
}

async function applyAll(catalog: Catalog, id: number): Promise<void> {
  const [claimed] = await catalog.claimRules({ owner: 'bench', limit: 1, leaseMs: 600_000 });
  if (claimed === undefined) throw new Error('the rule is not due');
  let after: string | undefined;
  // The next page is read while one is applied.
  let page = await catalog.readRulePage(id, { limit: PAGE });
  for (;;) {
    const { objects: found, next } = page;
    const placed: PlacedObject[] = found.map(({ id: object, versionId, scope, name }) => ({
      id: object,
      versionId,
      locks: TARGETS.map((store) => ({ store, place: `${scope}/${name}` })),
      releases: [],
    }));
    const applying = catalog.applyRulePage({
      lease: claimed.lease,
      objects: placed,
      isFirst: after === undefined,
      missingCopies: 0,
      missingWhy: undefined,
      position: next,
      lookAgainAfterMs: undefined,
      events: [],
    });
    const reading = next === undefined ? undefined : catalog.readRulePage(id, { limit: PAGE, after: next });
    if ((await applying).kind !== 'applied') throw new Error('the page was not applied');
    if (reading === undefined) return;
    after = next;
    page = await reading;
  }
}

async function readAll(catalog: Catalog, id: number): Promise<void> {
  let after: string | undefined;
  do {
    const page = await catalog.readRulePage(id, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    after = page.next;
  } while (after !== undefined);
}

function arrival(request: ClaimedRequest): TransferOutcome {
  const token = `${request.versionId.toString(16)}-${(4096 + request.versionId).toString(16)}-18f2c9ab00000000`;
  return {
    lease: request.lease,
    request: { state: 'DONE' },
    attempt: { source: SOURCE, protocol: 'file', outcome: 'arrived', failure: undefined, error: undefined },
    replica: { state: 'AVAILABLE', place: `${request.scope}/${request.name}`, token, verification: 'written' },
    soft: false,
    stuck: undefined,
    doubtedSources: [],
    bytes: 4096,
    busyMs: 10,
  };
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
