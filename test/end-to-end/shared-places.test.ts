import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RuleWorld } from './rule-world.ts';

const worlds: RuleWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world[Symbol.asyncDispose]();
});

/** Two scopes with an object of one name and the same bytes, and a store `p` where both have one place. */
async function openTwins(): Promise<RuleWorld> {
  const world = new RuleWorld({ s1: '', s2: '', p: 'paths: {algorithm: plain}', b: '' });
  worlds.push(world);
  for (const scope of ['s1', 's2']) await world.put(scope, 'd2', 'the same bytes');
  return world;
}

describe('two objects with one place', () => {
  it('never share a file: the second is refused with the name of the first, however equal their bytes are', async () => {
    const world = await openTwins();
    await world.rule('s1:d2', { copies: 1, stores: 'p' });
    await world.work();
    const second = await world.rule('s2:d2', { copies: 1, stores: 'p' });
    await world.work();
    const catalog = await world.pando.catalog();
    expect(await catalog.readRule(second)).toMatchObject({ state: 'STUCK', missingCopies: 1 });
    expect((await catalog.readRule(second))?.missingWhy).toContain('is that of "s1:d2"');
  });

  it('that share a file in an old catalog do not delete it for each other', async () => {
    const world = await openTwins();
    const first = await world.rule('s1:d2', { copies: 1, stores: 'p' });
    await world.work();
    const catalog = await world.pando.catalog();
    const [one, two] = [await catalog.readObject('s1', 'd2'), await catalog.readObject('s2', 'd2')];
    const p = [...world.pando.stores().values()].find(({ name }) => name === 'p')?.place;
    const shared = one?.replicas.find((replica) => replica.store === p);
    if (shared === undefined || two === undefined) throw new Error('there is no copy to share');
    const { versionId: _, store, ...to } = shared;
    await catalog.record({ replicas: [{ scope: 's2', name: 'd2', versionId: two.current.id, store, to }] });
    await (await world.rules()).remove(first, { purge: true });
    await world.work();
    const after = await catalog.readObject('s1', 'd2');
    expect(after?.replicas.filter((replica) => replica.store === store)).toEqual([]);
    expect(readFileSync(join(world.root, 'p/d2'), 'utf8')).toBe('the same bytes');
    expect((await catalog.listEvents({ limit: 100 })).map(({ kind }) => kind)).toContain('delete-left-other-bytes');
  });
});
