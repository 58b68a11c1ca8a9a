import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putAll, SiteNetwork, type Way } from './site-network.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const WRITES = soak ? 2_000 : 12;
const CLASHES = soak ? 200 : 4;

const POLICIES = '  conflicts: {both: keep-both, strict: reject}\n';

const numbered = (count: number, begin: string): [string, string][] =>
  Array.from({ length: count }, (_, at) => [`${begin}-${at}`, `text ${at} of ${begin}`]);

/** How often the bytes of each change came to a site, and how often it said that it had considered it before. */
function deliveriesTo(network: SiteNetwork, site: string): { arrived: Map<string, number>; duplicates: number } {
  const arrived = new Map<string, number>();
  let duplicates = 0;
  for (const { to, proxy } of network.ways) {
    if (to !== site) continue;
    for (const { dot, outcome, withBytes } of proxy.take()) {
      if (outcome === 'duplicate') duplicates++;
      else if (withBytes) arrived.set(dot, (arrived.get(dot) ?? 0) + 1);
    }
  }
  return { arrived, duplicates };
}

/** Each change made elsewhere comes to each site once, with its bytes; nothing else comes. */
function expectOnce(network: SiteNetwork, writes: number): void {
  const others = network.names.length - 1;
  for (const name of network.names) {
    const { arrived, duplicates } = deliveriesTo(network, name);
    expect([name, duplicates, arrived.size, new Set(arrived.values())]).toEqual([
      name,
      0,
      writes * others,
      new Set([1]),
    ]);
  }
}

async function writeEverywhere(network: SiteNetwork): Promise<void> {
  await network.settle();
  for (const { proxy } of network.ways) proxy.take();
  await Promise.all(network.names.map((name) => putAll(network.at(name), 'w', numbered(WRITES, name))));
  await network.settle();
  expectOnce(network, WRITES);
  expect(await network.agreed('w')).toHaveLength(WRITES * network.names.length);
  // Had anything gone on, it would be among what comes with the next.
  const [first = ''] = network.names;
  expect((await network.at(first).put('/w/last', 'last')).status).toBe(200);
  await network.settle();
  const last = network.names.map((name) => deliveriesTo(network, name));
  expect(last.map(({ duplicates, arrived }) => [duplicates, ...arrived.values()])).toEqual(
    network.names.map((name) => (name === first ? [0] : [0, 1])),
  );
}

describe('three sites in a ring, each telling the next', { timeout: 600_000 }, () => {
  it('have what is written at any of them, by one delivery each, and are silent then', async () => {
    const ways: Way[] = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
    ];
    await using ring = await SiteNetwork.start(['a', 'b', 'c'], ways);
    await writeEverywhere(ring);
  });
});

