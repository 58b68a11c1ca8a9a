import { beforeEach, describe, expect, it } from 'vitest';
import type { CollectionKind, CollectionProblemKind } from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { CollectionOutcome, MemberRecord, NewMember } from '../../ports/collections.ts';
import { type CatalogContract, contentOf, sha256Of, type TestScope } from './harness.ts';

/** Duties of the verbs on collections. */
export function describeCollections(contract: CatalogContract): void {
  let scope: TestScope;
  beforeEach(async () => {
    scope = await contract.openScope();
  });

  describe('putCollection', () => {
    it('makes an open collection, and the same again changes nothing, also once it is closed', async () => {
      const wanted = { ...name('runs'), kind: 'dataset', isMonotonic: false } as const;
      expect(await contract.catalog.putCollection(wanted)).toEqual({ kind: 'changed', count: 1 });
      expect(await contract.catalog.readCollection(wanted)).toMatchObject({ ...wanted, isOpen: true, members: 0 });
      expect(await contract.catalog.putCollection(wanted)).toEqual({ kind: 'unchanged' });
      await contract.catalog.setCollectionOpen(wanted, false);
      expect(await contract.catalog.putCollection(wanted)).toEqual({ kind: 'unchanged' });
      expect(await contract.catalog.readCollection(wanted)).toMatchObject({ isOpen: false });
    });

    it('makes the scope too, which then has no source, and objects may be recorded in it', async () => {
      const own = { ...scope, name: `user.${scope.name}` };
      await contract.catalog.putCollection({ scope: own.name, name: 'd', kind: 'dataset', isMonotonic: false });
      await contract.recordOne(contract.put(own, 'a'));
      expect(await attach({ scope: own.name, name: 'd' }, [{ scope: own.name, name: 'a' }])).toMatchObject({
        count: 1,
      });
    });

    it('is refused where a collection of another kind, or an object, has the name; not where the object was deleted', async () => {
      await make('dataset', 'runs');
      expectRefused(await put('container', 'runs'), 'other-collection');
      expectRefused(await put('dataset', 'runs', true), 'other-collection');
      const id = await contract.recordOne(contract.put(scope, 'a'));
      expectRefused(await put('dataset', 'a'), 'name-taken');
      await contract.recordOne(contract.remove(scope, 'a', id));
      expect(await put('dataset', 'a')).toEqual({ kind: 'changed', count: 1 });
    });

    it('of one name by many at once makes one', async () => {
      const kinds = ['dataset', 'container', 'dataset', 'container'] as const;
      const outcomes = await Promise.all(kinds.map((kind) => put(kind, 'runs')));
      expect(outcomes.filter(({ kind }) => kind === 'changed')).toHaveLength(1);
      const made = kinds[outcomes.findIndex(({ kind }) => kind === 'changed')];
      expect(await contract.catalog.readCollection(name('runs'))).toMatchObject({ kind: made });
    });
  });

  describe('attach', () => {
    it('adds objects to a dataset, once each, and counts those that came', async () => {
      await make('dataset', 'd');
      await objects('a', 'b', 'c');
      expect(await attach(name('d'), ['a', 'b', 'a'].map(name))).toEqual({ kind: 'changed', count: 2 });
      expect(await attach(name('d'), ['b', 'c'].map(name))).toEqual({ kind: 'changed', count: 1 });
      expect(await attach(name('d'), ['a', 'b', 'c'].map(name))).toEqual({ kind: 'unchanged' });
      expect(await attach(name('d'), [])).toEqual({ kind: 'unchanged' });
      expect(await members('d')).toEqual(['a', 'b', 'c']);
      expect(await contract.catalog.readCollection(name('d'))).toMatchObject({ members: 3 });
    });

    it('adds objects of any scope, and collections to a container', async () => {
      const other = await contract.openScope();
      await contract.recordOne(contract.put(other, 'a'));
      await make('dataset', 'd');
      await make('container', 'c');
      await make('container', 'top');
      expect(await attach(name('d'), [{ scope: other.name, name: 'a' }])).toMatchObject({ count: 1 });
      expect(await attach(name('c'), [name('d')])).toMatchObject({ count: 1 });
      expect(await attach(name('top'), [name('c'), name('d')])).toMatchObject({ count: 2 });
      expect(await page('d')).toEqual([
        { scope: other.name, name: 'a', kind: 'object', size: 1, isDeleted: false } satisfies MemberRecord,
      ]);
      expect(await page('top')).toEqual([
        { ...name('d'), kind: 'dataset', size: undefined, isDeleted: false },
        { ...name('c'), kind: 'container', size: undefined, isDeleted: false },
      ] satisfies MemberRecord[]);
    });

    it('takes an object as the caller sees it, by size and sha256, or refuses it', async () => {
      await make('dataset', 'd');
      await objects('a');
      await contract.recordOne(contract.put(scope, 'seen', { content: contentOf('seen', { sha256: undefined }) }));
      const right = { ...name('a'), size: 1, sha256: sha256Of('a').toUpperCase() };
      expectRefused(await attach(name('d'), [{ ...right, size: 2 }]), 'differs');
      expectRefused(await attach(name('d'), [{ ...right, sha256: sha256Of('b') }]), 'differs');
      expectRefused(await attach(name('d'), [{ ...name('seen'), sha256: sha256Of('seen') }]), 'unread');
      expect(await members('d')).toEqual([]);
      expect(await attach(name('d'), [right, { ...name('seen'), size: 4 }])).toMatchObject({ count: 2 });
    });

    it('refuses what does not belong there, all at once, and then adds nothing', async () => {
      await make('dataset', 'd');
      await make('container', 'c');
      await objects('a');
      const gone = await contract.recordOne(contract.put(scope, 'gone'));
      await contract.recordOne(contract.remove(scope, 'gone', gone));
      const asked = [name('a'), name('none'), name('gone'), name('c'), { scope: 'never-opened', name: 'a' }];
      const outcome = await attach(name('d'), asked);
      expectRefused(outcome, 'unknown', 'deleted', 'wrong-kind', 'unknown');
      expect(outcome.kind === 'refused' && outcome.problems[0]).toMatchObject({
        ...name('none'),
        message: `there is no object ${scope.name}:none`,
      });
      expect(await members('d')).toEqual([]);
      expectRefused(await attach(name('c'), [name('a'), name('none'), name('d')]), 'wrong-kind', 'unknown');
      expect(await members('c')).toEqual([]);
      expectRefused(await attach(name('nowhere'), [name('a')]), 'unknown');
    });

    it('refuses itself, and what holds it by whatever way', async () => {
      for (const one of ['c1', 'c2', 'c3', 'c4']) await make('container', one);
      expectRefused(await attach(name('c1'), [name('c1')]), 'cycle');
      await attach(name('c1'), [name('c2')]);
      await attach(name('c2'), [name('c3'), name('c4')]);
      expectRefused(await attach(name('c3'), [name('c1'), name('c4')]), 'cycle');
      expect(await members('c3')).toEqual([]);
      expect(await attach(name('c3'), [name('c4')])).toMatchObject({ count: 1 });
      await contract.catalog.detach(name('c1'), [name('c2')]);
      expect(await attach(name('c3'), [name('c1')])).toMatchObject({ count: 1 });
    });

    it('by several at once makes no cycle that none of them alone would make', async () => {
      for (let round = 0; round < 8; round++) {
        const at = (text: string): ObjectName => name(`${text}-${round}`);
        for (const one of ['a', 'b', 'c', 'd']) await make('container', at(one).name);
        await attach(at('b'), [at('c')]);
        await attach(at('d'), [at('a')]);
        const outcomes = await Promise.all([attach(at('a'), [at('b')]), attach(at('c'), [at('d')])]);
        expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['changed', 'refused']);
      }
    });

    it('of one member by many at once adds it once', async () => {
      await make('dataset', 'd');
      await objects('a', 'b');
      const outcomes = await Promise.all([1, 2, 3, 4].map(() => attach(name('d'), [name('a'), name('b')])));
      expect(outcomes.filter(({ kind }) => kind === 'changed')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'unchanged')).toHaveLength(3);
    });

    it('costs a number for each member that comes or goes, and none otherwise', async () => {
      await make('dataset', 'd');
      await objects('a', 'b');
      const counter = async (): Promise<number> => (await contract.catalog.site()).counter;
      const before = await counter();
      await attach(name('d'), [name('a'), name('b')]);
      expect(await counter()).toBe(before + 2);
      await attach(name('d'), [name('a'), name('b')]);
      await attach(name('d'), [name('none')]);
      expect(await counter()).toBe(before + 2);
      await contract.catalog.detach(name('d'), [name('b')]);
      expect(await counter()).toBe(before + 3);
    });
  });

  describe('detach', () => {
    it('takes members out, and passes over what is none', async () => {
      await make('dataset', 'd');
      await objects('a', 'b', 'c');
      await attach(name('d'), ['a', 'b'].map(name));
      const asked = ['a', 'c', 'none'].map(name);
      expect(await contract.catalog.detach(name('d'), asked)).toEqual({ kind: 'changed', count: 1 });
      expect(await contract.catalog.detach(name('d'), asked)).toEqual({ kind: 'unchanged' });
      expect(await members('d')).toEqual(['b']);
      expectRefused(await contract.catalog.detach(name('nowhere'), asked), 'unknown');
    });

    it('takes out an object that was deleted, which stays a member until then', async () => {
      await make('dataset', 'd');
      const id = await contract.recordOne(contract.put(scope, 'a'));
      await attach(name('d'), [name('a')]);
      await contract.recordOne(contract.remove(scope, 'a', id));
      expect(await page('d')).toMatchObject([{ name: 'a', isDeleted: true }]);
      expect(await contract.catalog.detach(name('d'), [name('a')])).toMatchObject({ count: 1 });
    });
  });

  describe('a closed collection', () => {
    it('neither takes nor gives until it is open again', async () => {
      await make('dataset', 'd');
      await objects('a', 'b');
      await attach(name('d'), [name('a')]);
      expect(await contract.catalog.setCollectionOpen(name('d'), false)).toEqual({ kind: 'changed', count: 1 });
      expect(await contract.catalog.setCollectionOpen(name('d'), false)).toEqual({ kind: 'unchanged' });
      expectRefused(await attach(name('d'), [name('b')]), 'closed');
      expectRefused(await contract.catalog.detach(name('d'), [name('a')]), 'closed');
      expect(await contract.catalog.setCollectionOpen(name('d'), true)).toEqual({ kind: 'changed', count: 1 });
      expect(await attach(name('d'), [name('b')])).toMatchObject({ count: 1 });
      expectRefused(await contract.catalog.setCollectionOpen(name('nowhere'), false), 'unknown');
    });
  });

  describe('a monotonic collection', () => {
    it('takes, and never gives', async () => {
      await make('dataset', 'd', true);
      await objects('a', 'b');
      await attach(name('d'), [name('a')]);
      expectRefused(await contract.catalog.detach(name('d'), [name('a')]), 'monotonic');
      expectRefused(await contract.catalog.detach(name('d'), [name('b')]), 'monotonic');
      expect(await attach(name('d'), [name('b')])).toMatchObject({ count: 1 });
    });
  });

  describe('reading collections', () => {
    it('lists them by name in byte order, by scope and kind, page by page', async () => {
      const names = ['b', 'a', 'ü', 'Z', 'c'];
      for (const [at, one] of names.entries()) await make(at % 2 === 0 ? 'dataset' : 'container', one);
      const list = (kind?: CollectionKind, after?: ObjectName, limit = 100) =>
        contract.catalog.listCollections({
          scope: scope.name,
          limit,
          ...(kind === undefined ? {} : { kind }),
          ...(after === undefined ? {} : { after }),
        });
      expect((await list()).map((one) => one.name)).toEqual(['Z', 'a', 'b', 'c', 'ü']);
      expect((await list('container')).map((one) => one.name)).toEqual(['Z', 'a']);
      expect((await list(undefined, name('a'), 2)).map((one) => one.name)).toEqual(['b', 'c']);
      const all = await contract.catalog.listCollections({ limit: 1000, after: { scope: scope.name, name: '' } });
      expect(all.filter((one) => one.scope === scope.name)).toHaveLength(5);
      expect(await contract.catalog.readCollection(name('nowhere'))).toBeUndefined();
      expect(await contract.catalog.readCollection({ scope: 'never-opened', name: 'a' })).toBeUndefined();
    });

    it('gives members page by page', async () => {
      await make('dataset', 'd');
      await objects('a', 'b', 'c', 'e');
      await attach(name('d'), ['a', 'b', 'c', 'e'].map(name));
      const first = await contract.catalog.listMembers(name('d'), { limit: 3 });
      expect(first.members.map((one) => one.name)).toEqual(['a', 'b', 'c']);
      const second = await contract.catalog.listMembers(name('d'), { limit: 3, after: first.next ?? 0 });
      expect(second).toMatchObject({ members: [{ name: 'e' }], next: undefined });
      const exact = await contract.catalog.listMembers(name('d'), { limit: 4 });
      expect(exact.next).toBeUndefined();
    });

    it('tells the direct parents of objects and of collections', async () => {
      await make('dataset', 'd2');
      await make('dataset', 'd1');
      await make('container', 'c');
      await objects('a');
      await attach(name('d1'), [name('a')]);
      await attach(name('d2'), [name('a')]);
      await attach(name('c'), [name('d1')]);
      expect((await contract.catalog.listParents(name('a'))).map((one) => one.name)).toEqual(['d1', 'd2']);
      expect(await contract.catalog.listParents(name('d1'))).toMatchObject([{ name: 'c', kind: 'container' }]);
      expect(await contract.catalog.listParents(name('c'))).toEqual([]);
    });

    it('sums up what is in it by whatever way, once', async () => {
      for (const one of ['d1', 'd2']) await make('dataset', one);
      for (const one of ['c', 'top']) await make('container', one);
      await objects('a', 'bb', 'ccc');
      const gone = await contract.recordOne(contract.put(scope, 'gone'));
      await attach(name('d1'), ['a', 'bb', 'gone'].map(name));
      await attach(name('d2'), ['bb', 'ccc'].map(name));
      await attach(name('c'), [name('d1')]);
      await attach(name('top'), ['c', 'd1', 'd2'].map(name));
      await contract.recordOne(contract.remove(scope, 'gone', gone));
      const sum = { collections: 3, objects: 3, bytes: 6, deletedObjects: 1 };
      expect(await contract.catalog.sumCollection(name('top'))).toEqual(sum);
      expect(await contract.catalog.sumCollection(name('d2'))).toMatchObject({ collections: 0, objects: 2, bytes: 5 });
      expect(await contract.catalog.sumCollection(name('nowhere'))).toBeUndefined();
    });
  });

  function name(text: string): ObjectName {
    return { scope: scope.name, name: text };
  }

  function put(kind: CollectionKind, text: string, isMonotonic = false): Promise<CollectionOutcome> {
    return contract.catalog.putCollection({ ...name(text), kind, isMonotonic });
  }

  async function make(kind: CollectionKind, text: string, isMonotonic = false): Promise<void> {
    expect(await put(kind, text, isMonotonic)).toEqual({ kind: 'changed', count: 1 });
  }

  async function objects(...names: readonly string[]): Promise<void> {
    await contract.record(...names.map((one) => contract.put(scope, one)));
  }

  function attach(parent: ObjectName, wanted: readonly NewMember[]): Promise<CollectionOutcome> {
    return contract.catalog.attach(parent, wanted);
  }

  async function page(parent: string): Promise<readonly MemberRecord[]> {
    return (await contract.catalog.listMembers(name(parent), { limit: 100 })).members;
  }

  async function members(parent: string): Promise<readonly string[]> {
    return (await page(parent)).map((one) => one.name);
  }
}

function expectRefused(outcome: CollectionOutcome, ...kinds: readonly CollectionProblemKind[]): void {
  expect(outcome.kind === 'refused' ? outcome.problems.map(({ kind }) => kind) : outcome).toEqual(kinds);
}
