// npm run bench -- catalog [--objects N] [--engines sqlite,postgres]: how fast the catalog takes objects in and tells them again.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openPostgresCatalog } from '../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../src/catalog/open-sqlite.ts';
import type { Catalog, Change } from '../src/ports/catalog.ts';
import { connect, startPostgres } from '../test/servers/postgres.ts';
import { describeMachine } from './machine.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '1000000' },
    engines: { type: 'string', default: 'sqlite,postgres' },
  },
});
const objects = Number(values.objects);
/** Objects of one transaction, as a sync records them. */
const BATCH = 512;
/** Batches under way at once: the next one crosses while one is written. */
const IN_FLIGHT = 3;
const PAGE = 8192;
const SCOPE = 'bench';
const SOURCE = 'file:///data/source';
const REPLICA = 'file:///data/replica';

const directory = mkdtempSync(join(tmpdir(), 'pando-bench-catalog-'));
const { processor, cores, fileSystem } = describeMachine(directory);
say(`${processor}, ${cores} cores, ${fileSystem}, node ${process.version}; ${objects} objects with 2 replicas each`);
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
    await bench('sqlite', catalog);
  }
  say(`sqlite: ${(statSync(path).size / objects).toFixed(0)} bytes an object`);
}

async function benchPostgres(): Promise<void> {
  await using server = await startPostgres({ durable: true });
  const url = await server.createDatabase();
  await using catalog = await openPostgresCatalog({ url });
  await bench('postgres', catalog);
  await using client = await connect(url);
  const { rows } = await client.query<{ size: string }>('select pg_database_size(current_database()) as size');
  say(`postgres: ${(Number(rows[0]?.size) / objects).toFixed(0)} bytes an object`);
}

async function bench(engine: string, catalog: Catalog): Promise<void> {
  const replicas = [{ store: REPLICA, title: 'replica', priority: 1 }];
  await catalog.openScope({ name: SCOPE, title: SCOPE, source: SOURCE, replicas, standing: true });

  const record = await seconds(() => recordAll(catalog));
  say(`${engine}: record ${rate(objects, record)} objects/s (${BATCH} a transaction)`);

  for (let round = 0; round < 2; round++) {
    const scan = await seconds(() => scanAll(catalog));
    say(`${engine}: scan ${rate(objects, scan)} rows/s (2 stores, pages of ${PAGE})`);
  }

  const reads = 20_000;
  const read = await seconds(() =>
    inFlight(32, reads, (at) => catalog.readObject(SCOPE, nameOf((at * 7919) % objects))),
  );
  say(`${engine}: read ${rate(reads, read)} objects/s (32 at once)`);

  const single = 3000;
  const alone = await seconds(() => inFlight(1, single, (at) => catalog.record({ changes: [change(objects + at)] })));
  say(`${engine}: record ${rate(single, alone)} objects/s (one a transaction, one caller)`);
  const together = await seconds(() =>
    inFlight(64, single * 10, (at) => catalog.record({ changes: [change(objects + single + at)] })),
  );
  say(`${engine}: record ${rate(single * 10, together)} objects/s (one each, 64 callers)`);
  say(`memory: ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB resident`);
}

async function recordAll(catalog: Catalog): Promise<void> {
  await inFlight(IN_FLIGHT, Math.ceil(objects / BATCH), (batch) => {
    const changes: Change[] = [];
    for (let at = batch * BATCH; at < Math.min(objects, (batch + 1) * BATCH); at++) changes.push(change(at));
    return catalog.record({ changes });
  });
}

async function scanAll(catalog: Catalog): Promise<void> {
  let after: string | undefined;
  let seen = 0;
  do {
    const from = after === undefined ? {} : { after };
    const page = await catalog.scanScope({
      scope: SCOPE,
      prefix: '',
      ...from,
      limit: PAGE,
      stores: [SOURCE, REPLICA],
      details: false,
      deleted: true,
    });
    seen += page.names.length;
    after = page.next;
  } while (after !== undefined);
  if (seen !== objects) throw new Error(`scanned ${seen} of ${objects} objects`);
}

function change(at: number): Change {
  const name = nameOf(at);
  const replica = { state: 'AVAILABLE', place: name, verification: 'written' } as const;
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
    replicas: [
      { store: SOURCE, token, ...replica },
      { store: REPLICA, token, ...replica },
    ],
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

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function rate(count: number, duration: number): string {
  return Math.round(count / duration).toLocaleString('en');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
