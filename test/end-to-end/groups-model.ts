import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { RulePorts } from '../../src/engine/rules/apply-rule.ts';
import { evaluateRules } from '../../src/engine/rules/evaluate-rules.ts';
import type { Grouping } from '../../src/domain/placement/placement-facts.ts';
import type { RuleTarget } from '../../src/domain/rule/rule.ts';
import type { ClaimedRequest } from '../../src/ports/catalog.ts';
import type { LockRecord } from '../../src/ports/rules.ts';
import { CatalogContract, contentOf, replicaAt, type TestScope } from '../../src/testing/catalog-contract/harness.ts';
import { arrival, failure, ruleOver } from '../../src/testing/catalog-contract/rules-harness.ts';
import { findBreaches } from '../catalog/rule-invariants.ts';
import type { RuleWorld } from './rule-world.ts';

/** A world, and its database as it is seen from outside. */
export interface GroupWorld extends AsyncDisposable {
  readonly world: RuleWorld;
  query(text: string): Promise<readonly unknown[][]>;
}

/** Of a `GroupWorld`, besides `data`. Two are at one site. */
export const GROUP_STORES = { a: 'site: here', b: 'site: here', c: 'site: there', d: 'site: elsewhere' };

const OBJECTS = ['o0', 'o1', 'o2', 'o3'];
/** In the order in which they are made: an object belongs to the first that reaches it. */
const DATASETS = ['d0', 'd1', 'd2'];
const CONTAINERS = ['k0', 'k1'];
const PATTERNS = ['*', 'o[01]'];
const EXPRESSIONS = ['a|b|c|d', '*', 'a|c|d'];
/** Objects that are scattered by the first rule are to be together for the others. */
const GROUPINGS: readonly Grouping[] = ['none', 'dataset', 'all'];

const object = fc.nat(OBJECTS.length - 1);
const rule = fc.nat(3);
const targets = fc.uniqueArray(fc.nat(10), { minLength: 1, maxLength: 3 });
const step = fc.oneof(
  fc.record({ do: fc.constant('put'), object, bytes: fc.nat(40) }),
  fc.record({ do: fc.constant('remove'), object }),
  fc.record({ do: fc.constant('attach'), to: fc.nat(4), member: fc.nat(3) }),
  fc.record({ do: fc.constant('attach'), to: fc.nat(2), member: fc.nat(3) }),
  fc.record({ do: fc.constant('detach'), to: fc.nat(4), member: fc.nat(3) }),
  fc.record({
    do: fc.constant('add'),
    targets,
    grouping: fc.nat(2),
    copies: fc.integer({ min: 1, max: 3 }),
    stores: fc.nat(2),
  }),
  fc.record({ do: fc.constant('copies'), rule, copies: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('end'), rule }),
  fc.record({ do: fc.constant('write'), store: fc.nat(3), isOn: fc.boolean() }),
  fc.record({ do: fc.constant('evaluate') }),
  fc.record({ do: fc.constant('evaluate') }),
  fc.record({ do: fc.constant('settle'), arrive: fc.array(fc.boolean(), { maxLength: 6 }) }),
  fc.record({ do: fc.constant('retry') }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Overlapping datasets in a container, and a rule of each grouping about it. */
const BEGINNING: readonly Step[] = [
  ...OBJECTS.map((_, at): Step => ({ do: 'put', object: at, bytes: 10 + at })),
  { do: 'attach', to: 0, member: 0 },
  { do: 'attach', to: 0, member: 1 },
  { do: 'attach', to: 1, member: 1 },
  { do: 'attach', to: 1, member: 2 },
  { do: 'attach', to: 3, member: 0 },
  { do: 'attach', to: 3, member: 1 },
  ...GROUPINGS.map((_, grouping): Step => ({ do: 'add', targets: [7, 9], grouping, copies: 2, stores: 0 })),
];

interface ModelRule {
  readonly id: number;
  readonly targets: readonly number[];
  readonly grouping: Grouping;
  readonly expression: string;
  copies: number;
}

interface Model {
  readonly made: GroupWorld;
  readonly ports: RulePorts;
  readonly contract: CatalogContract;
  readonly scope: TestScope;
  readonly account: string;
  readonly places: ReadonlyMap<string, string>;
  /** Of objects that are there. */
  readonly versions: Map<string, number>;
  readonly members: Map<string, Set<string>>;
  readonly rules: ModelRule[];
  claimed: ClaimedRequest[];
}

/** Sequences of one world: what is checked after each step takes longer the more it holds. */
const RUNS_OF_ONE = 100;
/** Turns until nothing is left to do. Each moves what waited for the turn before. */
const TURNS_MAX = 12;

/** Sums are right after any sequence of steps, and once all is quiet each rule has its copies, and each group is together. */
export async function checkGroups(open: () => Promise<GroupWorld>, runs: number): Promise<void> {
  for (let left = runs; left > 0; left -= RUNS_OF_ONE) await checkOne(open, Math.min(left, RUNS_OF_ONE));
}

async function checkOne(open: () => Promise<GroupWorld>, runs: number): Promise<void> {
  await using made = await open();
  const ports = await made.world.pando.uploadPorts();
  const { catalog } = ports;
  const places = new Map([...ports.stores.values()].map(({ name, place }) => [name, place]));
  const contract = new CatalogContract(() => catalog);
  let sequences = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 15, size: 'max' }), async (steps) => {
      const name = `s${++sequences}`;
      const source = places.get('data') ?? '';
      await catalog.openScope({ name, title: name, source, replicas: [], standing: true });
      const scope = { name, source, near: places.get('a') ?? '', far: places.get('b') ?? '' };
      const account = `account-${sequences}`;
      const members = new Map([...DATASETS, ...CONTAINERS].map((one): [string, Set<string>] => [one, new Set()]));
      for (const one of DATASETS)
        await catalog.putCollection({ scope: name, name: one, kind: 'dataset', isMonotonic: false });
      for (const one of CONTAINERS)
        await catalog.putCollection({ scope: name, name: one, kind: 'container', isMonotonic: false });
      const model: Model = {
        made,
        ports,
        contract,
        scope,
        account,
        places,
        versions: new Map(),
        members,
        rules: [],
        claimed: [],
      };
      for (const one of [...BEGINNING, ...steps]) {
        await carryOut(model, one);
        await expectSums(model, JSON.stringify(one));
      }
      await quieten(model);
      await expectSums(model, 'when all is quiet');
      for (const one of model.rules) await expectPlaced(model, one);
      for (const { id } of model.rules) await catalog.tellRule(id, 'deleted');
      await evaluate(model);
      await expectSums(model, 'when all rules have ended');
      expect(await made.query(`select 1 from rule where account like '${account}.%'`)).toEqual([]);
    }),
    { numRuns: runs },
  );
}

