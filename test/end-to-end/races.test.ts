import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RuleTerms } from '../../src/client/rule-order.ts';
import { evaluateRules } from '../../src/engine/rules/evaluate-rules.ts';
import { deleteReleased } from '../../src/engine/releases/delete-released.ts';
import { ReleaseLooks } from '../../src/engine/releases/release-looks.ts';
import { freeBytesOf } from '../../src/engine/releases/free-bytes.ts';
import type { RuleWorkPorts } from '../../src/engine/rules/keep-rules.ts';
import { runTransfers } from '../../src/engine/transfers/run-transfers.ts';
import type { Lease } from '../../src/ports/catalog.ts';
import { CATALOGS, shareOf, useCatalogs } from '../servers/use-catalogs.ts';
import { asExternal, HandTool } from './hand-tool.ts';
import { heldAt, heldBefore, overCatalog, placeOf } from './held-ports.ts';
import { RuleWorld } from './rule-world.ts';

const STORES = { data: 'site: home', ch: 'site: CERN', us: 'site: BNL' };
const BODY = 'twenty bytes of text';
const MANY = process.env['PANDO_SOAK'] === '1' ? 400 : 30;
const ORDERS = [
  ['pushed twice, then polled twice', 'push'],
  ['polled twice, then pushed twice', 'poll'],
] as const;

const MOMENTS = [
  ['is planned, and not begun', async (world: RuleWorld) => heldBefore(world, 'chooseSources')],
  ['reads its source', async (world: RuleWorld) => heldAt(world, 'data')],
  ['has published, and not recorded, its copy', async (world: RuleWorld) => heldBefore(world, 'settleTransfers')],
] as const;

