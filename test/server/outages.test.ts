import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerProcess } from './server-process.ts';
import { awaited, forEachAtOnce, isSoak, listingOf, pando, report, settled, SitePair, statusOf } from './site-pair.ts';

const WRITERS = 8;
/** Of so many objects, and no more, one in fifty is fetched. */
const LARGE_UP_TO = 5_000;
/** A server that is told to stop gives requests 10 s. */
const STOP_MS_MAX = 20_000;

/** Objects of many names, and what clients were told of them. */
class Writes {
  /** Names that were acknowledged, with the ETag. */
  readonly acknowledged = new Map<string, string>();
  /** Names that were sent, and not answered with 200. */
  readonly unknown = new Set<string>();
  readonly statuses = new Set<number>();
  #next = 0;

  async write(server: ServerProcess): Promise<void> {
    const at = this.#next++;
    const name = `o-${String(at).padStart(6, '0')}`;
    this.unknown.add(name);
    const answer = await server.put(
      `/w/${name}`,
      `text ${at} ${'.'.repeat(at % 50 === 49 && at < LARGE_UP_TO ? 1_500_000 : 0)}`,
    );
    await answer.arrayBuffer();
    this.statuses.add(answer.status);
    if (answer.status !== 200) return;
    this.acknowledged.set(name, answer.headers.get('etag') ?? '');
    this.unknown.delete(name);
  }

  many(server: ServerProcess, count: number): Promise<void> {
    return forEachAtOnce(Array.from({ length: count }), WRITERS, () => this.write(server));
  }

  /** Until it is over, at whatever the pair's server is then; one that is away is asked again. */
  async load(pair: SitePair, isOver: () => boolean): Promise<void> {
    const run = async (): Promise<void> => {
      while (!isOver()) await this.write(pair.a).catch(() => new Promise((done) => setTimeout(done, 20)));
    };
    await Promise.all(Array.from({ length: WRITERS }, run));
  }

  /** All that was acknowledged is there, and nothing that nobody wrote. */
  async expectAt(server: ServerProcess): Promise<void> {
    const there = await listingOf(server, 'w');
    const lost = [...this.acknowledged].filter(
      ([name, etag]) => there.get(name)?.replaceAll('"', '') !== etag.replaceAll('"', ''),
    );
    const foreign = [...there.keys()].filter((name) => !this.acknowledged.has(name) && !this.unknown.has(name));
    expect({ lost: lost.length, foreign: foreign.length }).toEqual({ lost: 0, foreign: 0 });
  }
}

describe('a site that another one follows', () => {
  let pair: SitePair;
  beforeEach(async () => {
    pair = await SitePair.open();
  });
  afterEach(() => pair[Symbol.asyncDispose]());

  it.each(isSoak ? [12_000, 200_000] : [500])(
    'that writes %i objects while the other is down loses none',
    async (count) => {
      const writes = new Writes();
      await writes.many(pair.a, 10);
      await settled(pair.a, 'b');
      expect(await pair.b.end('SIGTERM')).toBe(0);
      const startedMs = performance.now();
      await writes.many(pair.a, count);
      const writtenMs = performance.now();
      expect([...writes.statuses]).toEqual([200]);
      expect((await statusOf(pair.a)).depth).toBe(count);
      await pair.restart('b');
      const upMs = performance.now();
      await awaited(pair.a, 'b', '30m');
      const s = (fromMs: number, toMs: number): string => ((toMs - fromMs) / 1000).toFixed(1);
      const endedMs = performance.now();
      report(
        `${count} objects: written in ${s(startedMs, writtenMs)} s, at the peer ${s(upMs, endedMs)} s after it was up`,
      );
      for (const server of [pair.a, pair.b]) await writes.expectAt(server);
      expect(await statusOf(pair.a)).toMatchObject({ events_replicated: count + 10, events_failed: 0, depth: 0 });
    },
  );

  it('and is told to stop under load, as the other is, ends with 0, and nothing is lost', async () => {
    const writes = new Writes();
    let isOver = false;
    const loading = writes.load(pair, () => isOver);
    const stop = async (which: 'a' | 'b'): Promise<number> => {
      const before = writes.acknowledged.size;
      await expect.poll(() => writes.acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(before + 120);
      await expect.poll(async () => (await statusOf(pair.a)).peers[0]?.state, { timeout: 30_000 }).toBe('active');
      const startedMs = performance.now();
      expect(await pair[which].end('SIGTERM')).toBe(0);
      const tookMs = performance.now() - startedMs;
      expect(tookMs).toBeLessThan(STOP_MS_MAX);
      // Who stops has not been left by anybody.
      if (which === 'a') expect((await pando(pair.a, 'peer', 'show', 'b')).stdout).not.toMatch(/parked/);
      await pair.restart(which);
      return tookMs;
    };
    const took: number[] = [];
    for (let turn = 0; turn < (isSoak ? 10 : 1); turn++) took.push(await stop('b'), await stop('a'));
    isOver = true;
    await loading;
    await settled(pair.a, 'b');
    for (const server of [pair.a, pair.b]) await writes.expectAt(server);
    expect([...writes.statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    report(
      `${writes.acknowledged.size} objects written while both stop ${took.length / 2} times, ${Math.round(Math.max(...took))} ms at worst`,
    );
  });

  it('tells one that is added while clients write of everything', async () => {
    const writes = new Writes();
    const { a, toB } = pair;
    expect(await pando(a, 'peer', 'rm', 'b')).toMatchObject({ code: 0 });
    await writes.many(a, 100);
    let isOver = false;
    const loading = writes.load(pair, () => isOver);
    const more = async (): Promise<void> => {
      const enough = writes.acknowledged.size + (isSoak ? 5_000 : 100);
      await expect.poll(() => writes.acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(enough);
    };
    for (let turn = isSoak ? 5 : 2; turn > 0; turn--) {
      await more();
      const words = ['peer', 'add', toB.url, '--name', 'b', '--direction', 'send'];
      expect(await pando(a, ...words)).toMatchObject({ code: 0 });
      await more();
      if (turn > 1) expect(await pando(a, 'peer', 'rm', 'b')).toMatchObject({ code: 0 });
    }
    isOver = true;
    await loading;
    await settled(a, 'b');
    for (const server of [a, pair.b]) await writes.expectAt(server);
    expect([...writes.statuses]).toEqual([200]);
    report(`${writes.acknowledged.size} objects, the peer added and removed while they were written`);
  });
});
