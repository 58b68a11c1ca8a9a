import { expect, test } from 'vitest';
import { Quotas } from '../../src/client/quotas.ts';
import { setStore } from '../../src/client/store-use.ts';
import type { ObjectExplanation, RuleExplanation } from '../../src/engine/explain/explanation.ts';
import { RuleWorld } from './rule-world.ts';

const STORES = { data: 'site: home', ch: 'site: CERN', us: 'site: BNL' };

/** A world with one object of 20 bytes at `data`. */
async function open(stores: Readonly<Record<string, string>> = STORES): Promise<RuleWorld> {
  const world = new RuleWorld(stores);
  await world.put('data', 'x', 'twenty bytes of text');
  return world;
}

async function explainRule(world: RuleWorld, id: number): Promise<RuleExplanation> {
  const explained = await world.explain(String(id));
  if (explained.kind !== 'rule') throw new Error('it is no rule');
  return explained;
}

async function explainObject(world: RuleWorld): Promise<ObjectExplanation> {
  const explained = await world.explain('data:x');
  if (explained.kind !== 'object') throw new Error('it is no object');
  return explained;
}

function expectSoon(world: RuleWorld, nextMs: number | undefined): void {
  const inMs = (nextMs ?? Number.NaN) - world.pando.clock.nowMs();
  expect(inMs).toBeGreaterThan(0);
  // The first waits are of minutes.
  expect(inMs).toBeLessThan(600_001);
}

/** The object and its rule tell the same sentence, and when it is looked at again. */
async function expectMissing(world: RuleWorld, rule: number, why: string | RegExp): Promise<RuleExplanation> {
  const explained = await explainRule(world, rule);
  expect(explained.why).toMatch(why);
  expectSoon(world, explained.nextMs);
  const { rules } = await explainObject(world);
  expect(rules.find((one) => one.rule.id === rule)).toMatchObject({ why: explained.why, nextMs: explained.nextMs });
  return explained;
}

test('no store: the sentence says how many copies have no place, and what the expression leaves out', async () => {
  await using world = await open();
  const rule = await world.rule('data:x', { copies: 2, stores: 'ch' });
  await world.work();
  await expectMissing(world, rule, /^1 of 2 copies has no place \(outside the expression: data, us\)$/);
});

test('no source: the sentence says of each store that has it why it cannot give it', async () => {
  await using world = await open();
  await setStore(world.pando, 'data', { read: false });
  await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.work();
  const { copies } = await explainObject(world);
  expect(copies).toMatchObject([
    {
      store: 'ch',
      lock: 'STUCK',
      why: 'no store can give it (data: it may not be read, or has no protocol for it)',
      rejected: [{ store: 'data', why: 'it may not be read, or has no protocol for it' }],
      attempts: [{ outcome: 'no-source' }],
    },
  ]);
  expectSoon(world, copies[0]?.nextMs);
  // Who says that it may be read again is answered at once.
  expect(await setStore(world.pando, 'data', { read: true })).toMatchObject({ hastened: 1 });
  await world.work();
  expect((await explainObject(world)).copies).toEqual([]);
  expect(world.filesAt('ch')).toEqual(['x']);
});

test('quota: the sentence names the stores where too little is left, and how much', async () => {
  await using world = await open();
  const { actor, pando } = world;
  const quotas = new Quotas({ catalog: await pando.catalog(), configuration: pando.configuration, actor });
  await quotas.set('jdoe', '*', 19);
  const rule = await world.rule('data:x', { copies: 1, stores: 'ch|us' });
  await world.work();
  const { rejected } = await expectMissing(world, rule, /without quota for it: ch, us/);
  expect(rejected).toContainEqual({ store: 'ch', why: '19 bytes of quota are left, and 20 are needed' });
  // Exactly enough is enough, and who waits is looked at again at once.
  await quotas.set('jdoe', '*', 20);
  await world.work();
  expect(await explainRule(world, rule)).toMatchObject({ why: undefined, rule: { state: 'OK' } });
  expect(await quotas.list('jdoe')).toMatchObject([{ usedBytes: 20, bytes: 20, stores: ['data', 'ch', 'us'] }]);
});

