import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Policies } from '../../src/client/policies.ts';
import { setStore } from '../../src/client/store-use.ts';
import { parseReplicationPolicy } from '../../src/config/replication-policies.ts';
import { evaluateRules } from '../../src/engine/rules/evaluate-rules.ts';
import { runTransfers } from '../../src/engine/transfers/run-transfers.ts';
import type { ObjectExplanation } from '../../src/engine/explain/explanation.ts';
import { CATALOGS, useCatalogs } from '../servers/use-catalogs.ts';
import { ADMISSION_CASES, POLICY_CASES, type PolicyCase, type PolicyEnd } from './policy-cases.ts';
import { FORMS, type ObjectWords, type PolicyForm, type StoreWords } from './policy-forms.ts';
import { RuleWorld } from './rule-world.ts';

const BYTES = 20;
const OPEN: StoreWords = { replicate: true };
const VOLUNTEERS: Readonly<Record<string, StoreWords>> = { a: OPEN, b: OPEN, c: OPEN };
const SPACE_OBJECTS = 100;
const soak = process.env['PANDO_SOAK'] === '1';

describe.each(CATALOGS)('policies on %s', (kind) => {
  const catalogUrl = useCatalogs(kind);

  /** Every second one: the others have theirs on the other engine. In the soak each has all. */
  const share = <T>(rows: readonly T[]): readonly T[] =>
    rows.filter((_, at) => soak || at % CATALOGS.length === CATALOGS.indexOf(kind));
  /** Where both are not compared: the other engine has the other one. */
  const forms = share(Object.values(FORMS));

  /** Cases whose stores say the same share a world, where these have room for all of them. */
  const worlds = new Map<string, RuleWorld>();
  afterAll(async () => {
    for (const world of worlds.values()) await world[Symbol.asyncDispose]();
  });

  async function openFor(
    form: PolicyForm,
    { title, stores = VOLUNTEERS, defaultBelow }: PolicyCase,
  ): Promise<RuleWorld> {
    const isFilled = Object.values(stores).some(({ spaceAllocated }) => spaceAllocated !== undefined);
    const key = JSON.stringify([form.objectPolicy({}), stores, defaultBelow, isFilled ? title : '']);
    const top = defaultBelow === undefined ? '' : `default_policy: {scopes: [data], max_size: ${defaultBelow}}\n`;
    const world = worlds.get(key) ?? new RuleWorld(profilesOf(form, stores), top, await catalogUrl());
    worlds.set(key, world);
    return world;
  }

  /** With an object `x`. */
  async function open(form: PolicyForm, stores = VOLUNTEERS): Promise<RuleWorld> {
    const world = new RuleWorld(profilesOf(form, stores), '', await catalogUrl());
    await put(world, 'x', BYTES);
    return world;
  }

  test.each(share(POLICY_CASES.map((one, at) => [one.title, one, at] as const)))('%s', async (_, one, at) => {
    const name = `object-${at}`;
    const ends = [];
    for (const form of Object.values(FORMS)) {
      const world = await openFor(form, one);
      await put(world, name, one.bytes ?? BYTES);
      const seen = [];
      for (const stage of one.stages) {
        if (stage.policy !== undefined) await setPolicy(world, form, stage.policy, name);
        await world.workHere();
        const end = await endOf(world, name);
        expectEnd(end, stage, name);
        seen.push(end);
      }
      ends.push(seen);
    }
    expect(ends[1]).toEqual(ends[0]);
  });

  test.each(share(ADMISSION_CASES))(
    'refused at admission by a store that %s, a copy goes to the next one',
    async (_, words, why) => {
      const ends = [];
      for (const form of Object.values(FORMS)) {
        await using world = await open(form);
        await setPolicy(world, form, { number: 1, preferred: ['a'] });
        await plan(world);
        await world.reopen(profilesOf(form, { ...VOLUNTEERS, a: words }));
        await copyWhatIsPlanned(world);
        expect((await explainObject(world)).copies).toMatchObject([
          { store: 'a', lock: 'STUCK', why: `a refuses the copy: ${why.replace('OBJECT', 'data:x')}` },
        ]);
        await world.workHere();
        const end = await endOf(world);
        ends.push(end);
        expect(end).toMatchObject({ files: [expect.stringMatching(/^[bc]$/)], rule: 'OK', why: undefined });
        expect(end.locks).toEqual([`${end.files[0]} OK`]);
      }
      expect(ends[1]).toEqual(ends[0]);
    },
  );

  test('refused at admission because of where the bytes really come from, a copy goes to the next one', async () => {
    for (const form of forms) {
      await using world = await open(form, { ...VOLUNTEERS, a: { ...OPEN, allowedNode: ['urn:node:DATA'] } });
      await setPolicy(world, form, { number: 1, preferred: ['b'] });
      await world.workHere();
      // Authoritative where it is allowed to be, and to be had from elsewhere only.
      await setStore(world.pando, 'data', { read: false });
      await setPolicy(world, form, { number: 2, preferred: ['a', 'b'] });
      await plan(world);
      await copyWhatIsPlanned(world);
      expect((await explainObject(world)).copies).toMatchObject([
        {
          store: 'a',
          lock: 'STUCK',
          why: 'a refuses the copy: it takes copies from urn:node:DATA only, and data:x would come from b',
        },
      ]);
      await world.workHere();
      expect(await endOf(world)).toMatchObject({ files: ['b', 'c'], locks: ['b OK', 'c OK'], rule: 'OK' });
    }
  });

  test('a rule that names its stores needs no volunteers', async () => {
    for (const form of forms) {
      await using world = await open(form, { a: {}, b: { replicate: false } });
      await world.rule('data:x', { copies: 2, stores: 'a|b' });
      await world.workHere();
      expect(await endOf(world)).toMatchObject({ files: ['a', 'b'], rule: 'OK' });
    }
  });

  test('a hundred who ask at the same moment fill a store to the last byte, and the others go to the next one', {
    timeout: 120_000,
  }, async () => {
    for (const form of forms) {
      await using world = await open(form, { a: { ...OPEN, spaceAllocated: 500 }, b: OPEN });
      const names = Array.from({ length: SPACE_OBJECTS }, (_, at) => `o${at}`);
      for (const name of names) await world.put('data', name, '10 bytes!!');
      for (const name of names) await setPolicy(world, form, { number: 1, preferred: ['a'] }, name);
      const ports = await world.ports();
      const catalog = await world.pando.catalog();
      const useOfA = async () => (await catalog.readStoreUse()).find(({ title }) => title === 'a');
      const signal = new AbortController().signal;
      const applied = await Promise.all(
        names.map((owner) => evaluateRules({ ...ports, stores: new Map(ports.stores) }, { owner, signal })),
      );
      expect(applied.reduce((sum, one) => sum + one.applied, 0)).toBe(SPACE_OBJECTS);
      expect(await useOfA()).toMatchObject({ completedBytes: 0, inFlightBytes: 500, pendingRequests: 50 });
      await world.workHere();
      expect(await useOfA()).toMatchObject({ completedBytes: 500, inFlightBytes: 0 });
      expect([world.filesAt('a').length, world.filesAt('b').length]).toEqual([50, 50]);
      for await (const rule of (await world.rules()).list())
        expect(rule).toMatchObject({ state: 'OK', counts: { ok: 1 } });

      // What goes leaves its room to the next one.
      const [here = ''] = world.filesAt('a');
      await setPolicy(world, form, { number: 0 }, here);
      await world.workHere();
      expect(await useOfA()).toMatchObject({ completedBytes: 490, leavingBytes: 0 });
      await setPolicy(world, form, { number: 1, blocked: ['b'] }, here);
      await world.workHere();
      expect(await useOfA()).toMatchObject({ completedBytes: 500 });
      const other = names.find((name) => !world.filesAt('a').includes(name)) ?? '';
      await setPolicy(world, form, { number: 2 }, other);
      await world.workHere();
      expect(await explainObject(world, other)).toMatchObject({
        rules: [
          {
            why: '1 of 2 copies has no place (authoritative itself: data; not accepting it: a)',
            rejected: [
              { store: 'data' },
              { store: 'a', why: `0 of the 500 bytes it gives to copies are left, and data:${other} has 10` },
            ],
          },
        ],
      });
    }
  });
});

