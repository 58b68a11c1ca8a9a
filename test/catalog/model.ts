import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ReplicaState } from '../../src/domain/replica/replica.ts';
import type { Catalog, ChangeOutcome } from '../../src/ports/catalog.ts';
import { CatalogContract, contentOf, type TestScope } from '../../src/testing/catalog-contract/harness.ts';

const NAMES = ['a', 'b', 'c'];

/** What may be done, with choices that mostly make sense: one time in six the writer saw something else. */
const step = fc.oneof(
  fc.record({ do: fc.constant('put'), name: fc.nat(2), text: fc.nat(3), stores: fc.nat(7), stale: fc.nat(5) }),
  fc.record({ do: fc.constant('remove'), name: fc.nat(2), stale: fc.nat(5) }),
  fc.record({ do: fc.constant('copy'), name: fc.nat(2), store: fc.nat(2), version: fc.nat(3) }),
  fc.record({ do: fc.constant('drop'), name: fc.nat(2), store: fc.nat(2), version: fc.nat(3) }),
  fc.record({ do: fc.constant('prune') }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelObject {
  /** Texts of all versions, oldest first; undefined is a tombstone. */
  readonly versions: { readonly id: number; readonly text: string | undefined }[];
  /** State by store and version. */
  readonly replicas: Map<string, ReplicaState>;
}

/** The catalog does what a model of twenty lines does, whatever comes in whatever order. */
export function checkAgainstModel(open: () => Promise<Catalog>, runs: number): void {
  it('is at each moment what a plain model of it is, under random changes', { timeout: 120_000 }, async () => {
    await using catalog = await open();
    const contract = new CatalogContract(() => catalog);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const scope = await contract.openScope();
        const model = new Map<string, ModelObject>();
        for (const one of steps) {
          await carryOut(contract, scope, model, one);
          await compare(contract, scope, model);
        }
      }),
      { numRuns: runs },
    );
  });
}

async function carryOut(contract: CatalogContract, scope: TestScope, model: Map<string, ModelObject>, one: Step) {
  if (one.do === 'prune') {
    await contract.catalog.prune(10_000);
    return;
  }
  const name = NAMES[one.name] ?? '';
  const stores = [scope.source, scope.near, scope.far];
  const object = model.get(name);
  if (one.do === 'put' || one.do === 'remove') {
    const text = one.do === 'put' ? `text ${one.text}` : undefined;
    const given = one.do === 'put' ? stores.filter((_, at) => (one.stores >> at) % 2 === 1) : [];
    const follows = one.stale === 0 ? object?.versions.at(-2)?.id : object?.versions.at(-1)?.id;
    const change = contract.put(scope, name, {
      follows,
      content: text === undefined ? { kind: 'tombstone' } : contentOf(text),
      replicas: given.map((store) => ({ ...available, store })),
    });
    const [outcome] = await contract.record(change);
    expectOutcome(outcome, object, { follows, text });
    if (outcome?.kind !== 'recorded' && outcome?.kind !== 'repeated') return;
    const changed: ModelObject = object ?? { versions: [], replicas: new Map() };
    model.set(name, changed);
    if (outcome.kind === 'recorded') changed.versions.push({ id: outcome.versionId, text });
    for (const store of given) changed.replicas.set(`${store} ${outcome.versionId}`, 'AVAILABLE');
    if (text === undefined) condemn(changed);
    return;
  }
  const version = object?.versions.at(-1 - one.version)?.id;
  if (object === undefined || version === undefined || isPruned(object, version)) return;
  const key = `${stores[one.store]} ${version}`;
  const to = one.do === 'drop' ? 'drop' : available;
  await contract.catalog.record({
    replicas: [{ scope: scope.name, name, versionId: version, store: stores[one.store] ?? '', to }],
  });
  if (one.do === 'drop') object.replicas.delete(key);
  else {
    object.replicas.set(key, 'AVAILABLE');
    if (object.versions.at(-1)?.text === undefined) condemn(object);
  }
}

const available = { state: 'AVAILABLE', place: 'place', token: 't', verification: 'written' } as const;

function condemn(object: ModelObject): void {
  for (const key of object.replicas.keys()) object.replicas.set(key, 'BEING_DELETED');
}

/** Whether `prune` may have forgotten it: then what is said of it has no effect, and the model says nothing. */
function isPruned(object: ModelObject, version: number): boolean {
  const held = [...object.replicas.keys()].some((key) => key.endsWith(` ${version}`));
  return object.versions.at(-1)?.id !== version && !held;
}

function expectOutcome(
  outcome: ChangeOutcome | undefined,
  object: ModelObject | undefined,
  asked: { readonly follows: number | undefined; readonly text: string | undefined },
): void {
  const current = object?.versions.at(-1);
  if (asked.follows === current?.id) expect(outcome?.kind).toBe('recorded');
  else if (current !== undefined && current.text === asked.text) {
    expect(outcome).toEqual({ kind: 'repeated', versionId: current.id });
  } else expect(outcome).toEqual({ kind: 'conflict', currentId: current?.id });
}

async function compare(contract: CatalogContract, scope: TestScope, model: Map<string, ModelObject>): Promise<void> {
  for (const name of NAMES) {
    const expected = model.get(name);
    const found = await contract.catalog.readObject(scope.name, name);
    expect(found?.current.id).toBe(expected?.versions.at(-1)?.id);
    if (found === undefined || expected === undefined) continue;
    const text = expected.versions.at(-1)?.text;
    expect(found.current.content).toEqual(text === undefined ? { kind: 'tombstone' } : contentOf(text));
    const states = found.replicas.map(({ store, versionId, state }) => [`${store} ${versionId}`, state] as const);
    expect(new Map(states)).toEqual(expected.replicas);
  }
  const alive = NAMES.filter((name) => model.get(name)?.versions.at(-1)?.text !== undefined);
  const page = await contract.catalog.scanScope({
    scope: scope.name,
    prefix: '',
    limit: 10,
    stores: [],
    details: true,
    deleted: false,
  });
  expect(page.names).toEqual(alive);
}
