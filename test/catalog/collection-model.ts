import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CollectionKind } from '../../src/domain/collection/collection.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { CatalogContract, type TestScope } from '../../src/testing/catalog-contract/harness.ts';

const OBJECTS = ['o0', 'o1', 'o2'];
const COLLECTIONS = ['c0', 'c1', 'c2', 'c3', 'c4'];
const THINGS = [...OBJECTS, ...COLLECTIONS];

const collection = fc.constantFrom(...COLLECTIONS);
const things = fc.uniqueArray(fc.constantFrom(...THINGS), { minLength: 1, maxLength: 3 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('attach'), to: collection, things }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('detach'), to: collection, things }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close'), to: collection }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('open'), to: collection }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const graph = fc.tuple(
  ...COLLECTIONS.map(() =>
    fc.record({
      kind: fc.constantFrom<CollectionKind[]>('dataset', 'container', 'container'),
      isMonotonic: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    }),
  ),
);

interface ModelCollection {
  readonly kind: CollectionKind;
  readonly isMonotonic: boolean;
  isOpen: boolean;
  readonly members: Set<string>;
}

/** The graph of collections is at each moment what a naive model of it is, without cycles and without mixed kinds. */
export function checkCollectionsAgainstModel(open: () => Promise<Catalog>, runs: number): void {
  it('has the collections of a plain model, under random attaches, detaches and closes', {
    timeout: 120_000,
  }, async () => {
    await using catalog = await open();
    const contract = new CatalogContract(() => catalog);
    await fc.assert(
      fc.asyncProperty(graph, fc.array(step, { maxLength: 25 }), async (kinds, steps) => {
        const scope = await contract.openScope();
        await contract.record(...OBJECTS.map((one) => contract.put(scope, one)));
        const model = new Map<string, ModelCollection>();
        for (const [at, one] of COLLECTIONS.entries()) {
          const made = kinds[at] ?? { kind: 'dataset', isMonotonic: false };
          await catalog.putCollection({ scope: scope.name, name: one, ...made });
          model.set(one, { ...made, isOpen: true, members: new Set() });
        }
        for (const one of steps) await carryOut(catalog, scope, model, one);
        await compare(catalog, scope, model);
      }),
      { numRuns: runs },
    );
  });
}

async function carryOut(
  catalog: Catalog,
  { name: scope }: TestScope,
  model: Map<string, ModelCollection>,
  one: Step,
): Promise<void> {
  const parent = model.get(one.to) as ModelCollection;
  const at = { scope, name: one.to };
  if (!('things' in one)) {
    const isOpen = one.do === 'open';
    const { kind } = await catalog.setCollectionOpen(at, isOpen);
    expect(kind).toBe(parent.isOpen === isOpen ? 'unchanged' : 'changed');
    parent.isOpen = isOpen;
    return;
  }
  const named = one.things.map((name) => ({ scope, name }));
  const outcome = one.do === 'attach' ? await catalog.attach(at, named) : await catalog.detach(at, named);
  const changing = one.things.filter((thing) => parent.members.has(thing) === (one.do === 'detach'));
  const isRefused =
    !parent.isOpen ||
    (one.do === 'detach'
      ? parent.isMonotonic
      : one.things.some((thing) => !mayHold(parent.kind, model.get(thing)?.kind) || reaches(model, thing, one.to)));
  const count = changing.length;
  if (isRefused) expect(outcome.kind).toBe('refused');
  else expect(outcome).toEqual(count === 0 ? { kind: 'unchanged' } : { kind: 'changed', count });
  if (isRefused) return;
  for (const thing of changing) {
    if (one.do === 'attach') parent.members.add(thing);
    else parent.members.delete(thing);
  }
}

function mayHold(parent: CollectionKind, member: CollectionKind | undefined): boolean {
  return (parent === 'dataset') === (member === undefined);
}

/** Whether `to` is `from`, or in it by whatever way. */
function reaches(model: ReadonlyMap<string, ModelCollection>, from: string, to: string): boolean {
  return from === to || [...(model.get(from)?.members ?? [])].some((member) => reaches(model, member, to));
}

async function compare(
  catalog: Catalog,
  { name: scope }: TestScope,
  model: ReadonlyMap<string, ModelCollection>,
): Promise<void> {
  const listed = await catalog.listCollections({ scope, limit: 100 });
  expect(listed.map(({ name }) => name)).toEqual(COLLECTIONS);
  for (const [name, { kind, isOpen, isMonotonic, members }] of model) {
    const { members: found } = await catalog.listMembers({ scope, name }, { limit: 100 });
    expect(new Set(found.map((member) => member.name))).toEqual(members);
    for (const member of found) expect(mayHold(kind, member.kind === 'object' ? undefined : member.kind)).toBe(true);
    for (const member of found) expect(reaches(model, member.name, name)).toBe(false);
    expect(listed.find((one) => one.name === name)).toMatchObject({ kind, isOpen, isMonotonic, members: members.size });
    const content = new Set(OBJECTS.filter((object) => reaches(model, name, object)));
    expect((await catalog.sumCollection({ scope, name }))?.objects).toBe(content.size);
  }
  for (const thing of THINGS) {
    const parents = COLLECTIONS.filter((name) => model.get(name)?.members.has(thing));
    expect((await catalog.listParents({ scope, name: thing })).map(({ name }) => name)).toEqual(parents);
  }
}
