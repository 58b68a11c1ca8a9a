import { describe, expect, test } from 'vitest';
import { planChangedRule, planLostStore, planNewRule, planPolicy } from '../../src/client/plan.ts';
import { makeReplicationPolicy } from '../../src/domain/rule/replication-policy.ts';
import { AuditWorld, SCOPE, settle } from './audit-world.ts';

const place = {
  actor: { account: 'alice', isAdministrator: false },
  scope: SCOPE,
  signal: new AbortController().signal,
};

/** Everything that a plan might have changed. */
async function everything(world: AuditWorld): Promise<unknown> {
  const catalog = await world.catalog();
  return [
    await catalog.status(),
    await catalog.readStoreUse(),
    await catalog.listRules({ limit: 100 }),
    await catalog.listEvents({ limit: 1000 }),
    await catalog.listRequests({ limit: 1000 }),
  ];
}

describe('a plan of a new rule', () => {
  test.each(['dataset', 'all', 'none'] as const)('is what the rule then does, grouped by %s', async (grouping) => {
    await using world = new AuditWorld();
    await world.writeMany(15);
    await settle();
    const before = await everything(world);
    const terms = { copies: 2, stores: 'a|b|c', grouping };
    const planned = await planNewRule(world.pando, place, { targets: [`${SCOPE}:*`], terms });
    expect(await everything(world)).toEqual(before);
    expect(planned).toMatchObject({ objects: 15, copies: 30, missing: { copies: 0, reasons: [] }, warnings: [] });
    expect(planned.links.every(({ from }) => from === SCOPE)).toBe(true);

    const id = await world.addRule({ copies: 2, expression: 'a|b|c', grouping });
    await world.work();
    expect(await world.ruleState(id)).toBe('OK');
    const files = Object.fromEntries(['a', 'b', 'c'].map((store) => [store, world.list(store).length]));
    const told = Object.fromEntries(['a', 'b', 'c'].map((store) => [store, 0]));
    for (const { store, copies } of planned.stores) told[store] = copies;
    expect(told).toEqual(files);
    const again = await planNewRule(world.pando, place, {
      targets: [`${SCOPE}:*`],
      terms: { ...terms, stores: 'a|b|c|inbox' },
    });
    expect(again.copies).toBe(0);
  });

  test('tells what has no place, and why', async () => {
    const more = '    accepts: { space_allocated: 100 }\n';
    await using world = new AuditWorld({ more });
    await world.writeMany(10);
    const terms = { copies: 2, stores: 'a|c', grouping: 'none' } as const;
    const planned = await planNewRule(world.pando, place, { targets: [`${SCOPE}:*`], terms });
    expect(planned).toMatchObject({ objects: 10, copies: 12, missing: { copies: 8 } });
    expect(planned.missing.reasons[0]?.why).toContain('c');
    expect(planned.missing.reasons[0]?.rejected).toEqual([
      { store: 'c', why: expect.stringMatching(/ of the 100 bytes it gives to copies are left, and .* has \d+$/) },
    ]);
    const full = planned.stores.find(({ store }) => store === 'c');
    expect(full?.afterBytes).toBeLessThanOrEqual(100);
    expect(full).toMatchObject({ copies: 2, limitBytes: 100 });
  });

  test('is about one object, or a name that is not there', async () => {
    await using world = new AuditWorld();
    await world.writeMany(3);
    const terms = { copies: 1, stores: 'b' };
    const planned = await planNewRule(world.pando, place, { targets: [`${SCOPE}:runs/part-001`], terms });
    expect(planned).toMatchObject({ objects: 1, copies: 1, links: [{ from: SCOPE, to: 'b', copies: 1 }] });
    await expect(planNewRule(world.pando, place, { targets: [`${SCOPE}:no-such`], terms })).rejects.toThrow(
      'neither an object',
    );
    const empty = await planNewRule(world.pando, place, {
      targets: [`${SCOPE}:*`],
      terms: { copies: 1, stores: 'nowhere' },
    });
    expect(empty.warnings.join()).toContain('names no store');
    expect(empty.missing.copies).toBe(3);
  });
});

