import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loseStore } from '../../src/client/lose-store.ts';
import { Policies } from '../../src/client/policies.ts';
import { declareBad } from '../../src/client/replicas.ts';
import { CATALOGS, useCatalogs } from '../servers/use-catalogs.ts';
import { RuleWorld } from './rule-world.ts';

const NAME = { scope: 'data', name: 'x' } as const;
const VOLUNTEER = 'accepts: {replicate: true}';
const STORES = { data: '', a: VOLUNTEER, b: VOLUNTEER, c: VOLUNTEER };

describe('the authoritative copy', () => {
  test.each([
    ['declared bad', (world: RuleWorld) => Array.fromAsync(declareBad(world.pando, { ...said(world), store: 'data' }))],
    ['found to be gone', forgetAtData],
  ])('is %s: the oldest good one takes its place, and the policy brings another', async (_, lose) => {
    await using world = await openCounted();
    await lose(world);
    expect(await endOf(world)).toMatchObject({ authoritative: 'a', good: ['a'], locks: ['a'], rule: 'INJECT' });
    await world.workHere();
    const end = await endOf(world);
    expect(end).toMatchObject({ authoritative: 'a', rule: 'OK', why: undefined });
    expect(end.good.filter((store) => store !== 'data')).toEqual(['a', ...end.locks]);
    expect(end.locks).toEqual([expect.stringMatching(/^[bc]$/)]);
    expect(end.because['a']).toEqual(['authoritative']);
    expect(end.moved).toEqual(['a']);

    // What comes back is a copy like any other.
    await world.rule('data:x', { copies: 1, stores: 'data' });
    await world.workHere();
    expect(await endOf(world)).toMatchObject({
      authoritative: 'a',
      good: ['a', ...end.locks, 'data'],
      locks: end.locks,
      moved: ['a'],
    });
  });

  test('stays where the policy brought it, even if that store keeps nothing that is released', async () => {
    await using world = await openCounted({ ...STORES, a: `${VOLUNTEER}\ngreedy: true` });
    await forgetAtData(world);
    await world.workHere();
    await world.workHere();
    const end = await endOf(world);
    expect(end).toMatchObject({ authoritative: 'a', good: ['a', ...end.locks], moved: ['a'] });
    // Without a policy it is a released copy like any other.
    await (await policiesOf(world)).set('data:x', policyOf(0));
    await world.workHere();
    expect((await endOf(world)).good).toHaveLength(1);
  });
});

describe.each(CATALOGS)('the authoritative copy, with the catalog on %s', (kind) => {
  const catalogUrl = useCatalogs(kind);

  test('is lost with its store, and before with another: two copies are besides it each time', async () => {
    await using world = await openCounted({ ...STORES, d: VOLUNTEER }, await catalogUrl());
    await (await policiesOf(world)).set('data:x', policyOf(2));
    await world.workHere();
    await Array.fromAsync(declareBad(world.pando, { ...said(world), store: 'data' }));
    await world.workHere();
    expect(await endOf(world)).toMatchObject({ authoritative: 'a', locks: [expect.anything(), expect.anything()] });
    await loseStore(world.pando, 'a');
    const before = await endOf(world);
    expect(before.locks).toContain(before.authoritative);
    await world.workHere();
    const end = await endOf(world);
    expect(end).toMatchObject({ rule: 'OK', authoritative: before.authoritative, moved: ['a', before.authoritative] });
    expect(end.locks).toHaveLength(2);
    expect(end.locks).not.toContain(end.authoritative);
    expect(end.good).toEqual([end.authoritative ?? '', ...end.locks].toSorted());
  });
});

/** `data:x`, authoritative at `data`, with one copy at `a` by its policy. */
async function openCounted(stores: Readonly<Record<string, string>> = STORES, catalog?: string): Promise<RuleWorld> {
  const world = new RuleWorld(stores, '', catalog);
  await world.put('data', 'x', 'bytes of x');
  await (await policiesOf(world)).set('data:x', policyOf(1));
  await world.workHere();
  expect(await endOf(world)).toMatchObject({ authoritative: 'data', good: ['a', 'data'] });
  return world;
}

function policyOf(number: number) {
  return { replicationAllowed: true, numberReplicas: number, preferredNodes: ['a'], blockedNodes: [] };
}

function said({ actor }: RuleWorld) {
  return { objects: ['data:x'], scope: undefined, actor };
}

async function policiesOf({ pando, actor }: RuleWorld): Promise<Policies> {
  return new Policies(pando, { catalog: await pando.catalog(), scope: undefined, actor });
}

/** As an audit, or whoever looks for the copy, records it. */
async function forgetAtData({ pando, root }: RuleWorld): Promise<void> {
  rmSync(join(root, 'data', 'x'));
  const catalog = await pando.catalog();
  const { current, replicas } = (await catalog.readObject('data', 'x')) ?? {};
  const store = replicas?.find(({ store: place }) => pando.stores().get(place)?.name === 'data')?.store ?? '';
  await catalog.record({ replicas: [{ ...NAME, versionId: current?.id ?? 0, store, to: 'drop' }] });
}

/** What `policy show` and `explain` tell, and which stores have the right bytes. */
async function endOf(world: RuleWorld) {
  const catalog = await world.pando.catalog();
  const nameOf = (place: string) => world.pando.stores().get(place)?.name ?? place;
  const { authoritative, rule, missing } = await (await policiesOf(world)).show('data:x');
  const explained = await world.explain('data:x');
  if (explained.kind !== 'object') throw new Error('it is no object');
  const good = explained.replicas.filter(({ state }) => state === 'AVAILABLE');
  for (const { store, place } of good) expect(readFileSync(join(world.root, store, place), 'utf8')).toBe('bytes of x');
  const locks = await catalog.listLocks({ name: NAME, limit: 100 });
  const events = await catalog.listEvents({ limit: 1000, scope: 'data' });
  return {
    authoritative,
    rule: rule?.state,
    why: missing,
    good: good.map(({ store }) => store).toSorted(),
    because: Object.fromEntries(explained.replicas.map(({ store, because }) => [store, because])),
    locks: locks
      .filter((lock) => lock.rule === rule?.id)
      .map(({ store }) => nameOf(store))
      .toSorted(),
    moved: events.filter((one) => one.kind === 'authority-moved').map(({ store = '' }) => nameOf(store)),
  };
}
