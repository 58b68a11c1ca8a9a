import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { ChangeOutcome } from '../../ports/catalog.ts';
import { type CatalogContract, contentOf, expectKind, type TestScope } from './harness.ts';

/** Duties of `record` towards collections, and of the traits of objects. */
export function describeCollectionsInTheWay(contract: CatalogContract): void {
  let scope: TestScope;
  let first: number;
  beforeEach(async () => {
    scope = await contract.openScope();
    first = await contract.recordOne(contract.put(scope, 'a'));
  });

  describe('an object of a closed or monotonic dataset', () => {
    it('takes no new version from who heeds collections, and says why', async () => {
      await freeze('closed');
      await contract.catalog.putCollection({ ...name('kept'), kind: 'dataset', isMonotonic: true });
      await contract.catalog.attach(name('kept'), [name('a')]);
      const [outcome] = await overwrite({ heedsCollections: true });
      expect(outcome).toMatchObject({
        kind: 'refused',
        problems: [
          { kind: 'frozen', ...name('a'), message: `${scope.name}:a is in the closed dataset ${scope.name}:closed` },
          { kind: 'frozen', message: `${scope.name}:a is in the monotonic dataset ${scope.name}:kept` },
        ],
      });
      expect((await contract.read(scope, 'a')).current.id).toBe(first);
      expect(await contract.catalog.listObstacles(name('a'))).toMatchObject([{ kind: 'frozen' }, { kind: 'frozen' }]);
      expect(await events()).toEqual([]);
    });

    it('is refused alone: its neighbours are recorded, and what the batch fulfils is not', async () => {
      await freeze('closed');
      const intent = contract.intent(scope, 'a');
      await contract.catalog.addIntent(intent);
      const refused = contract.put(scope, 'a', { follows: first, content: contentOf('2'), heedsCollections: true });
      const { changes } = await contract.catalog.record({
        changes: [refused, contract.put(scope, 'b', { heedsCollections: true })],
        fulfils: intent.operation,
      });
      expect(changes.map(({ kind }) => kind)).toEqual(['refused', 'recorded']);
      const intents = await contract.catalog.listIntents();
      expect(intents.some(({ operation }) => operation === intent.operation)).toBe(true);
      await contract.catalog.removeIntent(intent.operation);
    });

    it('that is changed all the same is told by an event', async () => {
      await freeze('closed');
      const [outcome] = await overwrite({});
      expect(outcome?.kind).toBe('recorded');
      const { id } = (await contract.read(scope, 'a')).current;
      await contract.recordOne({ ...contract.remove(scope, 'a', id), heedsCollections: true });
      expect(await events()).toEqual([
        `it has a new version, and is in the closed dataset ${scope.name}:closed`,
        `it was deleted, and is in the closed dataset ${scope.name}:closed`,
      ]);
      expect(
        await contract.record(contract.put(scope, 'a', { heedsCollections: true, content: contentOf('3') })),
      ).toEqual([{ kind: 'conflict', currentId: expect.any(Number) }]);
    });

    it('is free again once the dataset is open, and in an open one', async () => {
      await freeze('closed');
      await contract.catalog.setCollectionOpen(name('closed'), true);
      expect(await contract.catalog.listObstacles(name('a'))).toEqual([]);
      expect((await overwrite({ heedsCollections: true }))[0]?.kind).toBe('recorded');
      expect(await events()).toEqual([]);
    });

    it('is no obstacle to a repeat, which changes nothing', async () => {
      await freeze('closed');
      const [outcome] = await contract.record(contract.put(scope, 'a', { heedsCollections: true }));
      expect(outcome).toEqual({ kind: 'repeated', versionId: first });
    });
  });

  describe('an object under the name of a collection', () => {
    it('is refused of who heeds collections, and comes to be otherwise, beside the collection', async () => {
      await contract.catalog.putCollection({ ...name('runs'), kind: 'container', isMonotonic: false });
      const heeding = contract.put(scope, 'runs', { heedsCollections: true });
      expect(await contract.record(heeding)).toMatchObject([{ kind: 'refused', problems: [{ kind: 'name-taken' }] }]);
      expect(await contract.catalog.readObject(scope.name, 'runs')).toBeUndefined();
      expect(await contract.catalog.listObstacles(name('runs'))).toMatchObject([{ kind: 'name-taken' }]);

      const id = await contract.recordOne(contract.put(scope, 'runs'));
      expect(await contract.catalog.readCollection(name('runs'))).toMatchObject({ kind: 'container' });
      expect(await contract.catalog.listObstacles(name('runs'))).toEqual([]);
      const follow = contract.put(scope, 'runs', { follows: id, content: contentOf('2'), heedsCollections: true });
      expect((await contract.record(follow))[0]?.kind).toBe('recorded');
      await contract.catalog.putCollection({ ...name('d'), kind: 'dataset', isMonotonic: false });
      expect(await contract.catalog.attach(name('d'), [name('runs')])).toMatchObject({ count: 1 });
    });

    it('and a collection that is made at the same moment are not both there', async () => {
      for (let round = 0; round < 10; round++) {
        const both = name(`both-${round}`);
        const [made, [recorded]] = await Promise.all([
          contract.catalog.putCollection({ ...both, kind: 'dataset', isMonotonic: false }),
          contract.record(contract.put(scope, both.name, { heedsCollections: true })),
        ]);
        expect([made.kind, recorded?.kind]).toContain('refused');
        expect([made.kind, recorded?.kind].filter((kind) => kind === 'refused')).toHaveLength(1);
      }
    });
  });

  describe('the traits of an object', () => {
    it('are set one by one, and taken away again', async () => {
      expect(await contract.catalog.readTraits(name('a'))).toEqual(NONE);
      expect(await contract.catalog.setTraits(name('a'), { format: 'text/csv' })).toBe(true);
      expect(await contract.catalog.setTraits(name('a'), { rightsHolder: 'jdoe', authority: scope.near })).toBe(true);
      const all = { format: 'text/csv', rightsHolder: 'jdoe', authority: scope.near };
      expect(await contract.catalog.readTraits(name('a'))).toEqual(all);
      expect(await contract.catalog.setTraits(name('a'), {})).toBe(true);
      await contract.catalog.setTraits(name('a'), { format: undefined, authority: undefined });
      expect(await contract.catalog.readTraits(name('a'))).toEqual({ ...NONE, rightsHolder: 'jdoe' });
    });

    it('stay when it has a new version; a deleted object, and one that never was, has none', async () => {
      await contract.catalog.setTraits(name('a'), { format: 'text/csv' });
      const id = await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      expect(await contract.catalog.readTraits(name('a'))).toMatchObject({ format: 'text/csv' });
      await contract.recordOne(contract.remove(scope, 'a', id));
      expect(await contract.catalog.readTraits(name('a'))).toBeUndefined();
      expect(await contract.catalog.setTraits(name('a'), { format: 'x' })).toBe(false);
      expect(await contract.catalog.setTraits(name('none'), { format: 'x' })).toBe(false);
      expect(await contract.catalog.readTraits({ scope: 'never-opened', name: 'a' })).toBeUndefined();
    });

    it('name a store that was opened', async () => {
      await expectKind(contract.catalog.setTraits(name('a'), { authority: 'test:never-opened' }), 'failed');
    });
  });

  const NONE = { format: undefined, rightsHolder: undefined, authority: undefined };

  function name(text: string): ObjectName {
    return { scope: scope.name, name: text };
  }

  /** `a` in a dataset that is closed then. */
  async function freeze(dataset: string): Promise<void> {
    await contract.catalog.putCollection({ ...name(dataset), kind: 'dataset', isMonotonic: false });
    await contract.catalog.attach(name(dataset), [name('a')]);
    await contract.catalog.setCollectionOpen(name(dataset), false);
  }

  function overwrite(how: { readonly heedsCollections?: boolean }): Promise<readonly ChangeOutcome[]> {
    return contract.record(contract.put(scope, 'a', { follows: first, content: contentOf('2'), ...how }));
  }

  async function events(): Promise<readonly string[]> {
    const found = await contract.catalog.listEvents({ limit: 100, scope: scope.name });
    return found.filter(({ kind }) => kind === 'frozen-object-changed').map(({ detail }) => detail);
  }
}