test('a plan of a changed rule tells what is added and what is released', async () => {
  await using world = new AuditWorld();
  await world.writeMany(6);
  const id = await world.addRule({ copies: 2, expression: 'a|b' });
  await settle();
  await world.work();
  const before = await everything(world);
  const moved = await planChangedRule(world.pando, place, { rule: id, terms: { stores: 'a|c' } });
  expect(moved).toMatchObject({ objects: 6, copies: 6, links: [{ to: 'c', copies: 6 }] });
  expect(moved.stores).toMatchObject([
    { store: 'a', copies: 0, there: 6, released: 0 },
    { store: 'b', released: 6 },
    { store: 'c', copies: 6 },
  ]);
  const fewer = await planChangedRule(world.pando, place, { rule: id, terms: { copies: 1 } });
  expect(fewer).toMatchObject({ copies: 0 });
  expect(fewer.stores.reduce((sum, { released }) => sum + released, 0)).toBe(6);
  expect(await everything(world)).toEqual(before);
  await expect(planChangedRule(world.pando, place, { rule: 77, terms: {} })).rejects.toThrow('there is no rule 77');
});

test('a plan of a policy tells what it would bring, and what none would leave', async () => {
  const more = '    accepts: { replicate: true }\n';
  await using world = new AuditWorld({ stores: ['a', 'b'], more });
  await world.writeMany(2);
  const object = `${SCOPE}:runs/part-000`;
  const two = await planPolicy(world.pando, place, { object, policy: makeReplicationPolicy({ numberReplicas: 2 }) });
  // Only the last store volunteers.
  expect(two).toMatchObject({ objects: 1, copies: 1, links: [{ from: SCOPE, to: 'b' }], missing: { copies: 1 } });
  const none = await planPolicy(world.pando, place, { object, policy: makeReplicationPolicy({ numberReplicas: 0 }) });
  expect(none).toMatchObject({ copies: 0, missing: { copies: 0 } });
});

describe('a plan of a store that is lost', () => {
  test('tells what is lost with it, what rules copy from where, and what has no place; and is what happens', async () => {
    await using world = new AuditWorld();
    await world.writeMany(12);
    const both = await world.addRule({ copies: 2, expression: 'a|b|c', grouping: 'all' });
    await settle();
    await world.work();
    await world.addRule({ copies: 1, expression: 'a', account: 'bob' });
    await world.work();
    const before = await everything(world);
    const held = ['a', 'b', 'c'].filter((store) => world.list(store).length > 0);
    const spare = ['a', 'b', 'c'].find((store) => !held.includes(store));
    const lost = await planLostStore(world.pando, { store: 'a', signal: place.signal });
    expect(await everything(world)).toEqual(before);
    expect(lost).toMatchObject({ store: 'a', objects: 12, lost: { objects: 0 } });
    // Bob wants them at a store that is gone.
    expect(lost.missing.copies).toBe(12);
    expect(lost.rules.map(({ rule }) => rule)).toContain(both + 1);
    if (held.includes('a')) expect(lost).toMatchObject({ copies: 12, stores: [{ store: spare, copies: 12 }] });
    const source = await planLostStore(world.pando, { store: SCOPE, signal: place.signal });
    expect(source).toMatchObject({ objects: 12, lost: { objects: 0 }, copies: 0, rules: [] });
  });

  test('names objects of which no copy is left', async () => {
    await using world = new AuditWorld();
    await world.writeMany(4);
    const lost = await planLostStore(world.pando, { store: SCOPE, signal: place.signal });
    expect(lost).toMatchObject({ objects: 4, lost: { objects: 4 }, single: { objects: 0 } });
    expect(lost.lost.names).toContain(`${SCOPE}:runs/part-003`);
  });

  test('asks once for a copy that two rules want', async () => {
    await using world = new AuditWorld({ stores: ['a', 'b'] });
    await world.writeMany(5);
    await world.addRule({ copies: 1, expression: 'a|b', preferred: ['a'] });
    await world.addRule({ copies: 1, expression: 'a|b', preferred: ['a'], account: 'bob' });
    await settle();
    await world.work();
    expect(world.list('a')).toHaveLength(5);
    const lost = await planLostStore(world.pando, { store: 'a', signal: place.signal });
    expect(lost).toMatchObject({
      copies: 5,
      links: [{ from: SCOPE, to: 'b', copies: 5 }],
      rules: [{ objects: 5 }, { objects: 5 }],
    });
  });
});
