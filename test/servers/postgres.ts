import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePorts } from './daemon.ts';

const run = promisify(execFile);

export interface Databases extends AsyncDisposable {
  readonly port: number;
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>;
}

/** A PostgreSQL cluster of the test's own, reached over loopback; what is in it goes with it. */
export interface PostgresServer extends Databases {
  /** Every process of the server dies at once, and recovers from its log at the next `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a server. Without `durable` it leaves out the fsyncs, which only a power loss could tell. */
export async function startPostgres(options: { readonly durable?: boolean } = {}): Promise<PostgresServer> {
  const programs = findPrograms();
  const directory = mkdtempSync(join(tmpdir(), 'pando-postgres-'));
  const account = serverAccount();
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  const as = (program: string, ...args: string[]) => runAs(account, join(programs, program), args);
  const data = join(directory, 'data');
  const port = await freePorts(1);
  await as('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync');
  await appendFile(join(data, 'postgresql.conf'), settings(port, directory, options.durable === true));

  const start = async () => {
    await as('pg_ctl', '-D', data, '-l', join(directory, 'log'), '-w', '-t', '60', 'start');
  };
  const stop = (mode: 'immediate' | 'fast') => as('pg_ctl', '-D', data, '-m', mode, '-w', 'stop');
  const killAtExit = () => {
    const pid = postmasterPid(data);
    if (pid !== undefined) process.kill(pid, 'SIGQUIT');
  };
  process.once('exit', killAtExit);
  await start();

  const made = new DatabasesAt(port);
  return {
    port,
    start,
    async kill() {
      await stop('immediate');
    },
    createDatabase: () => made.createDatabase(),
    async [Symbol.asyncDispose]() {
      process.off('exit', killAtExit);
      if (postmasterPid(data) !== undefined) await stop('immediate');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

let databases = 0;

/** Those of one test file at a server; with it they go. */
export class DatabasesAt implements Databases {
  readonly port: number;
  readonly #made: string[] = [];

  constructor(port: number) {
    this.port = port;
  }

  async createDatabase(): Promise<string> {
    const name = `catalog_${process.pid}_${++databases}`;
    this.#made.push(name);
    await using client = await connect(this.#urlOf('postgres'));
    await client.query(`create database ${name}`);
    return this.#urlOf(name);
  }

  #urlOf(name: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using client = await connect(this.#urlOf('postgres'));
    for (const name of this.#made) await client.query(`drop database if exists ${name} with (force)`);
  }
}

/** A bare connection, for tests that look at the catalog from outside. */
export async function connect(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

function settings(port: number, directory: string, durable: boolean): string {
  const lines = [
    "listen_addresses = '127.0.0.1'",
    `port = ${port}`,
    `unix_socket_directories = '${directory}'`,
    'max_connections = 300',
    'shared_buffers = 128MB',
  ];
  if (!durable) lines.push('fsync = off', 'full_page_writes = off');
  return `${lines.join('\n')}\n`;
}

/** Debian keeps the server's programs out of PATH, one directory a version. */
function findPrograms(): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root)
    ? readdirSync(root).filter((version) => existsSync(join(root, version, 'bin/initdb')))
    : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) {
    throw new Error('these tests need a PostgreSQL server: apt-get install --no-install-recommends postgresql-15');
  }
  return join(root, newest, 'bin');
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root; the package brings a user for it. */
function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('there is no user postgres: the package postgresql-15 makes it');
  return { uid: Number(uid), gid: Number(gid) };
}

async function runAs(account: Account | undefined, program: string, args: readonly string[]): Promise<void> {
  const identity =
    account === undefined ? [] : ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups'];
  const [first, ...rest] = [...identity, program, ...args] as [string, ...string[]];
  await run(first, rest, { cwd: '/' });
}

function postmasterPid(data: string): number | undefined {
  try {
    return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return undefined;
  }
}