function profilesOf(form: PolicyForm, stores: Readonly<Record<string, StoreWords>>): Record<string, string> {
  const profiles = Object.entries(stores).map(([name, words]): [string, string] => [
    name,
    `aliases: ["urn:node:${name.toUpperCase()}"]\nsite: site-of-${name}\n${form.accepts(words)}`,
  ]);
  return { data: 'aliases: ["urn:node:DATA"]\nsite: home', ...Object.fromEntries(profiles) };
}

async function setPolicy(world: RuleWorld, form: PolicyForm, words: ObjectWords, name = 'x'): Promise<void> {
  const policies = new Policies(world.pando, {
    catalog: await world.pando.catalog(),
    scope: undefined,
    actor: world.actor,
  });
  await policies.set(`data:${name}`, parseReplicationPolicy(form.objectPolicy(words), 'a policy'));
}

async function plan(world: RuleWorld): Promise<void> {
  await evaluateRules(await world.ports(), { owner: 'test', signal: new AbortController().signal });
}

async function copyWhatIsPlanned(world: RuleWorld): Promise<void> {
  await runTransfers(await world.ports(), { owner: 'test', until: 'idle' });
}

async function explainObject(world: RuleWorld, name = 'x'): Promise<ObjectExplanation> {
  const explained = await world.explain(`data:${name}`);
  if (explained.kind !== 'object') throw new Error('it is no object');
  return explained;
}

