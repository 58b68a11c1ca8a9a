import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { resolve } from '../../src/client/explain.ts';
import { readStoreUse } from '../../src/client/store-use.ts';
import { CATALOGS, useCatalogs } from '../servers/use-catalogs.ts';
import { RuleWorld } from './rule-world.ts';

const AWAY_AFTER_MS = 1_000;
const AWAY_AFTER = 'away_after: 1s';

const move = (world: RuleWorld, from: string, to: string) => renameSync(join(world.root, from), join(world.root, to));
const takeAway = (world: RuleWorld, store: string) => move(world, store, `${store}.away`);
const bringBack = (world: RuleWorld, store: string) => move(world, `${store}.away`, store);

async function copiesOf(world: RuleWorld, object: string): Promise<Readonly<Record<string, string>>> {
  const told = await world.explain(object);
  if (told.kind !== 'object') throw new Error(`${object} is no object`);
  const rules = told.replicas.filter(({ store }) => store !== 'data');
  return Object.fromEntries(rules.map(({ store, state, because }) => [store, `${state} ${because.join(', ')}`]));
}

async function ruleState(world: RuleWorld, rule: number): Promise<string> {
  return (await (await world.pando.catalog()).readRule(rule))?.state ?? 'gone';
}

async function countsAreTrue(world: RuleWorld, rule: number): Promise<void> {
  const catalog = await world.pando.catalog();
  const locks = await catalog.listLocks({ rule, limit: 1_000 });
  const count = (state: string) => locks.filter(({ lock }) => lock.state === state).length;
  const counts = { ok: count('OK'), replicating: count('REPLICATING'), stuck: count('STUCK') };
  expect((await catalog.readRule(rule))?.counts).toEqual(counts);
}

async function open(
  stores: Readonly<Record<string, string>>,
  names: readonly string[],
  catalog?: string,
): Promise<RuleWorld> {
  const world = new RuleWorld({ data: '', ...stores }, '', catalog);
  for (const name of names) await world.put('data', name, `bytes of ${name}`);
  return world;
}

describe.each(CATALOGS)('a store that stays away, on %s', (kind) => {
  const catalogUrl = useCatalogs(kind);

  test('has its copies told as away, then brought elsewhere, and when it is back the surplus goes', async () => {
    const stores = { ch: `${AWAY_AFTER}\ngreedy: true`, us: '', jp: '' };
    await using world = await open(stores, ['a', 'b', 'g1', 'g2'], await catalogUrl());
    const terms = { copies: 2, stores: 'ch|us|jp', prefer: ['ch', 'us'] };
    const alone = await world.rule('data:?', { ...terms, grouping: 'none' });
    const together = await world.rule('data:g?', { ...terms, grouping: 'all' });
    await world.workHere();
    expect(await copiesOf(world, 'data:a')).toEqual({ ch: `AVAILABLE rule ${alone}`, us: `AVAILABLE rule ${alone}` });

    takeAway(world, 'ch');
    await world.workHere();
    expect(await copiesOf(world, 'data:a')).toMatchObject({ ch: `TEMPORARY_UNAVAILABLE rule ${alone}` });
    expect(await ruleState(world, alone)).toBe('OK');
    const { away } = await readStoreUse(world.pando, 'ch');
    expect(away).toEqual({ sinceMs: expect.any(Number), areCopiesUnavailable: false });
    const had = await resolve(world.pando, 'data:a', undefined);
    expect(had.replicas.map(({ store }) => store).toSorted()).toEqual(['data', 'us']);
    expect(had.passedOver).toEqual([{ store: 'ch', why: 'it is TEMPORARY_UNAVAILABLE' }]);

    await sleep(AWAY_AFTER_MS);
    await world.workHere();
    for (const [name, rule] of [
      ['a', alone],
      ['b', alone],
      ['g1', together],
      ['g2', together],
    ] as const) {
      expect(await copiesOf(world, `data:${name}`)).toEqual({
        ch: 'UNAVAILABLE no rule asks for it',
        us: `AVAILABLE rule ${rule}`,
        jp: `AVAILABLE rule ${rule}`,
      });
    }
    expect((await readStoreUse(world.pando, 'ch')).away).toEqual({ ...away, areCopiesUnavailable: true });
    for (const rule of [alone, together]) {
      expect(await ruleState(world, rule)).toBe('OK');
      await countsAreTrue(world, rule);
    }

    bringBack(world, 'ch');
    await world.workHere();
    expect(await readStoreUse(world.pando, 'ch')).toMatchObject({ away: undefined, use: { completedBytes: 0 } });
    expect(world.filesAt('ch')).toEqual([]);
    for (const store of ['us', 'jp']) expect([...world.filesAt(store)].toSorted()).toEqual(['a', 'b', 'g1', 'g2']);
    const events = await (await world.pando.catalog()).listEvents({ limit: 100 });
    expect(events.map((one) => one.kind).filter((one) => one.startsWith('store-'))).toEqual([
      'store-became-unreachable',
      'store-stayed-unreachable',
      'store-answered-again',
    ]);
  });
});

