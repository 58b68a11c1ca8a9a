import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { expect, vi } from 'vitest';
import { type PeerProxy, startPeerProxy } from '../servers/peer-proxy.ts';
import { type ServerOptions, ServerProcess } from './server-process.ts';

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
export const isSoak = process.env['PANDO_SOAK'] === '1';
const SETTLED_MS_MAX = isSoak ? 30 * 60_000 : 50_000;
const CONFIG = 'replication: {enabled: true, retry_delay: 100ms}\n';

export interface PairOptions {
  /** B sends to A, too. */
  readonly isBothWays?: boolean;
  readonly a?: ServerOptions;
  readonly b?: ServerOptions;
}

/** Two sites, each behind a proxy: A sends to its peer `b`, and B, where it sends, to its peer `a`. */
export class SitePair implements AsyncDisposable {
  a: ServerProcess;
  b: ServerProcess;
  readonly toA: PeerProxy;
  readonly toB: PeerProxy;
  readonly #options: PairOptions;
  readonly #all: AsyncDisposableStack;

  private constructor(
    options: PairOptions,
    all: AsyncDisposableStack,
    parts: Pick<SitePair, 'a' | 'b' | 'toA' | 'toB'>,
  ) {
    this.#options = options;
    this.#all = all;
    this.a = parts.a;
    this.b = parts.b;
    this.toA = parts.toA;
    this.toB = parts.toB;
  }

  /** They were compared when this resolves: what is written from then on is told once. */
  static async open(options: PairOptions = {}): Promise<SitePair> {
    await using begun = new AsyncDisposableStack();
    const a = begun.use(await ServerProcess.start({ config: CONFIG, ...options.a }));
    const b = begun.use(await ServerProcess.start({ config: CONFIG, ...options.b }));
    const toA = begun.use(await startPeerProxy(a));
    const toB = begun.use(await startPeerProxy(b));
    toB.announced = toA.url;
    toA.announced = toB.url;
    await follow(a, toB.url, 'b');
    if (options.isBothWays === true) await follow(b, toA.url, 'a');
    return new SitePair(options, begun.move(), { a, b, toA, toB });
  }

  /** One that has ended comes back at its address. */
  async restart(which: 'a' | 'b'): Promise<void> {
    const { root, port } = this[which];
    const { args = [] } = this.#options[which] ?? {};
    this[which] = this.#all.use(await ServerProcess.start({ root, args: [...args, '--port', String(port)] }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#all.disposeAsync();
  }
}

async function follow(server: ServerProcess, url: string, name: string): Promise<void> {
  expect(await pando(server, 'peer', 'add', url, '--name', name, '--direction', 'send')).toMatchObject({ code: 0 });
  await settled(server, name);
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command beside a server, with its catalog. */
export function pando({ root }: ServerProcess, ...args: string[]): Promise<Ended> {
  const options = { cwd: root, env: { PATH: process.env['PATH'], HOME: root } };
  return new Promise((done) => {
    const words = [launcher, ...args, '--data', join(root, 'data')];
    execFile(process.execPath, words, options, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** The peer has all that is here now, and has refused nothing. */
export async function awaited(server: ServerProcess, peer: string, timeout = '60s'): Promise<void> {
  expect(await pando(server, 'peer', 'wait', peer, '--timeout', timeout)).toMatchObject({ code: 0 });
}

/** The same, and cheaper: of a site that nobody writes to, and whose server can be asked. */
export async function settled(server: ServerProcess, peer: string): Promise<void> {
  const ask = async () => (await server.fetch(`/admin/replication/peers/${peer}`)).json() as Promise<PeerState>;
  const done: Partial<PeerState> = { lag_entries: 0, needs_resync: false, dead_letters: 0 };
  await vi.waitFor(async () => expect(await ask()).toMatchObject(done), { timeout: SETTLED_MS_MAX, interval: 20 });
}

interface PeerState {
  readonly state: string;
  readonly lag_entries: number;
  readonly needs_resync: boolean;
  readonly dead_letters: number;
  readonly last_error: string | null;
}

export interface Status {
  readonly events_queued: number;
  readonly events_replicated: number;
  readonly events_failed: number;
  readonly depth: number;
  readonly dropped: number;
  readonly dead_letters: number;
  readonly parked: number;
  readonly peers: readonly PeerState[];
}

/** What it tells of replication; its sums are right whenever it is asked. */
export async function statusOf(server: ServerProcess): Promise<Status> {
  const status = (await (await server.fetch('/admin/replication/status')).json()) as Status;
  const { events_queued, events_replicated, events_failed, depth, dead_letters, dropped } = status;
  expect([events_queued, events_failed, dropped]).toEqual([events_replicated + events_failed + depth, dead_letters, 0]);
  return status;
}

/** All names of a scope, with their ETags. */
export async function listingOf(server: ServerProcess, scope: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let after: string | undefined = ''; after !== undefined; ) {
    const answer = await server.fetch(`/${scope}?max-keys=1000&start-after=${encodeURIComponent(after)}`);
    const page = (await answer.json()) as { objects: { name: string; etag: string }[]; nextStartAfter?: string };
    for (const { name, etag } of page.objects) found.set(name, etag);
    after = page.nextStartAfter;
  }
  return found;
}

/** Every byte of an object, as its hash; undefined: it is not there. */
export async function hashOf(server: ServerProcess, path: string): Promise<string | undefined> {
  const answer = await server.fetch(path);
  const hash = createHash('sha256');
  for await (const chunk of answer.body ?? []) hash.update(chunk);
  return answer.status === 200 ? hash.digest('hex') : undefined;
}

/** Does the work for each, so many at once. */
export async function forEachAtOnce<T>(
  items: Iterable<T>,
  workers: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const run = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: workers }, run));
}

/** What a long test found, for whoever runs it. */
export function report(line: string): void {
  if (isSoak) process.stderr.write(`${line}\n`);
}
