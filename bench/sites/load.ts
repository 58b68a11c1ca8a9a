import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, PutConnection } from './put-connection.ts';
import type { SitePair } from './site-pair.ts';

export interface Objects {
  /** Of their keys, which no other load of the pair has. */
  readonly prefix: string;
  readonly count: number;
  readonly load: Load;
  /** Connections, one request under way on each. */
  readonly writers: number;
}

export interface Followed {
  /** From the first request to the last answer. */
  readonly putSeconds: number;
  /** From the first request until all are listed at B. */
  readonly seconds: number;
}

const GIVEN_UP_MS = 600_000;
const NOTHING: Load = { bytes: Buffer.alloc(0), times: 1 };

/** Writes objects at A until all are at B. */
export async function writeAndFollow(pair: SitePair, objects: Objects): Promise<Followed> {
  const beganMs = performance.now();
  await write(pair, objects);
  const putSeconds = secondsSince(beganMs);
  const following = new Following(pair, objects);
  while (!(await following.look())) await sleep(20);
  return { putSeconds, seconds: secondsSince(beganMs) };
}

/** Writes all at A; B may be away. */
async function write(pair: SitePair, { prefix, count, load, writers }: Objects): Promise<void> {
  const size = load.bytes.length * load.times;
  await sendAll(pair, writers, count, (at) => ({ head: pair.head('PUT', keyOf(prefix, at), size), load }));
}

async function remove(pair: SitePair, { prefix, count, writers }: Objects): Promise<void> {
  await sendAll(pair, writers, count, (at) => ({ head: pair.head('DELETE', keyOf(prefix, at), 0), load: NOTHING }));
}

async function sendAll(
  pair: SitePair,
  connections: number,
  count: number,
  requestOf: (at: number) => { readonly head: string; readonly load: Load },
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    using connection = await PutConnection.open(pair.a);
    while (next < count) {
      const { head, load } = requestOf(next++);
      const status = await connection.send(head, load);
      if (status < 200 || status > 299) throw new Error(`${pair.name} answered ${status} to a write`);
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
}

/** Milliseconds from the answer of A until an object is at B, of objects that are written at a steady pace; in order of size. */
export async function measureLag(pair: SitePair, objects: Objects, perSecond: number): Promise<readonly number[]> {
  const { prefix, count, load } = objects;
  const lags: Promise<number>[] = [];
  using connection = await PutConnection.open(pair.a);
  const beganMs = performance.now();
  for (let at = 0; at < count; at++) {
    await sleep(Math.max(0, beganMs + (at * 1000) / perSecond - performance.now()));
    const key = keyOf(prefix, at);
    const status = await connection.send(pair.head('PUT', key, load.bytes.length * load.times), load);
    if (status !== 200) throw new Error(`${pair.name} answered ${status} to a write`);
    lags.push(untilAtB(pair, key));
  }
  return (await Promise.all(lags)).sort((a, b) => a - b);
}

async function untilAtB(pair: SitePair, key: string): Promise<number> {
  const writtenMs = performance.now();
  while (!(await pair.isAtB(key))) {
    if (performance.now() - writtenMs > GIVEN_UP_MS) throw new Error(`${key} does not come to the other site`);
    await sleep(pair.lookMs);
  }
  return performance.now() - writtenMs;
}

export interface CaughtUp {
  /** From the start of B's process until the first object is listed there. */
  readonly firstSeconds: number;
  /** From then on, until the last. */
  readonly perSecond: number;
}

/** B is killed, objects are written at A, B is started again. */
export async function catchUp(pair: SitePair, objects: Objects): Promise<CaughtUp> {
  await pair.killB();
  await write(pair, objects);
  const beganMs = performance.now();
  pair.restartB();
  const following = new Following(pair, objects);
  for (let first: { readonly atMs: number; readonly count: number } | undefined; ; await sleep(10)) {
    const isWhole = await following.look();
    const nowMs = performance.now();
    if (first === undefined && following.count > 0) first = { atMs: nowMs, count: following.count };
    if (first === undefined || !isWhole) continue;
    const seconds = Math.max(0.001, (nowMs - first.atMs) / 1000);
    return { firstSeconds: (first.atMs - beganMs) / 1000, perSecond: (objects.count - first.count) / seconds };
  }
}

/** B is killed, all objects are deleted at A, B is started again: how many deletes a second it takes from its first to its last. */
export async function catchUpDeletes(pair: SitePair, objects: Objects): Promise<number> {
  await pair.killB();
  await remove(pair, objects);
  pair.restartB();
  let begunMs: number | undefined;
  for (;;) {
    const [first] = (await listOf(pair, objects, objects.prefix)) ?? [keyOf(objects.prefix, 0)];
    if (begunMs === undefined && first !== keyOf(objects.prefix, 0)) begunMs = performance.now();
    if (begunMs !== undefined && first === undefined) return objects.count / secondsSince(begunMs);
    await sleep(20);
  }
}

/** Which of the objects are at B, asked for with as little as possible: the first ones without a gap are not asked for again. */
class Following {
  /** So many of the first ones are all there. */
  count = 0;
  readonly #pair: SitePair;
  readonly #objects: Objects;
  readonly #untilMs = performance.now() + GIVEN_UP_MS;

  constructor(pair: SitePair, objects: Objects) {
    this.#pair = pair;
    this.#objects = objects;
  }

  /** Whether all are there. */
  async look(): Promise<boolean> {
    const { prefix, count } = this.#objects;
    for (;;) {
      if (performance.now() > this.#untilMs)
        throw new Error(`${this.count} of ${count} objects have come to the other site of ${this.#pair.name}`);
      const after = this.count === 0 ? prefix : keyOf(prefix, this.count - 1);
      const page = (await listOf(this.#pair, this.#objects, after)) ?? [];
      const before = this.count;
      for (const key of page) if (key === keyOf(prefix, this.count)) this.count++;
      if (this.count === count) return true;
      if (this.count - before < page.length || page.length === 0) return false;
    }
  }
}

async function listOf(pair: SitePair, { prefix }: Objects, after: string): Promise<readonly string[] | undefined> {
  return (await pair.listAtB(after))?.filter((key) => key.startsWith(prefix));
}

function keyOf(prefix: string, at: number): string {
  return `${prefix}${String(at).padStart(7, '0')}`;
}

function secondsSince(beganMs: number): number {
  return (performance.now() - beganMs) / 1000;
}