describe.each(CATALOGS)('at the same moment, on %s:', (kind) => {
  const catalogUrl = useCatalogs(kind);

  /** With an object `x` at `data`. */
  async function open(): Promise<RuleWorld> {
    const world = new RuleWorld(STORES, '', await catalogUrl());
    await world.put('data', 'x', BODY);
    return world;
  }

  test.each(shareOf(kind, [0, 1]))(
    'two rules share a copy under way, and number %i of them is deleted',
    async (gone) => {
      await using world = await open();
      const ids = [await world.rule('data:x', at('ch')), await world.rule('data:x', { ...at('ch'), copies: 2 })];
      const other = ids[1 - gone] ?? 0;
      const { ports, ...held } = await heldAt(world, 'data');
      await evaluate(ports);
      expect(await requestsOf(world)).toMatchObject([{ state: 'QUEUED' }]);
      const running = transfer(ports);
      await held.reached();
      await (await world.rules()).remove(ids[gone] ?? 0);
      await evaluate(ports);
      expect(await stateOf(world)).toMatchObject({
        replicas: ['ch COPYING', 'data AVAILABLE'],
        locks: [[other, 'ch', 'REPLICATING']],
      });
      held.open();
      expect(await running).toMatchObject({ done: 1, postponed: 0 });
      expect(await stateOf(world)).toMatchObject({
        replicas: ['ch AVAILABLE', 'data AVAILABLE'],
        locks: [[other, 'ch', 'OK']],
      });
      expect(world.filesAt('ch')).toEqual(['x']);
      expect(await useOf(world, 'ch')).toMatchObject({
        completedBytes: 20,
        inFlightBytes: 0,
        pendingRequests: 0,
        recent: [{ succeeded: 1 }],
      });
      await (await world.rules()).remove(other, { purge: true });
      await world.workHere();
      await expectNothingAt(world, 'ch');
    },
  );

  test.each(shareOf(kind, MOMENTS))(
    'a rule is deleted while its transfer %s: what arrives is removed again',
    async (_, heldWhere) => {
      await using world = await open();
      const rule = await world.rule('data:x', at('ch'));
      const held = await heldWhere(world);
      await evaluate(held.ports);
      const running = transfer(held.ports);
      await held.reached();
      await (await world.rules()).remove(rule);
      await evaluate(held.ports);
      // What the worker may have left is looked for at the store.
      expect(await stateOf(world)).toEqual({ replicas: ['ch UNAVAILABLE', 'data AVAILABLE'], locks: [] });
      expect(await isInHand(world, 'ch')).toBe(true);
      held.open();
      expect(await running).toMatchObject({ done: 0, failed: 0 });
      expect(await isInHand(world, 'ch')).toBe(false);
      await world.workHere();
      await expectNothingAt(world, 'ch');
      expect(await (await world.pando.catalog()).readRule(rule)).toBeUndefined();
    },
  );

  test('a rule is deleted and ordered again while its transfer runs: the second one has its copy, and the late one takes nothing away', async () => {
    await using world = await open();
    await using other = world.another();
    const first = await world.rule('data:x', at('ch'));
    const { ports, ...held } = await heldAt(world, 'data');
    await evaluate(ports);
    const running = transfer(ports);
    await held.reached();
    await (await world.rules()).remove(first);
    const second = await world.rule('data:x', at('ch'));
    await world.workHere(await world.ports(undefined, other));
    expect(await stateOf(world)).toMatchObject({ locks: [[second, 'ch', 'OK']] });
    held.open();
    expect(await running).toMatchObject({ done: 0, failed: 0 });
    await expectOneCopy(world, { rule: second, store: 'ch' });
  });

  test('a copy is ordered again while it is being deleted: it is brought when it is gone', async () => {
    await using world = await open();
    const first = await world.rule('data:x', { ...at('ch'), purge: true });
    await world.workHere();
    await (await world.rules()).remove(first);
    const ports = await world.ports();
    await evaluate(ports);
    await deleteReleased(
      { ...ports, looks: new ReleaseLooks(ports.clock), freeBytes: freeBytesOf },
      new AbortController().signal,
    );
    expect(await stateOf(world)).toMatchObject({ replicas: ['ch BEING_DELETED', 'data AVAILABLE'], locks: [] });
    const second = await world.rule('data:x', at('ch'));
    await evaluate(ports);
    expect(await stateOf(world)).toMatchObject({ locks: [[second, 'ch', 'REPLICATING']] });
    await world.workHere();
    expect(await stateOf(world)).toMatchObject({
      replicas: ['ch AVAILABLE', 'data AVAILABLE'],
      locks: [[second, 'ch', 'OK']],
    });
    expect(world.filesAt('ch')).toEqual(['x']);
  });

  test('a copy is to go while it is the source that was chosen: it stays until the other one is there', async () => {
    await using world = await open();
    const first = await world.rule('data:x', { ...at('ch'), purge: true });
    await world.workHere();
    const second = await world.rule('data:x', { ...at('us'), source: 'ch' });
    const { ports, ...held } = await heldAt(world, 'ch');
    await evaluate(ports);
    const running = transfer(ports);
    await held.reached();
    await (await world.rules()).remove(first);
    await using other = world.another();
    await world.workHere(await world.ports(undefined, other));
    expect(world.filesAt('ch')).toEqual(['x']);
    expect(await stateOf(world)).toMatchObject({ replicas: ['ch AVAILABLE', 'data AVAILABLE', 'us COPYING'] });
    held.open();
    expect(await running).toMatchObject({ done: 1 });
    await expectOneCopy(world, { rule: second, store: 'us' });
    await world.workHere();
    await expectNothingAt(world, 'ch');
  });

  test('the file of the source that was chosen is deleted: the next one gives the bytes, and the first is healed', async () => {
    await using world = await open();
    const first = await world.rule('data:x', at('ch'));
    await world.workHere();
    // Chosen first, because it is nearest.
    await world.reopen({ ...STORES, ch: 'site: CERN\ndistance: {us: 1}', data: 'site: home\ndistance: {us: 9}' });
    const second = await world.rule('data:x', at('us'));
    const { ports, ...held } = await heldAt(world, 'ch');
    await evaluate(ports);
    const running = transfer(ports);
    await held.reached();
    const { replicas } = await explained(world);
    rmSync(join(world.root, 'ch', replicas.find(({ store }) => store === 'ch')?.place ?? ''));
    held.open();
    // One copy for the rule that waits, and one in the place of what turned out to be gone.
    expect(await running).toMatchObject({ done: 2, failed: 0 });
    expect((await useOf(world, 'us'))?.recent).toEqual([{ source: placeOf(world, 'data'), succeeded: 1, failed: 0 }]);
    expect(await stateOf(world)).toEqual({
      replicas: ['ch AVAILABLE', 'data AVAILABLE', 'us AVAILABLE'],
      locks: [
        [first, 'ch', 'OK'],
        [second, 'us', 'OK'],
      ],
    });
    expect([world.filesAt('ch'), world.filesAt('us')]).toEqual([['x'], ['x']]);
  });

  test.each(shareOf(kind, MOMENTS.slice(1).concat(MOMENTS.slice(0, 1))))(
    'the object is deleted while a transfer of it %s: nothing of it is left',
    async (_, heldWhere) => {
      await using world = await open();
      const rule = await world.rule('data:x', at('ch'));
      const held = await heldWhere(world);
      await evaluate(held.ports);
      const running = transfer(held.ports);
      await held.reached();
      const profile = world.pando.profile('data');
      if (profile === undefined) throw new Error('there is no profile');
      await (await world.pando.objects()).delete({ scope: await world.pando.openScope(profile), name: 'x' });
      held.open();
      expect(await running).toMatchObject({ done: 0 });
      await world.workHere();
      await expectNothingAt(world, 'ch');
      const catalog = await world.pando.catalog();
      expect(await catalog.readRule(rule)).toMatchObject({ state: 'OK', counts: { ok: 0, replicating: 0, stuck: 0 } });
      expect(await catalog.listLocks({ rule, limit: 10 })).toEqual([]);
    },
  );

  test.each(shareOf(kind, ORDERS))('a result is %s: it has one effect', async (_, first) => {
    await using world = await open();
    const rule = await world.rule('data:x', at('ch'));
    const { ports, settled, ...held } = await heldBefore(world, 'settleTransfers');
    const [local] = ports.tools;
    if (local === undefined) throw new Error('there is no tool');
    const tool = new HandTool(local);
    await evaluate(ports);
    const running = transfer({ ...ports, tools: [], externals: [asExternal(tool)] });
    await tool.over;
    await tool.polled;
    const push = () => [1, 2].forEach(() => tool.push());
    if (first === 'push') push();
    else tool.answer(2);
    await held.reached();
    // The second way tells the same while what the first one told is being recorded.
    if (first === 'push') tool.answer(2);
    else push();
    held.open();
    expect(await running).toEqual({ done: 1, moot: 0, postponed: 0, failed: 0 });
    push();
    expect(settled).toEqual([[true]]);
    await expectOneCopy(world, { rule, store: 'ch' });
  });

  test('two workers carry out the same rules: each request once', async () => {
    await using world = await open();
    for (let number = 1; number < MANY; number++) await world.put('data', `x${number}`, BODY);
    const rule = await world.rule('data:x*', { ...at('ch|us'), copies: 2 });
    await using other = world.another();
    const all = await Promise.all(
      [world.pando, other].map(async (pando, owner) => {
        const ports = await world.ports(undefined, pando);
        await evaluateRules(ports, { owner: `worker ${owner}`, signal: new AbortController().signal });
        return runTransfers(ports, { owner: `worker ${owner}`, until: 'idle' });
      }),
    );
    // One of them may have been idle before the other had applied the rule.
    expect(all.reduce((sum, { done }) => sum + done, 0)).toBe(2 * MANY);
    expect(all.reduce((sum, { moot, failed }) => sum + moot + failed, 0)).toBe(0);
    const catalog = await world.pando.catalog();
    expect(await catalog.readRule(rule)).toMatchObject({
      state: 'OK',
      counts: { ok: 2 * MANY, replicating: 0, stuck: 0 },
    });
    for (const store of ['ch', 'us']) {
      expect(new Set(world.filesAt(store)).size).toBe(MANY);
      const use = await useOf(world, store);
      expect(use).toMatchObject({ completedBytes: 20 * MANY, inFlightBytes: 0, pendingRequests: 0 });
      expect(use?.recent.reduce((sum, { succeeded, failed }) => sum + succeeded + failed, 0)).toBe(MANY);
    }
    expect(await requestsOf(world)).toEqual([]);
  });

  test.each(shareOf(kind, ['before', 'after'] as const))(
    'a worker that lost its claim publishes %s the one that has it now: one effect',
    async (when) => {
      await using world = await open();
      const rule = await world.rule('data:x', at('ch'));
      const slow = await heldAt(world, 'data');
      const leases: Lease[] = [];
      const catalog = overCatalog(slow.ports, {
        claimRequests: async (claim) => {
          // Once: it sleeps from then on, and does not take up again what it is about to lose.
          const claimed = leases.length === 0 ? await slow.ports.catalog.claimRequests(claim) : [];
          leases.push(...claimed.map(({ lease }) => lease));
          return claimed;
        },
      });
      await evaluate(slow.ports);
      const abandoned = transfer({ ...slow.ports, catalog });
      await slow.reached();
      // As if it had slept for longer than its lease.
      expect(await catalog.renewRequests(leases, 0)).toEqual([expect.any(Number)]);
      await using other = world.another();
      const quick = await heldAt(world, 'data', other);
      const taken = transfer(quick.ports);
      await quick.reached();
      if (when === 'before') {
        slow.open();
        expect(await abandoned).toMatchObject({ done: 0, postponed: 1 });
        expect((await stateOf(world)).locks).toEqual([[rule, 'ch', 'REPLICATING']]);
        quick.open();
        expect(await taken).toMatchObject({ done: 1 });
      } else {
        quick.open();
        expect(await taken).toMatchObject({ done: 1 });
        slow.open();
        expect(await abandoned).toMatchObject({ done: 0, postponed: 1 });
      }
      await expectOneCopy(world, { rule, store: 'ch' });
    },
  );
});

