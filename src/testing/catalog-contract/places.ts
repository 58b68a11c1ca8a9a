import { describe, expect, it } from 'vitest';
import type { NewUpload, UploadBegun } from '../../ports/uploads.ts';
import { type CatalogContract, contentOf, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, claimRule, endRule, ruleOver } from './rules-harness.ts';

/** Duties of places: one place at a store is one object's (docs/names-and-expressions.md, "Paths"). */
export function describePlaces(contract: CatalogContract): void {
  const openStore = async (scope: TestScope): Promise<string> => {
    const store = `test:${scope.name}/shared`;
    await contract.catalog.openStores([{ store, title: 'shared', allocatedBytes: undefined }]);
    return store;
  };
  const ruleOf = (scope: TestScope, name: string) =>
    addRule(contract, ruleOver(scope, { targets: [{ kind: 'object', scope: scope.name, name }] }));
  const fileOf = (scope: TestScope, name: string, place: string): NewUpload => ({
    scope: scope.name,
    name,
    content: contentOf('bytes') as NewUpload['content'],
    operation: contract.operation(),
    place,
    format: undefined,
    origin: { host: 'here', path: `/files/${name}` },
  });
  const upload = async (scope: TestScope, store: string, files: readonly NewUpload[]) => {
    const begun = await contract.catalog.beginUploads({
      rule: ruleOver(scope, { account: scope.name, expression: 'shared', activity: 'upload' }),
      owner: 'uploader',
      leaseMs: 60_000,
      deadOwners: [],
      store,
      dataset: undefined,
      overwrites: true,
      quotas: [],
      files,
    });
    return (begun as { readonly files: readonly UploadBegun[] }).files;
  };

  describe('a place at a store', () => {
    it('is one object’s: a copy of another one has no place there until it is gone, and is told whose it is', async () => {
      const [one, other] = [await contract.openScope(), await contract.openScope()];
      const store = await openStore(one);
      for (const scope of [one, other]) await contract.putWithReplicas(scope, 'a', [scope.source]);
      const first = await ruleOf(one, 'a');
      await applyRule(contract, first, [store], { placeOf: (name) => name });
      const arrived = { state: 'AVAILABLE', place: 'a', token: 'token', verification: 'written' } as const;
      const claimed = await contract.claim(one);
      await contract.catalog.settleTransfers(claimed.map((request) => arrival(request, { replica: arrived })));
      const rule = await ruleOf(other, 'a');
      const applied = await applyRule(contract, rule, [store], { placeOf: (name) => name });
      expect(applied).toMatchObject({ state: 'STUCK', missingCopies: 1, counts: { ok: 0, replicating: 0, stuck: 0 } });
      expect(applied.missingWhy).toContain(`is that of "${one.name}:a"`);
      expect(await contract.claim(other)).toEqual([]);

      await endRule(contract, first);
      const { current } = await contract.read(one, 'a');
      const gone = { scope: one.name, name: 'a', versionId: current.id, store, to: 'drop' } as const;
      await contract.catalog.record({ replicas: [gone] });
      const after = await applyRule(contract, rule, [store], { placeOf: (name) => name });
      expect(after).toMatchObject({ missingCopies: 0, counts: { replicating: 1 } });
      expect(await contract.claim(other)).toMatchObject([{ name: 'a', store }]);
    });

    it('is the first one’s of two that are placed on one page, or at one moment', async () => {
      const [one, other] = [await contract.openScope(), await contract.openScope()];
      const store = await openStore(one);
      await contract.putWithReplicas(one, 'a', [one.source]);
      await contract.putWithReplicas(one, 'b', [one.source]);
      const page = await applyRule(contract, await addRule(contract, ruleOver(one)), [store], {
        placeOf: () => 'placed/here',
      });
      expect(page).toMatchObject({ missingCopies: 1, counts: { ok: 0, replicating: 1, stuck: 0 } });

      const names = Array.from({ length: 20 }, (_, at) => `object-${at}`);
      for (const name of names) for (const scope of [one, other]) await contract.putWithReplicas(scope, name, []);
      const pages: (() => Promise<unknown>)[] = [];
      for (const scope of [one, other]) {
        for (const name of names) {
          const { lease } = await claimRule(contract, await ruleOf(scope, name));
          const [object] = (await contract.catalog.readRulePage(lease.rule, { limit: 1 })).objects;
          if (object === undefined) throw new Error('the rule has no content');
          const { id, versionId } = object;
          const turn = { isFirst: true, position: undefined, missingCopies: 0, missingWhy: undefined };
          const objects = [{ id, versionId, locks: [{ store, place: name }], releases: [] }];
          pages.push(() =>
            contract.catalog.applyRulePage({ ...turn, lease, lookAgainAfterMs: 0, events: [], objects }),
          );
        }
      }
      await Promise.all(pages.map((apply) => apply()));
      for (const name of names) {
        const rows = [await contract.read(one, name), await contract.read(other, name)];
        expect(rows.flatMap(({ replicas }) => replicas.filter((replica) => replica.store === store))).toHaveLength(1);
      }
    });

    it('is refused to an upload of another object, of which no version is made', async () => {
      const [one, other] = [await contract.openScope(), await contract.openScope()];
      const store = await openStore(one);
      const [first] = await upload(one, store, [fileOf(one, 'a', 'a')]);
      expect(first).toMatchObject({ kind: 'begun' });
      const files = [fileOf(other, 'a', 'a'), fileOf(other, 'b', 'b'), fileOf(other, 'c', 'b')];
      const [taken, free, double] = await upload(other, store, files);
      expect(taken).toEqual({ kind: 'taken', by: { scope: one.name, name: 'a' } });
      expect(free).toMatchObject({ kind: 'begun' });
      expect(double).toEqual({ kind: 'taken', by: { scope: other.name, name: 'b' } });
      expect(await contract.catalog.readObject(other.name, 'a')).toBeUndefined();
    });

    it('stays the object’s own over all of its versions', async () => {
      const scope = await contract.openScope();
      const store = await openStore(scope);
      await upload(scope, store, [fileOf(scope, 'a', 'placed/a')]);
      const again = { ...fileOf(scope, 'a', 'placed/a'), content: contentOf('others') as NewUpload['content'] };
      expect(await upload(scope, store, [again])).toMatchObject([{ kind: 'begun' }]);
    });

    it('is told with whose it is, whatever its path was made by', async () => {
      const [one, other] = [await contract.openScope(), await contract.openScope()];
      const store = await openStore(one);
      const holds = async (place: string) =>
        (await contract.catalog.listNearby(place)).some((one) => one.store === place && one.mayHoldPlaced);
      expect(await holds(store)).toBe(false);
      await upload(one, store, [fileOf(one, 'a', 'a'), fileOf(one, 'b', 'set/b'), fileOf(one, 'c', `${one.name}/c`)]);
      await contract.putWithReplicas(other, 'd', [store]);
      const a = { scope: one.name, name: 'a', isPlaced: true };
      expect(await contract.catalog.readPlaces(store, ['a', 'set/b', `${one.name}/c`, 'd', 'e'])).toEqual([
        [a],
        [{ ...a, name: 'b' }],
        [{ ...a, name: 'c' }],
        [{ scope: other.name, name: 'd', isPlaced: false }],
        [],
      ]);
      expect(await contract.catalog.readPlaces('test:nowhere', ['a'])).toEqual([[]]);
      expect(await holds(store)).toBe(true);
      expect(await holds(other.source)).toBe(false);
    });

    it('is told with the stores in use around it and inside it, and with no others', async () => {
      const scope = await contract.openScope();
      const at = (path: string): string => `test:${scope.name}/${path}`;
      const titles = { 'outer/': 'around', 'outer/mid/': 'here', 'outer/mid/in/': 'inside', 'outer/middle/': 'beside' };
      await contract.catalog.openStores([
        ...Object.entries(titles).map(([path, title]) => ({ store: at(path), title, allocatedBytes: undefined })),
        { store: at('outer/mid/unused/'), title: 'unused', allocatedBytes: undefined },
      ]);
      for (const path of Object.keys(titles))
        await contract.catalog.setStore(at(path), { availability: { read: true } });
      const nothing = { isSource: false, isMirror: false, mayHoldPlaced: false };
      expect(await contract.catalog.listNearby(at('outer/mid/'))).toEqual([
        { store: at('outer/'), title: 'around', ...nothing },
        { store: at('outer/mid/'), title: 'here', ...nothing },
        { store: at('outer/mid/in/'), title: 'inside', ...nothing },
      ]);

      await upload(scope, at('outer/mid/unused/'), [fileOf(scope, 'a', 'a')]);
      await contract.catalog.openScope({
        name: `${scope.name}-inside`,
        title: 'inside',
        source: at('outer/mid/in/'),
        replicas: [{ store: at('outer/'), title: 'around', priority: 1 }],
        standing: true,
      });
      const of = async (title: string) =>
        (await contract.catalog.listNearby(at('outer/mid/'))).find((one) => one.title === title);
      expect(await of('unused')).toMatchObject({ ...nothing, mayHoldPlaced: true });
      expect(await of('around')).toMatchObject({ ...nothing, isMirror: true });
      expect(await of('inside')).toMatchObject(nothing);
      const empty = await contract.openScope();
      expect(await contract.catalog.listNearby(empty.source)).toEqual([]);
      await contract.putWithReplicas(empty, 'b', [empty.source]);
      expect(await contract.catalog.listNearby(empty.source)).toMatchObject([{ ...nothing, isSource: true }]);
    });
  });

  describe('what a sync does at a place of a store that two scopes mirror into', () => {
    const mirrored = async () => {
      const [one, other] = [await contract.openScope(), await contract.openScope()];
      const store = await openStore(one);
      for (const scope of [one, other]) await contract.putWithReplicas(scope, 'a', [scope.source, store]);
      const rule = await ruleOf(other, 'a');
      const applied = await applyRule(contract, rule, [store], { placeOf: (name) => name });
      expect(applied).toMatchObject({ counts: { ok: 1, replicating: 0, stuck: 0 } });
      const stateOf = async (scope: TestScope) =>
        (await contract.read(scope, 'a')).replicas.find((replica) => replica.store === store)?.state;
      const eventsOf = async (scope: TestScope) =>
        (await contract.catalog.listEvents({ scope: scope.name, limit: 10 })).map(({ kind }) => kind);
      return { one, other, store, rule, stateOf, eventsOf };
    };

    it('is known of the copies of both, and whoever has claims on one asks for it anew', async () => {
      const { one, other, store, rule, stateOf, eventsOf } = await mirrored();
      const place = { scope: one.name, store, key: 'a', token: 'token of a', became: 'gone' } as const;
      const { current } = await contract.read(one, 'a');
      const own = { scope: one.name, name: 'a', versionId: current.id, store, to: 'drop' } as const;
      await contract.catalog.record({ replicas: [own], places: [place, { ...place, key: 'nobody’s' }] });
      for (const scope of [one, other]) expect(await stateOf(scope)).not.toBe('AVAILABLE');
      expect(await contract.catalog.listLocks({ rule, limit: 1 })).toMatchObject([{ lock: { state: 'REPLICATING' } }]);
      expect(await contract.claim(other)).toMatchObject([{ name: 'a', store }]);
      expect(await eventsOf(other)).toEqual(['replica-found-missing']);
      expect(await eventsOf(one)).toEqual([]);
    });

    it('leaves a copy in doubt where other bytes than its own were deleted or lie now', async () => {
      for (const became of ['gone', 'other'] as const) {
        const { one, other, store, stateOf, eventsOf } = await mirrored();
        const place = { scope: one.name, store, key: 'a', token: 'another', became };
        await contract.catalog.record({ places: [place] });
        expect(await stateOf(other)).toBe('SUSPICIOUS');
        expect(await eventsOf(other)).toEqual(['replica-found-changed']);
      }
    });

    it('changes nothing where these very bytes lie there now, nor under a lease that is lost', async () => {
      const { one, other, store, stateOf } = await mirrored();
      const place = { scope: one.name, store, key: 'a', token: 'token of a' } as const;
      await contract.catalog.record({ places: [{ ...place, became: 'other' }] });
      const lease = { syncId: contract.operation(), token: 1 };
      expect(await contract.catalog.record({ lease, places: [{ ...place, became: 'gone' }] })).toMatchObject({
        fenced: true,
      });
      expect(await stateOf(other)).toBe('AVAILABLE');
    });

    it('is guarded where a rule of the other one has locks, and not where only its own has', async () => {
      const { one, other, store } = await mirrored();
      expect(await contract.catalog.holdsPlaced({ place: store, scope: one.name })).toBe(true);
      expect(await contract.catalog.holdsPlaced({ place: store, scope: other.name })).toBe(false);
    });
  });
}
