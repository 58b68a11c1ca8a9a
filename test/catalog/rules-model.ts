import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { FactChange, StuckReason } from '../../src/domain/rule/stuck-reason.ts';
import type { ReplicaState } from '../../src/domain/replica/replica.ts';
import type { ClaimedRequest } from '../../src/ports/catalog.ts';
import { CatalogContract, contentOf, type TestScope } from '../../src/testing/catalog-contract/harness.ts';
import {
  arrival,
  failure,
  postponement,
  releaseAll,
  ruleOver,
} from '../../src/testing/catalog-contract/rules-harness.ts';
import type { OpenedForRules } from './rules-opened.ts';
import { LockOracle } from './lock-oracle.ts';
import { comeBack, lose, stayAway } from './model-stores.ts';
import { findBreaches } from './rule-invariants.ts';

const NAMES = ['a', 'b', 'c'];
const STATES: readonly (ReplicaState | 'drop')[] = [
  'AVAILABLE',
  'AVAILABLE',
  'drop',
  'BAD',
  'SUSPICIOUS',
  'UNVERIFIED',
  'TEMPORARY_UNAVAILABLE',
  'UNAVAILABLE',
  'BEING_DELETED',
];
const OUTCOMES = ['arrival', 'arrival', 'arrival', 'failure', 'postponement', 'cancelled', 'doubt'] as const;
const REASONS: readonly StuckReason['kind'][] = [
  'no-source',
  'sources-fail',
  'destination-fails',
  'destination-refuses',
];
const FACTS: readonly FactChange[] = ['source-appeared', 'store-returned', 'store-changed', 'space-freed', 'asked'];
const FINISHES = ['done', 'cancelled', 'retry', 'failed'] as const;
const EVENTS = ['deleted', 'suspended', 'resumed', 'content-changed', 'approved', 'denied'] as const;