async function expectSums({ made, scope, account }: Model, after: string): Promise<void> {
  expect(await findBreaches(made.query, { scope: scope.name, account, places: 'file:%' }), after).toEqual([]);
}

async function carryOut(model: Model, one: Step): Promise<void> {
  const { contract, scope, versions, rules } = model;
  const { catalog } = contract;
  switch (one.do) {
    case 'put': {
      const name = OBJECTS[one.object] ?? '';
      const replicas = [replicaAt(scope.source, `${scope.name}/${name}`)];
      const put = contract.put(scope, name, {
        follows: await currentOf(model, name),
        content: contentOf('x'.repeat(one.bytes)),
        replicas,
      });
      versions.set(name, await contract.recordOne(put));
      return;
    }
    case 'remove': {
      const name = OBJECTS[one.object] ?? '';
      if (!versions.delete(name)) return;
      await contract.recordOne(contract.remove(scope, name, await currentOf(model, name)));
      return;
    }
    case 'attach':
    case 'detach':
      return changeMembers(model, one);
    case 'add':
      return addRule(model, one);
    case 'copies': {
      const changed = rules[one.rule];
      if (changed === undefined) return;
      // One that says what another one says is refused as a whole.
      const told = await catalog.updateRule(changed.id, { copies: one.copies }).catch(() => undefined);
      if (told !== undefined) changed.copies = one.copies;
      return;
    }
    case 'end': {
      const [ended] = rules.splice(one.rule, 1);
      if (ended !== undefined) await catalog.tellRule(ended.id, 'deleted');
      return;
    }
    case 'write': {
      const store = model.places.get(Object.keys(GROUP_STORES)[one.store] ?? '') ?? '';
      await catalog.setStore(store, { availability: { write: one.isOn } });
      return;
    }
    case 'evaluate':
      return evaluate(model);
    case 'settle':
      return settle(model, one.arrive);
    case 'retry':
      await catalog.hasten({ fact: 'asked' });
      await catalog.retryStuck(1000);
  }
}

async function currentOf({ contract, scope }: Model, name: string): Promise<number | undefined> {
  return (await contract.catalog.readObject(scope.name, name))?.current.id;
}

async function changeMembers(model: Model, one: Extract<Step, { do: 'attach' | 'detach' }>): Promise<void> {
  const { contract, scope, members } = model;
  const parent = [...DATASETS, ...CONTAINERS][one.to] ?? '';
  const isContainer = CONTAINERS.includes(parent);
  // The second container may hold the first one, and neither itself.
  const choice = !isContainer ? OBJECTS : parent === 'k1' ? [...DATASETS, 'k0'] : DATASETS;
  const member = choice[one.member % choice.length] ?? '';
  const at = { scope: scope.name, name: parent };
  const told = await contract.catalog[one.do](at, [{ scope: scope.name, name: member }]);
  if (told.kind === 'refused') return;
  if (one.do === 'attach') members.get(parent)?.add(member);
  else members.get(parent)?.delete(member);
}

