import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putAll, SiteNetwork } from './site-network.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const OBJECTS = soak ? 1_000 : 40;
const LARGE = 2 * 1024 * 1024;

describe('of two sites that tell each other', { timeout: 1_800_000 }, () => {
  let pair: SiteNetwork;
  beforeAll(async () => {
    const ways = [['a', 'b'] as const, ['b', 'a'] as const];
    pair = await SiteNetwork.start(['a', 'b'], ways, '  conflicts: {both: keep-both}\n');
  });
  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
  });
  const remove = async (site: string, path: string): Promise<void> => {
    expect((await pair.at(site).fetch(path, { method: 'DELETE' })).status).toBe(204);
  };
  const numbered = (begin: string): [string, string][] =>
    Array.from({ length: OBJECTS }, (_, at) => [`${begin}-${at}`, `text ${at} of ${begin}`]);

  it('one that was wiped has all again, by the same two peers, and brings back nothing that was deleted', async () => {
    await putAll(pair.at('a'), 's', numbered('of-a'));
    await putAll(pair.at('b'), 's', numbered('of-b'));
    await pair.at('b').put('/s/large', new Uint8Array(LARGE).fill(7));
    await pair.at('a').put('/s/gone', 'gone');
    await pair.settle();
    await remove('a', '/s/gone');
    await pair.settle();
    const before = await pair.agreed('s');
    expect(before).toHaveLength(2 * OBJECTS + 1);
    const { peers: was } = await pair.statusOf('a');
    await pair.end('b', 'SIGKILL');
    pair.wipe('b');
    await pair.begin('b');
    // What is written next finds out that the site has begun anew.
    expect((await pair.at('a').put('/s/after-a', 'after')).status).toBe(200);
    expect((await pair.at('b').put('/s/after-b', 'after')).status).toBe(200);
    await pair.settle();
    const after = await pair.agreed('s');
    const names = new Set(after.map(({ name, etag }) => `${name} ${etag}`));
    expect(before.filter(({ name, etag }) => !names.has(`${name} ${etag}`)).slice(0, 20)).toEqual([]);
    expect(after).toHaveLength(before.length + 2);
    expect((await (await pair.at('b').fetch('/s/large')).arrayBuffer()).byteLength).toBe(LARGE);
    const { peers: is } = await pair.statusOf('a');
    expect(is.map(({ name, direction }) => [name, direction])).toEqual([['b', 'both']]);
    expect(is[0]?.site).not.toBe(was[0]?.site);
  });

  it('one whose catalog was put back to an older copy loses nothing and shadows nothing', async () => {
    await putAll(pair.at('a'), 'both', numbered('before'));
    await pair.at('a').put('/both/gone', 'gone');
    await pair.at('a').put('/both/over', 'first');
    await pair.settle();
    await pair.end('a', 'SIGTERM');
    const [data, copy] = [pair.dataOf('a'), join(pair.at('a').root, 'copy')];
    cpSync(data, copy, { recursive: true });
    await pair.begin('a');
    await putAll(pair.at('a'), 'both', numbered('later'));
    await pair.at('a').put('/both/over', 'second');
    await remove('a', '/both/gone');
    await pair.at('b').put('/both/from-b', 'b');
    await pair.settle();
    await pair.end('a', 'SIGKILL');
    rmSync(data, { recursive: true });
    cpSync(copy, data, { recursive: true });
    // It hears of nothing it has forgotten, and the numbers it gave out for that would be its next.
    pair.way('b', 'a').close();
    const restored = await pair.begin('a');
    for (const name of ['later-0', 'later-1', 'fresh']) {
      expect((await restored.put(`/both/${name}`, `${name} after the restore`)).status).toBe(200);
    }
    pair.way('b', 'a').open();
    // With what comes next the peer finds out what it talks to.
    expect((await pair.at('b').put('/both/next', 'next')).status).toBe(200);
    await pair.settle();
    const names = (await pair.agreed('both')).map(({ name }) => name);
    const shown = names.filter((name) => !name.includes('.conflict-'));
    expect(new Set(shown)).toEqual(
      new Set([
        ...[...numbered('before'), ...numbered('later')].map(([name]) => name),
        'over',
        'from-b',
        'fresh',
        'next',
      ]),
    );
    for (const server of pair.all) {
      expect(await server.text('/both/over')).toBe('second');
      expect(await server.text('/both/fresh')).toBe('fresh after the restore');
      for (const [name, text] of numbered('later').slice(0, 2)) {
        const all = names.filter((one) => one === name || one.startsWith(`${name}.conflict-`));
        const texts = await Promise.all(all.map((one) => server.text(`/both/${one}`)));
        expect(new Set(texts)).toEqual(new Set([text, `${name} after the restore`]));
      }
    }
    for (const [site, peer] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const asked = await pair.at(site).fetch(`/admin/replication/peers/${peer}/resync`, { method: 'POST' });
      expect(asked.status).toBe(202);
    }
    await pair.settle();
    expect((await pair.agreed('both')).map(({ name }) => name)).toEqual(names);
    expect(await pair.at('a').text('/both/gone')).toBeUndefined();
  });
});