const at = (stores: string): RuleTerms => ({ copies: 1, stores });

async function evaluate(ports: RuleWorkPorts): Promise<void> {
  await evaluateRules(ports, { owner: 'evaluator', signal: new AbortController().signal });
}

function transfer(ports: RuleWorkPorts) {
  return runTransfers(ports, { owner: 'worker', until: 'idle' });
}

async function isInHand(world: RuleWorld, store: string): Promise<boolean> {
  const catalog = await world.pando.catalog();
  const versionId = (await catalog.readObject('data', 'x'))?.current.id ?? 0;
  return catalog.isCopyInHand({ versionId, store: placeOf(world, store) });
}

async function explained(world: RuleWorld) {
  const told = await world.explain('data:x');
  if (told.kind !== 'object') throw new Error('it is no object');
  return told;
}

async function stateOf(world: RuleWorld) {
  const { replicas } = await explained(world);
  const locks = await (await world.pando.catalog()).listLocks({ name: { scope: 'data', name: 'x' }, limit: 10 });
  const nameOf = (place: string) =>
    [...world.pando.stores().values()].find((one) => one.place === place)?.name ?? place;
  return {
    replicas: replicas.map(({ store, state }) => `${store} ${state}`).toSorted(),
    locks: locks.map(({ rule, store, lock }) => [rule, nameOf(store), lock.state] as const),
  };
}