async function addRule(model: Model, one: Extract<Step, { do: 'add' }>): Promise<void> {
  const { contract, scope, account, rules } = model;
  if (rules.length > 4) return;
  const grouping = GROUPINGS[one.grouping] ?? 'none';
  const expression = EXPRESSIONS[one.stores] ?? '*';
  const added = await contract.catalog.addRule(
    ruleOver(scope, {
      account: `${account}.${one.grouping}`,
      targets: one.targets.map((target) => targetOf(scope, target)),
      grouping,
      expression,
      copies: one.copies,
    }),
  );
  if (added.kind === 'added')
    rules.push({ id: added.id, targets: one.targets, grouping, expression, copies: one.copies });
}

function targetOf({ name: scope }: TestScope, target: number): RuleTarget {
  if (target < 4) return { kind: 'object', scope, name: OBJECTS[target] ?? '' };
  if (target < 9) return { kind: 'collection', scope, name: [...DATASETS, ...CONTAINERS][target - 4] ?? '' };
  return { kind: 'pattern', scope, pattern: PATTERNS[target - 9] ?? '' };
}

async function evaluate({ ports }: Model): Promise<void> {
  await evaluateRules(ports, { owner: 'w', signal: new AbortController().signal });
}

async function settle(model: Model, arrive: readonly boolean[]): Promise<void> {
  const { contract, scope } = model;
  model.claimed.push(...(await contract.claim(scope)));
  const told = model.claimed.splice(0, arrive.length);
  const outcomes = told.map((request, at) => (arrive[at] === true ? arrival(request) : failure(request)));
  await contract.catalog.settleTransfers(outcomes);
  // Told twice, an outcome changes nothing.
  expect(await contract.catalog.settleTransfers(outcomes)).toEqual(outcomes.map(() => false));
}

/** Every store takes writes, and whatever is asked for arrives, until nobody asks any more. */
async function quieten(model: Model): Promise<void> {
  const { contract, places } = model;
  const { catalog } = contract;
  for (const name of Object.keys(GROUP_STORES))
    await catalog.setStore(places.get(name) ?? '', { availability: { write: true } });
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    await catalog.hasten({ fact: 'asked' });
    await catalog.retryStuck(1000);
    await evaluate(model);
    await settle(
      model,
      Array.from({ length: 1000 }, () => true),
    );
  }
}

async function expectPlaced(model: Model, one: ModelRule): Promise<void> {
  const { contract, places, scope } = model;
  const record = await contract.catalog.readRule(one.id);
  const locks = await contract.catalog.listLocks({ rule: one.id, limit: 1000 });
  const groups = groupsOf(model, one);
  const told = JSON.stringify({
    scope: scope.name,
    rule: one,
    groups: [...groups],
    members: [...model.members].map(([name, all]) => [name, ...all]),
  });
  expect(record, told).toMatchObject({
    state: 'OK',
    missingCopies: 0,
    counts: { ok: locks.length, replicating: 0, stuck: 0 },
  });
  const nameOf = new Map([...places].map(([name, place]) => [place, name]));
  const at = Map.groupBy(locks, ({ name }) => name);
  expect([...at.keys()].toSorted(), told).toEqual([...groups.keys()].toSorted());
  const byGroup = Map.groupBy(groups, ([, group]) => group);
  for (const [, together] of byGroup) {
    const stores = together.map(([name]) => storesOf(at.get(name) ?? [], nameOf));
    for (const here of stores) {
      expect(here, told).toEqual(stores[0]);
      // One lock at each store.
      expect(new Set(here).size, told).toBe(one.copies);
      expect(here.length, told).toBe(one.copies);
      if (one.expression !== '*')
        expect(
          here.every((store) => one.expression.includes(store)),
          told,
        ).toBe(true);
    }
  }
}

function storesOf(locks: readonly LockRecord[], nameOf: ReadonlyMap<string, string>): readonly string[] {
  return locks.map(({ store }) => nameOf.get(store) ?? store).toSorted();
}

/** What the rule holds, each object with its group. */
function groupsOf(model: Model, { targets: wanted, grouping }: ModelRule): ReadonlyMap<string, string> {
  const reached = new Set<string>();
  const datasets = new Set<string>();
  const follow = (collection: string): void => {
    if (DATASETS.includes(collection)) datasets.add(collection);
    for (const member of model.members.get(collection) ?? []) {
      if (OBJECTS.includes(member)) reached.add(member);
      else follow(member);
    }
  };
  for (const target of wanted) {
    const { kind, ...rest } = targetOf(model.scope, target);
    if (kind === 'object' && 'name' in rest) reached.add(rest.name);
    else if (kind === 'collection' && 'name' in rest) follow(rest.name);
    else for (const name of OBJECTS) if (target === 9 || /^o[01]$/.test(name)) reached.add(name);
  }
  const groups = new Map<string, string>();
  for (const name of reached) {
    if (!model.versions.has(name)) continue;
    const dataset = DATASETS.find((one) => datasets.has(one) && model.members.get(one)?.has(name) === true);
    const group = { all: 'all', dataset: dataset ?? `alone ${name}`, none: `alone ${name}` }[grouping];
    groups.set(name, group);
  }
  return groups;
}