async function put(world: RuleWorld, name: string, bytes: number): Promise<void> {
  await world.put('data', name, 'x'.repeat(bytes));
  await (await world.pando.catalog()).setTraits({ scope: 'data', name }, { format: 'text/csv' });
}

type End = Awaited<ReturnType<typeof endOf>>;

function expectEnd(end: End, { at, rule, why, rejected = {} }: PolicyEnd, name: string): void {
  const wanted = typeof at === 'number' ? end.files : at.toSorted();
  if (typeof at === 'number') expect(end.files).toHaveLength(at);
  const reasons = Object.entries(rejected).map(([store, reason]) => [store, reason.replace('OBJECT', `data:${name}`)]);
  expect(end).toMatchObject({
    files: wanted,
    replicas: ['data', ...wanted].map((store) => `${store} AVAILABLE`).toSorted(),
    locks: wanted.map((store) => `${store} OK`),
    rule,
    why: why ?? (rule === 'STUCK' ? expect.any(String) : undefined),
    rejected: Object.fromEntries(reasons),
  });
}

/** All that is there of the object, on the disks and in the catalog. Stores by name, sorted. */
async function endOf(world: RuleWorld, name = 'x') {
  const catalog = await world.pando.catalog();
  const stores = [...world.pando.stores().values()];
  const nameOf = (place: string) => stores.find((one) => one.place === place)?.name ?? place;
  const { replicas, rules, copies, size } = await explainObject(world, name);
  const locks = await catalog.listLocks({ name: { scope: 'data', name }, limit: 100 });
  for (const { store, place } of replicas)
    expect(readFileSync(join(world.root, store, place), 'utf8')).toBe('x'.repeat(size ?? 0));
  expect(copies).toEqual([]);
  const [explained, ...others] = rules;
  expect(others).toEqual([]);
  return {
    files: stores
      .map((one) => one.name)
      .filter((store) => store !== 'data' && world.filesAt(store).includes(name))
      .toSorted(),
    replicas: replicas.map(({ store, state }) => `${store} ${state}`).toSorted(),
    locks: locks.map(({ store, lock }) => `${nameOf(store)} ${lock.state}`).toSorted(),
    rule: explained?.rule.state,
    why: explained?.why,
    rejected: Object.fromEntries(explained?.rejected.map(({ store, why }) => [store, why]) ?? []),
  };
}