test('refused: the sentence names who does not accept it, and what it takes', async () => {
  await using world = await open({ ...STORES, ch: 'accepts: {max_object_size: 19}' });
  const rule = await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.work();
  const { rejected } = await expectMissing(world, rule, /not accepting it: ch/);
  expect(rejected).toEqual([{ store: 'ch', why: 'it takes objects of up to 19 bytes, and data:x has 20' }]);
});

test('write-blocked: before a copy has a place, and after', async () => {
  await using world = await open();
  await setStore(world.pando, 'ch', { write: false });
  const rule = await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.work();
  await expectMissing(world, rule, /not taking writes now: ch/);
  const waiting = await world.rule('data:x', { copies: 1, stores: 'ch|ch', ignoreAvailability: true });
  await world.work();
  const { copies } = await explainObject(world);
  expect(copies).toMatchObject([
    {
      store: 'ch',
      rules: [waiting],
      request: { state: 'WAITING' },
      why: 'ch: it takes no writes now: pando store set ch --write, or --as-configured',
    },
  ]);
  expectSoon(world, copies[0]?.nextMs);
  await setStore(world.pando, 'ch', { write: true });
  await world.work();
  expect((await explainObject(world)).copies).toEqual([]);
});

test('store unknown here: the sentence says so, before and after a worker looked', async () => {
  await using world = await open();
  const rule = await world.rule('data:x', { copies: 1, stores: 'ch' });
  // Placed by a worker that knows the store, and taken away before it was copied.
  await setStore(world.pando, 'ch', { write: false });
  await (await world.rules()).update(rule, { ignoreAvailability: true });
  await world.work();
  await world.reopen({ data: 'site: home', us: 'site: BNL' });
  expect((await explainObject(world)).copies).toMatchObject([{ store: 'ch', request: { state: 'WAITING' } }]);
  await (await world.pando.catalog()).askAgain([(await explainObject(world)).copies[0]?.request?.id ?? 0]);
  await world.work();
  const { copies, replicas } = await explainObject(world);
  expect(copies).toMatchObject([{ store: 'ch', why: 'no profile here names the store' }]);
  expectSoon(world, copies[0]?.nextMs);
  expect(replicas).toContainEqual(
    expect.objectContaining({ store: 'ch', state: 'COPYING', because: [`rule ${rule}`] }),
  );
});

test('a rule sums up what its copies wait for; an object that was deleted or never was is told as that', async () => {
  await using world = await open();
  await world.put('data', 'y', 'another');
  await setStore(world.pando, 'data', { read: false });
  const rule = await world.rule('data:*', { copies: 1, stores: 'ch' });
  await world.work();
  expect((await explainRule(world, rule)).waiting).toMatchObject([
    { store: 'ch', lock: 'STUCK', count: 2, why: expect.stringContaining('data: it may not be read') },
  ]);
  // Trying again in vain does not make it begin anew.
  await world.pando.clock.sleep(20);
  const before = (await explainObject(world)).copies[0]?.stuckMs ?? 0;
  expect(before).toBeGreaterThanOrEqual(20);
  await (await world.pando.catalog()).hasten({ fact: 'asked' });
  await world.work();
  const { copies } = await explainObject(world);
  expect(copies).toMatchObject([{ lock: 'STUCK' }]);
  expect(copies[0]?.stuckMs).toBeGreaterThanOrEqual(before);
  expect((await explainRule(world, rule)).waiting[0]?.stuckMs).toBeGreaterThanOrEqual(before);
  await expect(world.explain('data:z')).rejects.toThrow('there is no object data:z');
  await expect(world.explain('77')).rejects.toThrow('there is no rule 77');
});
