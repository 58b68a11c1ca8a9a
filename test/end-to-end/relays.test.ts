import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planNewRule } from '../../src/client/plan.ts';
import { RuleWorld } from './rule-world.ts';

/** Bytes of `data` come to `end` by way of `first` and `second` only. */
const CHAIN = {
  data: 'distance: {second: none, end: none}',
  first: 'relay: 1\ndistance: {end: none}',
  second: 'relay: 1',
  end: 'site: CERN',
};

/** Either of two relays will do; `near` is the cheaper one. */
const FORK = {
  data: 'distance: {end: none, near: 1, far: 5}',
  near: 'relay: 1',
  far: 'relay: 1',
  end: 'site: CERN',
};

async function open(stores: Readonly<Record<string, string>>, terms = {}): Promise<{ world: RuleWorld; rule: number }> {
  const world = new RuleWorld(stores);
  await world.put('data', 'x', 'bytes');
  return { world, rule: await world.rule('data:x', { copies: 1, stores: 'end', ...terms }) };
}

async function breakStore(world: RuleWorld, store: string): Promise<void> {
  rmSync(join(world.root, store), { recursive: true });
  writeFileSync(join(world.root, store), 'not a directory');
}

async function stateOf(world: RuleWorld, rule: number) {
  return (await (await world.pando.catalog()).readRule(rule))?.state;
}

test('bytes that no link brings to a store come by way of relays, where nothing of them stays', async () => {
  const { world, rule } = await open(CHAIN);
  await using _ = world;
  await world.work();
  expect(await stateOf(world, rule)).toBe('OK');
  expect(['first', 'second', 'end'].map((store) => world.filesAt(store))).toEqual([[], [], ['x']]);
  const catalog = await world.pando.catalog();
  const object = await catalog.readObject('data', 'x');
  expect(object?.replicas.map(({ state }) => state)).toEqual(['AVAILABLE', 'AVAILABLE']);
});

test('a plan tells each link of the way, and what passes through the relays', async () => {
  await using world = new RuleWorld(CHAIN);
  await world.put('data', 'x', 'bytes');
  const signal = new AbortController().signal;
  const terms = { copies: 1, stores: 'end' };
  const planned = await planNewRule(
    world.pando,
    { actor: world.actor, scope: undefined, signal },
    { targets: ['data:x'], terms },
  );
  expect(planned).toMatchObject({ copies: 1, copiedBytes: 5 });
  expect(planned.links.map(({ from, to }) => `${from} to ${to}`)).toEqual([
    'data to first',
    'first to second',
    'second to end',
  ]);
  expect(planned.stores).toMatchObject([
    { store: 'end', copies: 1, bytes: 5, passing: 0 },
    { store: 'first', copies: 0, bytes: 0, passing: 1, passingBytes: 5 },
    { store: 'second', copies: 0, bytes: 0, passing: 1, passingBytes: 5 },
  ]);
});

test('a source expression names where bytes come from, not what they pass', async () => {
  const { world, rule } = await open(CHAIN, { source: 'data' });
  await using _ = world;
  await world.work();
  expect(await stateOf(world, rule)).toBe('OK');
});

test('a relay that fails is left out, and another one passed', async () => {
  const { world, rule } = await open(FORK);
  await using _ = world;
  await breakStore(world, 'near');
  await world.work();
  expect(await stateOf(world, rule)).toBe('OK');
  expect([world.filesAt('far'), world.filesAt('end')]).toEqual([[], ['x']]);
});

test('where every relay fails the rule is stuck, and explain tells why and when it is tried again', async () => {
  const { world, rule } = await open(FORK);
  await using _ = world;
  await breakStore(world, 'near');
  await breakStore(world, 'far');
  await world.work();
  expect(await stateOf(world, rule)).toBe('STUCK');
  const explained = await world.explain('data:x');
  expect(explained).toMatchObject({ copies: [{ store: 'end', lock: 'STUCK' }] });
  const [copy] = 'copies' in explained ? explained.copies : [];
  expect(copy?.why).toContain('near: a copy there, on the way, failed');
  expect(copy?.nextMs).toBeGreaterThan(0);
});
