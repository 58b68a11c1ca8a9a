import { createHash } from 'node:crypto';
import { setInterval as every, setTimeout as later } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { disorder } from '../servers/disorder.ts';
import { type PeerAnswer, passOn, type PeerRequest, type Treatment } from '../servers/peer-proxy.ts';
import type { ServerProcess } from './server-process.ts';
import { forEachAtOnce, hashOf, isSoak, listingOf, report, settled, SitePair } from './site-pair.ts';

const MIB = 1024 * 1024;
const SIZES = [0, 1, MIB - 1, MIB, isSoak ? 100 * MIB : 24 * MIB, ...(isSoak ? [5 * 1024 * MIB] : [])];
/** Every 100 ms for so long. */
const OVERWRITING_MS = isSoak ? 60_000 : 4_000;
const KEYS = isSoak ? 1_000 : 20;
const OVERWRITES = 20;
const WRITERS = 8;

/** Others for each version, and in each mebibyte. */
function* bodyOf(size: number, version: number): Generator<Uint8Array> {
  for (let at = 0; at < size; at += MIB) {
    const block = createHash('sha256').update(`${version} ${at}`).digest();
    yield new Uint8Array(Buffer.alloc(Math.min(size - at, MIB), block));
  }
}

function hashOfBody(size: number, version: number): string {
  const hash = createHash('sha256');
  for (const chunk of bodyOf(size, version)) hash.update(chunk);
  return hash.digest('hex');
}

async function put(server: ServerProcess, path: string, size: number, version: number): Promise<void> {
  const body = ReadableStream.from(bodyOf(size, version));
  const headers = { 'content-length': `${size}` };
  expect((await server.fetch(path, { method: 'PUT', body, headers, duplex: 'half' })).status).toBe(200);
}

const names = (entries: PeerRequest['entries']): readonly string[] =>
  entries.flatMap((entry) => (entry.kind === 'version' ? [entry.name] : []));

/** The first message with an object's bytes is held where it is: a batch before it comes, a fetch after its first bytes. */
function holdFirst(name: string) {
  const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const hold = async (): Promise<void> => {
    held.resolve();
    await released.promise;
  };
  async function* holding(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk;
      await hold();
    }
  }
  const ofBatch: Treatment = async ({ entries }, pass) => {
    if (names(entries).includes(name)) await hold();
    return pass();
  };
  const ofFetch: Treatment = async ({ route, path }, pass): Promise<PeerAnswer> => {
    const answer = await pass();
    const isHeld = route === 'versions' && path.includes(`name=${name}`) && !(answer.body instanceof Uint8Array);
    return isHeld ? { ...answer, body: holding(answer.body) } : answer;
  };
  return { held: held.promise, release: released.resolve, ofBatch, ofFetch };
}

/** All but when each site has found them. */
async function conflictsOf(server: ServerProcess): Promise<unknown> {
  const text = await (await server.fetch('/admin/conflicts?scope=storm')).text();
  return JSON.parse(text, (key, value: unknown) => (key === 'foundMs' ? undefined : value));
}