test('a store that stays away and has the only place for a copy is waited for, with the reason, and has what it had', async () => {
  const names = ['kept', 'gone', 'other'];
  await using world = await open({ ch: AWAY_AFTER, us: '', jp: '' }, names);
  const rule = await world.rule('data:*', { copies: 2, stores: 'ch|us' });
  const patient = await world.rule('data:kept', { copies: 1, stores: 'jp|us', prefer: ['jp'] });
  await world.workHere();
  for (const store of ['ch', 'jp']) takeAway(world, store);
  await world.workHere();
  await sleep(AWAY_AFTER_MS);
  await world.workHere();
  // Nobody said after how long it is away for long.
  expect(await copiesOf(world, 'data:kept')).toMatchObject({ jp: `TEMPORARY_UNAVAILABLE rule ${patient}` });
  expect(await ruleState(world, patient)).toBe('OK');
  expect(await ruleState(world, rule)).toBe('STUCK');
  await countsAreTrue(world, rule);
  const told = await world.explain('data:kept');
  if (told.kind !== 'object') throw new Error('it is no object');
  expect(told.copies).toMatchObject([
    {
      store: 'ch',
      lock: 'STUCK',
      why: expect.stringMatching(/its store has not answered since 20/),
      nextMs: undefined,
    },
  ]);
  expect((await world.explain(String(rule))) as object).toMatchObject({
    why: '1 of 2 copies has no place (not answering for long: ch)',
  });
  expect(told.replicas.find(({ store }) => store === 'ch')).toMatchObject({
    state: 'UNAVAILABLE',
    policyStatus: 'FAILED',
    storeMarks: [expect.stringMatching(/^has not answered since/)],
  });

  const fileOf = async (name: string) => {
    const object = await (await world.pando.catalog()).readObject('data', name);
    return object?.replicas.find(({ store }) => store.includes('/ch/'))?.place ?? '';
  };
  const kept = await fileOf('kept');
  const before = statSync(join(world.root, 'ch.away', kept));
  rmSync(join(world.root, 'ch.away', await fileOf('gone')));
  writeFileSync(join(world.root, 'ch.away', await fileOf('other')), 'bytes of nobody');
  bringBack(world, 'jp');
  bringBack(world, 'ch');
  await world.workHere();
  expect(await ruleState(world, rule)).toBe('OK');
  await countsAreTrue(world, rule);
  for (const name of names)
    expect(await copiesOf(world, `data:${name}`)).toMatchObject({
      ch: `AVAILABLE rule ${rule}`,
      us: `AVAILABLE rule ${rule}`,
    });
  expect(await copiesOf(world, 'data:kept')).toMatchObject({ jp: `AVAILABLE rule ${patient}` });
  // It was looked at, and nothing was brought.
  expect(statSync(join(world.root, 'ch', kept)).ino).toBe(before.ino);
});
