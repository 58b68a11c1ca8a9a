import { type ClientConfig, Pool, types } from 'pg';
import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { createCatalog } from './create-catalog.ts';
import { emptyKnown } from './known.ts';
import { migrate } from './migrate.ts';
import { PostgresBell } from './postgres-bell.ts';
import { postgresEngine } from './postgres-engine.ts';
import { postgresError } from './postgres-errors.ts';
import { PostgresExecutor, transact } from './postgres-executor.ts';
import { kyselyOver } from './postgres-session.ts';
import { readSite } from './site.ts';
import { Slot } from './slot.ts';
import { systemClock, systemRandom } from './system.ts';
import { systemBoot } from './system-boot.ts';

export interface OpenPostgres {
  /** `postgres://user@host:port/database`; what it leaves out comes from PGHOST, PGUSER, … as with every client. */
  readonly url: string;
  /** Connections at most. */
  readonly connectionsMax?: number;
  /** Wall time of new versions; leases know only the database's clock. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** Names this start of the machine; by default the system's word. */
  readonly boot?: string;
}

const CONNECTIONS_MAX = 8;
const CONNECT_TIMEOUT_MS = 10_000;
/** Nobody waits longer for a row that somebody else has locked. */
const LOCK_TIMEOUT_MS = 60_000;
/** A process that stopped inside a transaction loses its locks after so long. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/**
 * Opens the catalog in a PostgreSQL database, which may be shared by any number of processes on any number of machines; its
 * tables are made if absent. Fails with `unavailable` when the server cannot be reached, `too-new` when a newer program
 * wrote it.
 */
export async function openPostgresCatalog(options: OpenPostgres): Promise<Catalog> {
  const { url, clock = systemClock, random = systemRandom, boot = systemBoot() } = options;
  const location = describeUrl(url);
  const connection: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'pando',
  };
  const pool = new Pool({
    ...connection,
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    allowExitOnIdle: true,
    types: { getTypeParser },
    // The pool waits for it: a connection that cannot be set up is not used.
    onConnect: (client) => client.query(SETTINGS),
  });
  // A connection that dies while idle is replaced at the next call; one that dies at work fails that call.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  try {
    const siteId = await prepare(pool, location, random);
    const holder = Buffer.from(random.bytes(8)).toString('hex');
    const known = emptyKnown({ siteId, clock, random, boot, slot: new Slot(holder) });
    const query = (text: string, values: readonly string[]): Promise<unknown> => pool.query(text, [...values]);
    const bell = new PostgresBell({ connection, self: holder, query, clock });
    const executor = new PostgresExecutor({ pool, known, bell, location });
    await executor.write((session) => session.known.slot.own(session));
    return createCatalog({ executor, location, engine: postgresEngine });
  } catch (error) {
    await pool.end();
    throw postgresError(error, location);
  }
}

/**
 * Settings of each connection. A commit that is acknowledged is on disk, also where the server's default is not to wait for
 * it. Every statement of the catalog walks an index, row by row; plans that read whole tables are discouraged, because the
 * planner likes them while a new catalog fills and it has no statistics.
 */
const SETTINGS = `
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
  set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
  set enable_material = off; set enable_memoize = off; set jit = off; set plan_cache_mode = force_custom_plan`;

/** All openers of one database wait here for each other ("pando" as a number). */
const OPENING_LOCK = 0x70616e646f;

async function prepare(pool: Pool, location: string, random: Random): Promise<string> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`select pg_advisory_lock(${OPENING_LOCK})`);
    const db = kyselyOver(client);
    await migrate(db, postgresEngine, location);
    const siteId = await transact(client, () => readSite(db, postgresEngine, random));
    await client.query(`select pg_advisory_unlock(${OPENING_LOCK})`);
    return siteId;
  } catch (error) {
    broken = postgresError(error, location);
    throw broken;
  } finally {
    client.release(broken);
  }
}

/** Eight-byte integers are safe integers here; what is not is read as text. */
const getTypeParser: typeof types.getTypeParser = (oid, format) =>
  oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format);

/** The URL without user, password and options. */
function describeUrl(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `postgres://${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
  } catch {
    return 'postgres:';
  }
}