describe('objects that are overwritten while the other site gets them', () => {
  let pair: SitePair;
  beforeAll(async () => {
    pair = await SitePair.open({ isBothWays: true });
  });
  afterAll(() => pair[Symbol.asyncDispose]());
  beforeEach(() => {
    pair.toA.treat = passOn;
    pair.toB.treat = passOn;
  });

  it.each(SIZES)('are what was written last, at both: %i bytes', async (size) => {
    const { a, b, toA, toB } = pair;
    const holding = holdFirst(`of-${size}`);
    if (size < MIB) toB.treat = holding.ofBatch;
    else toA.treat = holding.ofFetch;
    const path = `/sizes/of-${size}`;
    const startedMs = performance.now();
    await put(a, path, size, 1);
    await holding.held;
    await put(a, path, size, 2);
    await put(a, `${path}-beside`, 10, size);
    // What is large holds up nothing that is small.
    if (size >= MIB)
      await expect.poll(() => hashOf(b, `${path}-beside`), { timeout: 20_000 }).toBe(hashOfBody(10, size));
    holding.release();
    await settled(a, 'b');
    report(`${size} bytes, written twice and at both sites: ${Math.round(performance.now() - startedMs)} ms`);
    const expected = hashOfBody(size, 2);
    expect([await hashOf(a, path), await hashOf(b, path)]).toEqual([expected, expected]);
  });

  it('come while they are overwritten, small and large', async () => {
    const { a, b, toA } = pair;
    // Fetching takes longer than the next version.
    toA.treat = async ({ route }, pass) => {
      if (route === 'versions') await later(250);
      return pass();
    };
    const padded = { small: '', large: ' '.repeat(MIB) };
    const kinds = ['small', 'large'] as const;
    const written = { small: -1, large: -1 };
    const seen = { small: new Set<number>(), large: new Set<number>() };
    const late = { small: 0, large: 0 };
    let isOver = false;
    const write = async (): Promise<void> => {
      let at = 0;
      for await (const _ of every(100)) {
        await Promise.all(kinds.map((kind) => a.put(`/often/${kind}`, `${at}${padded[kind]}`)));
        for (const kind of kinds) written[kind] = at;
        at++;
        if (at * 100 >= OVERWRITING_MS) break;
      }
      isOver = true;
    };
    const watch = async (): Promise<void> => {
      for await (const _ of every(50)) {
        if (isOver) return;
        for (const kind of kinds) {
          const before = written[kind];
          const there = await b.text(`/often/${kind}`);
          if (isOver) return;
          if (there !== undefined) seen[kind].add(Number.parseInt(there, 10));
          late[kind] = Math.max(late[kind], before - Number.parseInt(there ?? '0', 10));
        }
      }
    };
    await Promise.all([write(), watch()]);
    const versions = OVERWRITING_MS / 100;
    report(
      `${versions} versions, one every 100 ms: B showed ${seen.small.size} small and ${seen.large.size} large ones on the way, ` +
        `${late.small} and ${late.large} versions late at worst`,
    );
    expect(seen.small.size).toBeGreaterThan(versions / 8);
    expect(seen.large.size).toBeGreaterThan(versions / 16);
    for (const kind of kinds) expect(late[kind]).toBeLessThan(Math.max(25, versions / 10));
    await settled(a, 'b');
    for (const server of [a, b]) expect(await server.text('/often/small')).toBe(`${versions - 1}`);
    expect(await b.text('/often/large')).toBe(`${versions - 1}${padded.large}`);
  });

  it(`have their last value at both, ${OVERWRITES} times ${KEYS} of them, though messages come twice and in disorder`, async () => {
    const { a, b, toB } = pair;
    const way = disorder(1);
    toB.treat = way.treat;
    const keys = Array.from({ length: KEYS }, (_, at) => `key-${at}`);
    for (let version = 0; version < OVERWRITES; version++)
      await forEachAtOnce(keys, WRITERS, async (key) => {
        const text = `${key} ${version} ${'.'.repeat(version % 4 === 0 ? 30_000 : 0)}`;
        expect((await a.put(`/disorder/${key}`, text)).status).toBe(200);
      });
    await settled(a, 'b');
    await way.end();
    await settled(a, 'b');
    report(
      `${OVERWRITES} writes of each of ${KEYS} keys: ${toB.count('batch')} batches, ${way.repeated()} messages once more`,
    );
    expect(way.repeated()).toBeGreaterThan(0);
    const last = new Map(await Promise.all(keys.map(async (key) => [key, await a.text(`/disorder/${key}`)] as const)));
    for (const key of keys) expect(last.get(key)).toBe(`${key} ${OVERWRITES - 1} `);
    for (const key of keys) expect(await b.text(`/disorder/${key}`), key).toBe(last.get(key));
  });

  it('are put and deleted at both, in disorder: the ends are equal', async () => {
    const { a, b, toA, toB } = pair;
    const ways = [disorder(2), disorder(3)] as const;
    toA.treat = ways[0].treat;
    toB.treat = ways[1].treat;
    const storm = async (server: ServerProcess, site: string): Promise<void> => {
      const turns = Array.from({ length: isSoak ? 5_000 : 150 }, (_, turn) => turn);
      await forEachAtOnce(turns, WRITERS, async (turn) => {
        const path = `/storm/k${(turn * 7) % 5}`;
        const answer =
          turn % 3 === 2 ? await server.fetch(path, { method: 'DELETE' }) : await server.put(path, `${site} ${turn}`);
        expect([200, 204]).toContain(answer.status);
      });
    };
    await Promise.all([storm(a, 'a'), storm(b, 'b')]);
    await Promise.all([settled(a, 'b'), settled(b, 'a')]);
    await Promise.all(ways.map((way) => way.end()));
    await Promise.all([settled(a, 'b'), settled(b, 'a')]);
    const listings = [await listingOf(a, 'storm'), await listingOf(b, 'storm')] as const;
    expect(listings[0]).toEqual(listings[1]);
    for (const name of listings[0].keys()) expect(await a.text(`/storm/${name}`)).toBe(await b.text(`/storm/${name}`));
    const conflicts = await Promise.all([a, b].map(conflictsOf));
    expect(conflicts[0]).toEqual(conflicts[1]);
    report(`the storm left ${listings[0].size} of 5 keys`);
  });
});
