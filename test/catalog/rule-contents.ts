import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RulePage } from '../../src/ports/rules.ts';
import { CatalogContract, type TestScope } from '../../src/testing/catalog-contract/harness.ts';
import {
  addRule,
  applyRule,
  claimRule,
  releaseAll,
  ruleOver,
} from '../../src/testing/catalog-contract/rules-harness.ts';
import type { OpenedForRules } from './rules-opened.ts';

const DATASET = 1;
const CONTAINER = 2;

/** What collections hold, put into the tables by hand. */
class Collections {
  readonly #opened: OpenedForRules;
  readonly #scope: TestScope;

  constructor(opened: OpenedForRules, scope: TestScope) {
    this.#opened = opened;
    this.#scope = scope;
  }

  async make(name: string, kind: number): Promise<number> {
    await this.#opened.query(`insert into collection (scope, name, kind, is_open, monotonic, actor, counter, created_ms)
      select id, '${name}', ${kind}, 1, 0, 1, 1, 0 from scope where name = '${this.#scope.name}'`);
    const [row] = await this.#opened.query(`select c.id from collection c join scope s on s.id = c.scope
      where s.name = '${this.#scope.name}' and c.name = '${name}'`);
    return Number(row?.[0]);
  }

  async add(dataset: number, name: string): Promise<void> {
    await this.#opened.query(`insert into dataset_object (dataset, object, actor, counter)
      select ${dataset}, o.id, 1, 1 from object o join scope s on s.id = o.scope
      where s.name = '${this.#scope.name}' and o.name = '${name}'`);
  }

  async remove(dataset: number, name: string): Promise<void> {
    await this.#opened.query(`delete from dataset_object where dataset = ${dataset} and object in (select o.id from object o
      join scope s on s.id = o.scope where s.name = '${this.#scope.name}' and o.name = '${name}')`);
  }

  async nest(container: number, collection: number): Promise<void> {
    await this.#opened.query(`insert into container_collection (container, collection, actor, counter)
      values (${container}, ${collection}, 1, 1)`);
  }
}

async function readAll(contract: CatalogContract, rule: number, limit: number): Promise<RulePage[]> {
  const pages: RulePage[] = [];
  let after: string | undefined;
  do {
    const page = await contract.catalog.readRulePage(rule, { limit, ...(after === undefined ? {} : { after }) });
    pages.push(page);
    after = page.next;
  } while (after !== undefined);
  await expectSameByTargets(contract, rule, { limit, pages });
  return pages;
}

/** What a rule holds is what its targets would hold without it, but for locks. */
async function expectSameByTargets(
  contract: CatalogContract,
  rule: number,
  { limit, pages }: { readonly limit: number; readonly pages: readonly RulePage[] },
): Promise<void> {
  const { catalog } = contract;
  const targets = (await catalog.readRule(rule))?.targets ?? [];
  const same: RulePage[] = [];
  let after: string | undefined;
  do {
    const page = await catalog.readTargetPage(targets, { limit, ...(after === undefined ? {} : { after }) });
    same.push(page);
    after = page.next;
  } while (after !== undefined);
  const told = (all: readonly RulePage[]) =>
    all.flatMap(({ dataset, objects }) => objects.map((object) => ({ ...object, dataset, locks: [] })));
  // Targets that were deleted make pages of a rule, and none of what is only thought of.
  expect(told(same)).toEqual(told(pages));
  const bytes = pages.flatMap(({ objects }) => objects).reduce((sum, object) => sum + object.bytes, 0);
  expect((await catalog.sumTargetGroup(targets, undefined)).bytes).toBe(bytes);
}

/** The content of rules over collections, however these are nested. */
export function checkRuleContents(open: () => Promise<OpenedForRules>, runs: number): void {
  it('is reached through containers of any depth, each object through the smallest dataset', async () => {
    await using opened = await open();
    const contract = new CatalogContract(() => opened.catalog);
    const scope = await contract.openScope();
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await contract.putWithReplicas(scope, name, [scope.source]);
    const collections = new Collections(opened, scope);
    const [one, two] = [await collections.make('one', DATASET), await collections.make('two', DATASET)];
    const [top, middle] = [await collections.make('top', CONTAINER), await collections.make('middle', CONTAINER)];
    for (const name of ['c', 'b']) await collections.add(one, name);
    for (const name of ['b', 'd', 'a']) await collections.add(two, name);
    await collections.nest(top, middle);
    await collections.nest(middle, two);
    await collections.nest(top, one);
    const rule = await addRule(
      contract,
      ruleOver(scope, {
        grouping: 'dataset',
        targets: [
          { kind: 'collection', scope: scope.name, name: 'top' },
          { kind: 'object', scope: scope.name, name: 'e' },
          { kind: 'object', scope: scope.name, name: 'a' },
        ],
      }),
    );
    for (const limit of [1, 2, 10]) {
      const pages = (await readAll(contract, rule, limit)).filter(({ objects }) => objects.length > 0);
      expect(pages.map(({ dataset }) => dataset?.name)).toEqual(
        {
          1: ['one', 'one', 'two', 'two', undefined],
          2: ['one', 'two', 'two', undefined],
          10: ['one', 'two', undefined],
        }[limit],
      );
      expect(pages.flatMap(({ objects }) => objects.map(({ name }) => name))).toEqual(['b', 'c', 'a', 'd', 'e']);
    }
    await applyRule(contract, rule, [scope.source], { pageSize: 2 });
    const group = await contract.catalog.sumRuleGroup(rule, { scope: scope.name, name: 'two' });
    expect(group).toEqual({ bytes: 2, stores: [{ store: scope.source, heldBytes: 2, lockedBytes: 2 }] });
    expect(await contract.catalog.sumRuleGroup(rule, undefined)).toMatchObject({ bytes: 5 });
    for (const name of ['b', 'two', 'middle', 'top']) {
      expect(await contract.catalog.listRulesOf({ scope: scope.name, name })).toMatchObject([{ id: rule }]);
    }
    expect(await contract.catalog.listRulesOf({ scope: scope.name, name: 'one' })).toHaveLength(1);

    await collections.remove(two, 'd');
    await collections.remove(two, 'a');
    await contract.catalog.tellRule(rule, 'content-changed');
    const { lease } = await claimRule(contract, rule);
    expect(await releaseAll(contract, lease)).toBe(1);
    const left = await contract.catalog.listLocks({ rule, limit: 10 });
    expect(left.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'e']);
  });

  it('comes back when what was deleted is put again', async () => {
    await using opened = await open();
    const contract = new CatalogContract(() => opened.catalog);
    const scope = await contract.openScope();
    const first = await contract.putWithReplicas(scope, 'a', [scope.source]);
    const collections = new Collections(opened, scope);
    await collections.add(await collections.make('d', DATASET), 'a');
    const targets = [{ kind: 'collection', scope: scope.name, name: 'd' } as const];
    const rule = await addRule(contract, ruleOver(scope, { targets }));
    await applyRule(contract, rule, [scope.source]);
    const deleted = await contract.recordOne(contract.remove(scope, 'a', first));
    expect((await readAll(contract, rule, 10)).flatMap(({ objects }) => objects)).toEqual([]);
    expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'OK' });
    await contract.recordOne(contract.put(scope, 'a', { follows: deleted }));
    expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'INJECT' });
    expect((await readAll(contract, rule, 10)).flatMap(({ objects }) => objects)).toMatchObject([{ name: 'a' }]);
  });

  it('holds each object once, whatever overlaps, and all that is reached', async () => {
    await using opened = await open();
    const contract = new CatalogContract(() => opened.catalog);
    const names = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2'];
    const patterns = ['a*', '*1', 'b?', '*'];
    const members = fc.array(fc.nat(names.length - 1), { maxLength: 8 });
    const made = fc.record({
      datasets: fc.array(members, { minLength: 1, maxLength: 5 }),
      containers: fc.array(fc.array(fc.nat(6), { maxLength: 4 }), { maxLength: 3 }),
      targets: fc.array(fc.nat(15), { minLength: 1, maxLength: 6 }),
      deleted: fc.nat(11),
      limit: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(made, async ({ datasets, containers, targets, deleted, limit }) => {
        const scope = await contract.openScope();
        for (const name of names) await contract.putWithReplicas(scope, name, [scope.source]);
        const collections = new Collections(opened, scope);
        const ids: number[] = [];
        const holds: ReadonlySet<string>[] = [];
        for (const [at, objects] of datasets.entries()) {
          const id = await collections.make(`collection-${at}`, DATASET);
          const held = new Set(objects.map((index) => names[index] ?? ''));
          for (const name of held) await collections.add(id, name);
          ids.push(id);
          holds.push(held);
        }
        for (const [at, children] of containers.entries()) {
          const id = await collections.make(`collection-${datasets.length + at}`, CONTAINER);
          const nested = new Set(children.filter((child) => child < ids.length));
          for (const child of nested) await collections.nest(id, ids[child] ?? 0);
          ids.push(id);
          holds.push(new Set([...nested].flatMap((child) => [...(holds[child] ?? [])])));
        }
        const wanted = targets.map((target) => targetOf(scope, target, ids.length));
        const rule = await addRule(contract, ruleOver(scope, { targets: wanted, account: `of ${scope.name}` }));
        const gone = names[deleted];
        if (gone !== undefined) {
          const { current } = await contract.read(scope, gone);
          await contract.recordOne(contract.remove(scope, gone, current.id));
        }
        const expected = new Set<string>();
        for (const target of targets) for (const name of reachedBy(target, holds)) expected.add(name);
        expected.delete(gone ?? '');
        const found = (await readAll(contract, rule, limit)).flatMap(({ objects }) => objects.map(({ name }) => name));
        expect(found.toSorted()).toEqual([...expected].toSorted());
        for (const name of expected) {
          const of = await contract.catalog.listRulesOf({ scope: scope.name, name });
          expect(of.map(({ id }) => id)).toContain(rule);
        }
      }),
      { numRuns: runs },
    );

    function targetOf(scope: TestScope, target: number, collections: number) {
      const at = { scope: scope.name };
      if (target < names.length) return { ...at, kind: 'object', name: names[target] ?? '' } as const;
      if (target < names.length + patterns.length) {
        return { ...at, kind: 'pattern', pattern: patterns[target - names.length] ?? '' } as const;
      }
      return { ...at, kind: 'collection', name: `collection-${(target - 10) % collections}` } as const;
    }

    function reachedBy(target: number, holds: readonly ReadonlySet<string>[]): readonly string[] {
      if (target < names.length) return [names[target] ?? ''];
      const fits = [/^a/, /1$/, /^b/, /./][target - names.length];
      if (fits !== undefined) return names.filter((name) => fits.test(name));
      return [...(holds[(target - 10) % holds.length] ?? [])];
    }
  });
}