describe('four sites that all tell each other', { timeout: 1_800_000 }, () => {
  const names = ['a', 'b', 'c', 'd'];
  const ways = names.flatMap((from) => names.filter((to) => to !== from).map((to): Way => [from, to]));
  let mesh: SiteNetwork;
  beforeAll(async () => {
    mesh = await SiteNetwork.start(names, ways, POLICIES);
  });
  afterAll(async () => {
    await mesh[Symbol.asyncDispose]();
  });
  const across = () => mesh.ways.filter(({ from, to }) => 'ab'.includes(from) !== 'ab'.includes(to));
  const remove = async (site: string, path: string): Promise<void> => {
    expect((await mesh.at(site).fetch(path, { method: 'DELETE' })).status).toBe(204);
  };
  const conflictsAt = async (site: string, scope: string) => {
    const answer = await mesh.at(site).fetch(`/admin/conflicts?scope=${scope}`);
    const told = (await answer.json()) as { conflicts: { name: string; lost: { name: string }[] }[] };
    return told.conflicts.map(({ name, lost }) => ({ name, lost: lost.map((one) => one.name) }));
  };

  it('have what is written at any of them, by one delivery each, and are silent then', async () => {
    await writeEverywhere(mesh);
  });

  it('decide alike what was written on both sides of a cut', async () => {
    const scopes = ['last', 'both', 'strict'];
    const seen = numbered(CLASHES, 'seen');
    for (const scope of scopes) await putAll(mesh.at('a'), scope, seen);
    await mesh.settle();
    for (const { proxy } of across()) proxy.close();
    for (const scope of scopes) {
      for (const [name] of numbered(CLASHES, 'clash')) {
        for (const site of ['a', 'c']) await mesh.at(site).put(`/${scope}/${name}`, `${name} at ${site}`);
      }
      await putAll(mesh.at('b'), scope, numbered(CLASHES, 'of-b'));
      await putAll(mesh.at('d'), scope, numbered(CLASHES, 'of-d'));
      // Deleted here, written there.
      for (const [name] of seen) {
        await remove('b', `/${scope}/${name}`);
        expect((await mesh.at('d').put(`/${scope}/${name}`, `${name} again`)).status).toBe(200);
      }
    }
    for (const { proxy } of mesh.ways) proxy.take();
    for (const { proxy } of across()) proxy.open();
    await mesh.settle();
    const came = across().flatMap(({ proxy }) => proxy.take());
    const duplicates = came.filter(({ outcome }) => outcome === 'duplicate');
    process.stdout.write(`after the cut ${came.length} entries came across, ${duplicates.length} of them duplicates\n`);
    for (const scope of scopes) {
      const listed = (await mesh.agreed(scope)).map(({ name }) => name);
      expect(listed).toHaveLength((scope === 'both' ? 5 : 4) * CLASHES);
      for (const [name] of seen) expect(await mesh.at('b').text(`/${scope}/${name}`)).toBe(`${name} again`);
      const conflicts = await conflictsAt('a', scope);
      expect(conflicts.map(({ name }) => name)).toEqual(
        numbered(CLASHES, 'clash')
          .map(([name]) => name)
          .sort(),
      );
      for (const site of names) expect(await conflictsAt(site, scope)).toEqual(conflicts);
      for (const { name, lost } of conflicts) {
        const kept = await Promise.all([name, ...lost].map((one) => mesh.at('d').text(`/${scope}/${one}`)));
        expect(new Set(kept)).toEqual(new Set([`${name} at a`, `${name} at c`]));
        expect(listed.includes(lost[0] ?? '')).toBe(scope === 'both');
      }
    }
  });

  it('keep what a purge at one of them has not seen, and nothing that it has', async () => {
    for (const site of ['a', 'b', 'd']) await putAll(mesh.at(site), 'p', numbered(WRITES, `${site}-old`));
    await mesh.settle();
    let isPurged = false;
    const after: string[] = [];
    const writing = ['a', 'b', 'd'].map(async (site) => {
      for (let at = 0; at < WRITES || !isPurged; at++) {
        // Half of them over what the purge may have seen.
        const name = at % 2 === 0 ? `${site}-old-${at % WRITES}` : `${site}-new-${at}`;
        const isAfter = isPurged;
        expect((await mesh.at(site).put(`/p/${name}`, `${site} ${at}`)).status).toBe(200);
        if (isAfter) after.push(name);
      }
      for (const end of ['end-1', 'end-2']) {
        expect((await mesh.at(site).put(`/p/${site}-${end}`, end)).status).toBe(200);
        after.push(`${site}-${end}`);
      }
    });
    const purged = await mesh.at('c').fetch('/admin/p/objects?confirm=true', { method: 'DELETE' });
    expect(purged.status).toBe(200);
    isPurged = true;
    await Promise.all(writing);
    await mesh.settle();
    const left = new Set((await mesh.agreed('p')).map(({ name }) => name));
    expect(after.filter((name) => !left.has(name))).toEqual([]);
    // Odd ones were seen by the purge, and never written again.
    const seen = ['a', 'b', 'd'].flatMap((site) => Array.from({ length: WRITES }, (_, at) => `${site}-old-${at}`));
    expect(seen.filter((name) => Number(name.split('-')[2]) % 2 === 1 && left.has(name))).toEqual([]);
    for (const name of left) expect(await mesh.at('c').text(`/p/${name}`)).toBe(await mesh.at('a').text(`/p/${name}`));
  });
});