async function useOf(world: RuleWorld, store: string) {
  return (await (await world.pando.catalog()).readStoreUse()).find(({ title }) => title === store);
}

/** That are not over. */
async function requestsOf(world: RuleWorld) {
  const all = await (await world.pando.catalog()).listRequests({ limit: 100 });
  return all.filter(({ state }) => state !== 'CANCELLED');
}

/** One copy, brought once, for one rule. */
async function expectOneCopy(world: RuleWorld, { rule, store }: { rule: number; store: string }): Promise<void> {
  const { replicas, copies } = await explained(world);
  const [copy, ...others] = replicas.filter((one) => one.store === store);
  expect(others).toEqual([]);
  expect(copy).toMatchObject({ state: 'AVAILABLE', because: [`rule ${rule}`] });
  expect(readFileSync(join(world.root, store, copy?.place ?? ''), 'utf8')).toBe(BODY);
  expect(world.filesAt(store)).toEqual(['x']);
  expect(copies).toEqual([]);
  expect(await requestsOf(world)).toEqual([]);
  expect(await (await world.pando.catalog()).readRule(rule)).toMatchObject({
    state: 'OK',
    counts: { ok: 1, replicating: 0, stuck: 0 },
  });
  const use = await useOf(world, store);
  expect(use).toMatchObject({ completedBytes: BODY.length, inFlightBytes: 0, leavingBytes: 0, pendingRequests: 0 });
  expect(use?.recent.map(({ succeeded, failed }) => [succeeded, failed])).toEqual([[1, 0]]);
}

/** No bytes, no row, no request, no space. */
async function expectNothingAt(world: RuleWorld, store: string): Promise<void> {
  expect(world.filesAt(store)).toEqual([]);
  expect((await explained(world)).replicas.filter((one) => one.store === store)).toEqual([]);
  expect((await requestsOf(world)).filter((one) => one.store === placeOf(world, store))).toEqual([]);
  expect(await useOf(world, store)).toMatchObject({
    completedBytes: 0,
    inFlightBytes: 0,
    leavingBytes: 0,
    pendingRequests: 0,
  });
}