const name = fc.nat(2);
const store = fc.nat(3);
const rule = fc.nat(2);
const step = fc.oneof(
  fc.record({ do: fc.constant('put'), name, text: fc.nat(40), stores: fc.nat(15) }),
  fc.record({ do: fc.constant('put'), name, text: fc.nat(40), stores: fc.constant(1) }),
  fc.record({ do: fc.constant('remove'), name }),
  fc.record({ do: fc.constant('replica'), name, store, version: fc.nat(1), state: fc.nat(STATES.length - 1) }),
  fc.record({ do: fc.constant('add'), target: fc.nat(4), purge: fc.boolean(), waits: fc.nat(4), account: fc.nat(1) }),
  fc.record({ do: fc.constant('apply'), rule, stores: fc.nat(15), pages: fc.nat(3), missing: fc.nat(3) }),
  fc.record({ do: fc.constant('apply'), rule, stores: fc.nat(15), pages: fc.constant(9), missing: fc.constant(0) }),
  fc.record({ do: fc.constant('tell'), rule, event: fc.nat(EVENTS.length - 1) }),
  fc.record({ do: fc.constant('update'), rule, target: fc.nat(4) }),
  fc.record({ do: fc.constant('claim'), limit: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant('settle'), outcomes: fc.array(fc.nat(OUTCOMES.length - 1), { maxLength: 5 }) }),
  fc.record({ do: fc.constant('settle'), outcomes: fc.constant([0, 0, 0, 0, 0, 0, 0]) }),
  fc.record({ do: fc.constant('finish'), how: fc.nat(FINISHES.length - 1) }),
  fc.record({ do: fc.constant('retry') }),
  fc.record({ do: fc.constant('hasten'), fact: fc.nat(FACTS.length - 1), store: fc.option(store, { nil: undefined }) }),
  fc.record({ do: fc.constant('limit'), store, bytes: fc.nat(80) }),
  fc.record({ do: fc.constant('reap'), store }),
  fc.record({ do: fc.constant('prune') }),
  fc.record({ do: fc.constant('move'), store, to: store, holds: fc.boolean() }),
  fc.record({ do: fc.constant('lose'), store }),
  fc.record({ do: fc.constant('away'), store, pages: fc.nat(4) }),
  fc.record({ do: fc.constant('back'), store, shows: fc.nat(5), ends: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** So that there is something to change: two rules over three objects, one of them applied. */
const BEGINNING: readonly Step[] = [
  { do: 'put', name: 0, text: 7, stores: 1 },
  { do: 'put', name: 1, text: 11, stores: 1 },
  { do: 'put', name: 2, text: 13, stores: 0 },
  { do: 'add', target: 4, purge: false, waits: 1, account: 0 },
  { do: 'add', target: 3, purge: true, waits: 1, account: 1 },
  { do: 'apply', rule: 0, stores: 14, pages: 9, missing: 0 },
];

/** Some copies are given up, asked for sooner, tried again, and given up once more. */
const STICKING: readonly Step[] = [
  { do: 'claim', limit: 5 },
  { do: 'settle', outcomes: [3, 3, 3, 0, 0] },
  { do: 'hasten', fact: 0, store: undefined },
  { do: 'retry' },
  { do: 'claim', limit: 5 },
  { do: 'settle', outcomes: [3, 3, 3, 3, 3] },
];

interface World {
  readonly contract: CatalogContract;
  readonly scope: TestScope;
  readonly stores: readonly string[];
  readonly account: string;
  readonly versions: Map<string, number[]>;
  readonly rules: number[];
  claimed: ClaimedRequest[];
}

/** What soaks have found. */
const FOUND: [boolean, Step[]][] = [
  [
    true,
    [
      { do: 'put', name: 1, text: 0, stores: 1 },
      { do: 'apply', rule: 0, stores: 0, pages: 9, missing: 0 },
      { do: 'move', store: 1, to: 3, holds: false },
    ],
  ],
];

/** Sequences of one catalog: what is checked after each step takes longer the more it holds. */
const RUNS_OF_ONE = 100;

/** After any sequence of anything, what the catalog keeps in sums is the sum of what is there, and nobody waits for nothing. */
export function checkRulesAgainstSums(open: () => Promise<OpenedForRules>, runs: number): void {
  it('has no lock that waits for nothing, and sums that are right, under random changes', async () => {
    for (let left = runs; left > 0; left -= RUNS_OF_ONE) await checkOne(open, Math.min(left, RUNS_OF_ONE));
  });
}

async function checkOne(open: () => Promise<OpenedForRules>, runs: number): Promise<void> {
  await using opened = await open();
  const contract = new CatalogContract(() => opened.catalog);
  let sequences = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(step, { minLength: 5, maxLength: process.env['PANDO_SOAK'] === '1' ? 40 : 25, size: 'max' }),
      async (sticks, steps) => {
        const scope = await contract.openScope();
        const account = `account-${++sequences}`;
        const stores = [scope.source, scope.near, scope.far, `${scope.far}-other`];
        await contract.catalog.openScope({
          name: scope.name,
          title: scope.name,
          source: scope.source,
          replicas: stores.slice(2).map((one) => ({ store: one, title: one, priority: 1 })),
          standing: false,
        });
        await contract.catalog.openScope({
          name: scope.name,
          title: scope.name,
          source: scope.source,
          replicas: [{ store: scope.near, title: 'near', priority: 1 }],
          standing: true,
        });
        const world: World = { contract, scope, stores, account, versions: new Map(), rules: [], claimed: [] };
        const oracle = new LockOracle(opened, scope.name);
        for (const one of [...BEGINNING, ...(sticks ? STICKING : []), ...steps]) {
          await opened.pass();
          await oracle.begin();
          await carryOut(world, one);
          // What is moved has other numbers.
          if (one.do !== 'move') await oracle.check();
          if (one.do === 'hasten') await oracle.checkHastened(FACTS[one.fact] ?? 'asked', storeOf(world, one.store));
          expect(await findBreaches(opened.query, { scope: scope.name, account }), JSON.stringify(one)).toEqual([]);
        }
        for (const id of world.rules) await contract.catalog.tellRule(id, 'deleted');
        for (const id of world.rules) await contract.catalog.tellRule(id, 'denied');
        await work(world, undefined);
        expect(await findBreaches(opened.query, { scope: scope.name, account })).toEqual([]);
        expect(await opened.query(`select 1 from rule where account like '${account}.%'`)).toEqual([]);
      },
    ),
    { numRuns: runs, examples: FOUND },
  );
}

async function carryOut(world: World, one: Step): Promise<void> {
  const { contract, scope, stores } = world;
  const { catalog } = contract;
  switch (one.do) {
    case 'put':
    case 'remove':
      return change(world, one);
    case 'replica': {
      const versionId = world.versions.get(NAMES[one.name] ?? '')?.at(-1 - one.version);
      const state = STATES[one.state] ?? 'drop';
      if (versionId === undefined) return;
      const token = `token ${versionId}`;
      const to = state === 'drop' ? state : { state, place: `${scope.name}/x`, token, verification: 'store' as const };
      const [name, at] = [NAMES[one.name] ?? '', stores[one.store] ?? ''];
      await catalog.record({ replicas: [{ scope: scope.name, name, versionId, store: at, to }] });
      return;
    }
    case 'add': {
      const words = { purge: one.purge, needsApproval: one.waits === 0, account: `${world.account}.${one.account}` };
      const targets = await targetsOf(world, one.target);
      const added = await catalog.addRule(ruleOver(scope, { ...words, targets }));
      if (added.kind === 'added') world.rules.push(added.id);
      return;
    }
    case 'apply':
      return work(world, one);
    case 'tell': {
      const id = world.rules[one.rule];
      if (id !== undefined) await catalog.tellRule(id, EVENTS[one.event] ?? 'deleted');
      return;
    }
    case 'update': {
      const id = world.rules[one.rule];
      const targets = await targetsOf(world, one.target);
      // One that says what another one says is refused as a whole.
      if (id !== undefined) await catalog.updateRule(id, { targets }).catch(() => undefined);
      return;
    }
    case 'claim':
      world.claimed.push(...(await contract.claim(scope, { limit: one.limit })));
      return;
    case 'settle':
      return settle(world, one.outcomes);
    case 'finish':
      return finish(world, FINISHES[one.how] ?? 'done');
    case 'retry':
      await catalog.hasten({ fact: 'asked' });
      await catalog.retryStuck(1000);
      return;
    case 'hasten': {
      const store = storeOf(world, one.store);
      await catalog.hasten({ fact: FACTS[one.fact] ?? 'asked', ...(store === undefined ? {} : { store }) });
      return;
    }
    case 'limit':
      await catalog.setStore(stores[one.store] ?? '', { allocatedBytes: one.bytes > 60 ? null : one.bytes });
      return;
    case 'reap':
      return reap(world, stores[one.store] ?? '');
    case 'prune':
      await catalog.prune(1000);
      return;
    case 'move': {
      const [from = '', to = ''] = [stores[one.store], stores[one.to]];
      await catalog.moveStore({ from, to, title: to, tokensHold: one.holds });
      return;
    }
    case 'away':
      return stayAway(contract, stores[one.store] ?? '', one.pages);
    case 'back':
      return comeBack(contract, stores[one.store] ?? '', one);
    case 'lose':
      await lose(contract, scope.name, NAMES, stores[one.store] ?? '');
  }
}

function storeOf({ stores }: World, at: number | undefined): string | undefined {
  return at === undefined ? undefined : stores[at];
}

async function change(world: World, one: Extract<Step, { do: 'put' | 'remove' }>): Promise<void> {
  const { contract, scope, stores } = world;
  const at = NAMES[one.name] ?? '';
  const versions = world.versions.get(at) ?? [];
  const given = one.do === 'put' ? stores.filter((_, index) => (one.stores >> index) % 2 === 1) : [];
  const [outcome] = await contract.record(
    contract.put(scope, at, {
      follows: versions.at(-1),
      content: one.do === 'remove' ? { kind: 'tombstone' } : contentOf('x'.repeat(one.text)),
      replicas: given.map((here) => ({
        store: here,
        state: 'AVAILABLE',
        place: at,
        token: 't',
        verification: 'store',
      })),
    }),
  );
  if (outcome?.kind === 'recorded') world.versions.set(at, [...versions, outcome.versionId]);
}

async function targetsOf({ contract, scope }: World, target: number) {
  const at = NAMES[target] ?? '';
  const object = await contract.catalog.readObject(scope.name, at);
  const isThere = object !== undefined && object.current.content.kind === 'object';
  if (isThere) return [{ kind: 'object', scope: scope.name, name: at } as const];
  return [{ kind: 'pattern', scope: scope.name, pattern: target === 3 ? '[ab]' : '*' } as const];
}

/** Works on what is due of this world: ends what ends, and applies the rule of the step, perhaps only its first pages. */
async function work(world: World, one: Extract<Step, { do: 'apply' }> | undefined): Promise<void> {
  const { catalog } = world.contract;
  const claimed = await catalog.claimRules({ owner: 'w', limit: 10_000, leaseMs: 60_000 });
  for (const { lease, work: what, position } of claimed) {
    if (what === 'end') await releaseAll(world.contract, lease, 2);
    else if (one !== undefined && lease.rule === world.rules[one.rule]) await apply(world, one, { lease, position });
    else await catalog.renewRules([lease], 0);
  }
}

async function apply(
  world: World,
  one: Extract<Step, { do: 'apply' }>,
  { lease, position }: { readonly lease: { rule: number; token: number }; readonly position: string | undefined },
): Promise<void> {
  const { catalog } = world.contract;
  const wanted = world.stores.filter((_, at) => (one.stores >> at) % 2 === 1);
  await releaseAll(world.contract, lease, 2);
  let after = position;
  for (let page = 0; page < one.pages; page++) {
    const { objects, next } = await catalog.readRulePage(lease.rule, {
      limit: 2,
      ...(after === undefined ? {} : { after }),
    });
    const applied = await catalog.applyRulePage({
      lease,
      isFirst: after === undefined,
      position: next,
      missingCopies: one.missing,
      missingWhy: 'there are too few stores',
      lookAgainAfterMs: 0,
      events: [],
      objects: objects.map(({ id, versionId, name: at, locks }) => ({
        id,
        versionId,
        locks: wanted
          .filter((here) => locks.every((lock) => lock.store !== here))
          .map((here) => ({ store: here, place: at })),
        releases: locks
          .filter((lock) => !wanted.includes(lock.store))
          .map((lock) => ({ store: lock.store, purge: false })),
      })),
    });
    after = next;
    if (applied.kind !== 'applied' || next === undefined) break;
  }
  // Whoever stops in between gives the rule back; it goes on where it was.
  await catalog.renewRules([lease], 0);
}

async function settle(world: World, outcomes: readonly number[]): Promise<void> {
  const { catalog } = world.contract;
  const requests = world.claimed.filter(({ kind }) => kind === 'copy');
  const told = requests.slice(0, outcomes.length).map((request, at) => {
    switch (OUTCOMES[outcomes[at] ?? 0] ?? 'arrival') {
      case 'arrival':
        return arrival(request);
      case 'failure':
        return stuckFailure(request, at);
      case 'postponement':
        return postponement(request);
      case 'cancelled':
        return arrival(request, { request: { state: 'CANCELLED', why: 'nobody wants it' }, replica: 'drop' });
      case 'doubt':
        return failure(request, { doubtedSources: [{ store: world.scope.source, token: 't' }] });
    }
  });
  const settled = await catalog.settleTransfers(told);
  // Told twice, an outcome changes nothing.
  expect(await catalog.settleTransfers(told)).toEqual(told.map(() => false));
  expect(settled).toHaveLength(told.length);
  world.claimed = world.claimed.filter((request) => !requests.slice(0, told.length).includes(request));
}

/** What it is stuck on, and for how long, differs from one to the next. */
function stuckFailure(request: ClaimedRequest, at: number) {
  const why = 'it failed each time';
  const { attempts } = request;
  return failure(request, {
    request: { state: 'FAILED', attempts, timesStuck: 1, afterMs: at % 2 === 0 ? 600_000 : 0, why },
    stuck: { kind: REASONS[at % REASONS.length] ?? 'no-source', detail: why },
  });
}

async function finish(world: World, kind: (typeof FINISHES)[number]): Promise<void> {
  const request = world.claimed.shift();
  if (request === undefined) return;
  const { lease, scope, name: at, versionId, store: here } = request;
  if (request.kind === 'delete' && kind === 'done') {
    await world.contract.catalog.record({ replicas: [{ scope, name: at, versionId, store: here, to: 'drop' }] });
  }
  const rest = { afterMs: 0, error: 'because' };
  await world.contract.catalog.finishRequests([{ lease, kind, ...rest }]);
}

async function reap(world: World, at: string): Promise<void> {
  const { catalog } = world.contract;
  const released = await catalog.listReleased(at, { limit: 10 });
  const good = new Map(
    released.map(({ objectId, copies }) => [
      objectId,
      copies.filter((copy) => copy.state === 'AVAILABLE' && copy.isCurrent).length,
    ]),
  );
  const condemned = await catalog.condemn(released, { exceptStores: [] });
  for (const [index, { objectId, isCurrent, state }] of released.entries()) {
    if (condemned[index] !== true) continue;
    if (state === 'AVAILABLE' && isCurrent) good.set(objectId, (good.get(objectId) ?? 0) - 1);
    expect(good.get(objectId)).toBeGreaterThan(0);
  }
}
