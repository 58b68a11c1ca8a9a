import { describe, expect, it } from 'vitest';
import type { MoveStore } from '../../ports/store-places.ts';
import { type CatalogContract, holderOf, replicaAt, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, ruleOver } from './rules-harness.ts';

/** Duties of `listPlacesNamed`, `moveStore`, `countHeld` and `loseCopies`. */
export function describeStorePlaces(contract: CatalogContract): void {
  const moveTo = (from: string, to: string, options: Partial<MoveStore> = {}) =>
    contract.catalog.moveStore({ from, to, title: 'moved', tokensHold: true, ...options });
  const replicasOf = async (scope: TestScope, name: string) =>
    (await contract.read(scope, name)).replicas
      .map(({ store, state, token }) => ({ store, state, token }))
      .toSorted((a, b) => (a.store < b.store ? -1 : 1));

  describe('places known by one name', () => {
    it('are those with copies, or where something waits, with the scopes they belong to', async () => {
      const scope = await contract.openScope();
      const title = `title of ${scope.name}`;
      const stores = [scope.near, scope.far];
      const replicas = stores.map((store, at) => ({ store, title, priority: at + 1 }));
      const { name, source } = scope;
      await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
      expect(await contract.catalog.listPlacesNamed(title)).toEqual([]);
      await contract.putWithReplicas(scope, 'a', [scope.source, scope.near]);
      expect(await contract.catalog.listPlacesNamed(title)).toEqual([{ place: scope.near, scopes: [name] }]);
      expect(await contract.catalog.listPlacesNamed(name)).toEqual([{ place: source, scopes: [name] }]);
      await contract.catalog.openScope({ name, title: name, source, replicas: [], standing: true });
      expect(await contract.catalog.listPlacesNamed(title)).toEqual([{ place: scope.near, scopes: [] }]);
      await contract.queueCopy(scope, 'b', { store: scope.far });
      expect((await contract.catalog.listPlacesNamed(title)).map(({ place }) => place)).toEqual(stores.toSorted());
    });
  });

  describe('a store that was moved', () => {
    it('has at its new place what it had at the old one', async () => {
      const scope = await contract.openScope();
      const to = `test:moved-of-${scope.name}`;
      await contract.putWithReplicas(scope, 'a', [scope.source, scope.near]);
      const b = await contract.putWithReplicas(scope, 'b', [scope.near]);
      await contract.recordOne(contract.remove(scope, 'b', b));
      await contract.catalog.setStore(scope.near, { availability: { delete: false } });
      expect(await moveTo(scope.near, to)).toEqual({ kind: 'moved' });
      expect(await replicasOf(scope, 'a')).toEqual([
        { store: to, state: 'AVAILABLE', token: 'token of a' },
        { store: scope.source, state: 'AVAILABLE', token: 'token of a' },
      ]);
      expect((await contract.catalog.listStandingRules(scope.name)).map(({ store }) => store)).toEqual([to, scope.far]);
      expect(await contract.claim(scope)).toMatchObject([{ kind: 'delete', name: 'b', store: to }]);
      const said = (await contract.catalog.readStoreUse()).find(({ store }) => store === to)?.said;
      expect(said).toEqual({ availability: { delete: false } });
      expect(await contract.catalog.countHeld(scope.near)).toEqual({ copies: 0, copiesWanted: 0, deletes: 0 });
      expect(await moveTo(`${scope.near}/never-heard-of`, to)).toEqual({ kind: 'unknown' });
      const events = await contract.catalog.listEvents({ limit: 100_000, scope: '' });
      expect(events.filter(({ store }) => store === to)).toMatchObject([{ kind: 'store-moved' }]);
    });

    it('where its tokens do not hold has copies that nobody has looked at, and deletes that go by the bytes', async () => {
      const scope = await contract.openScope();
      const to = `test:copied-of-${scope.name}`;
      await contract.putWithReplicas(scope, 'a', [scope.near]);
      const b = await contract.putWithReplicas(scope, 'b', [scope.near]);
      await contract.recordOne(contract.remove(scope, 'b', b));
      await moveTo(scope.near, to, { tokensHold: false });
      expect(await replicasOf(scope, 'a')).toEqual([{ store: to, state: 'UNVERIFIED', token: 'token of a' }]);
      expect(await replicasOf(scope, 'b')).toEqual([{ store: to, state: 'BEING_DELETED', token: undefined }]);
    });

    it('stays where it is while a sync, or a worker, has to do with one of the places', async () => {
      const scope = await contract.openScope();
      const to = `test:late-place-of-${scope.name}`;
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const begun = await contract.catalog.beginSync(contract.sync(scope));
      if (begun.kind !== 'begun') throw new Error(begun.kind);
      const held = { kind: 'held', by: 'sync', sinceMs: expect.any(Number) };
      expect(await moveTo(scope.near, to)).toEqual(held);
      expect(await moveTo(scope.source, to)).toEqual(held);
      await contract.catalog.endSync(begun.lease, 'done', { position: '', objects: 0, bytes: 0 });
      await contract.queueCopy(scope, 'b', { store: scope.far });
      const [request] = await contract.claim(scope);
      if (request === undefined) throw new Error('nothing was claimed');
      expect(await moveTo(scope.far, to)).toEqual({ ...held, by: 'worker' });
      const store = { title: 'near', place: scope.near, identity: undefined, symlinks: 'skip' } as const;
      const job = { id: contract.operation(), scope: scope.name, stores: [store], sync: undefined };
      await contract.catalog.openPageJob({ ...job, holder: holderOf(1), leaseMs: 60_000 });
      expect(await moveTo(scope.near, to)).toEqual({ ...held, by: 'worker' });
      await contract.catalog.closePageJob(job.id);
      await contract.catalog.finishRequests([{ lease: request.lease, kind: 'done' }]);
      for (const from of [scope.far, scope.source]) expect(await moveTo(from, `${to}-2`)).toEqual({ kind: 'moved' });
    });
  });

  describe('a store that was moved to where it has copies already', () => {
    it('is known there by what was seen there, and by what was known of the rest', async () => {
      const scope = await contract.openScope();
      const seen = replicaAt(scope.far, 'a', { state: 'UNVERIFIED', token: 'seen', verification: 'none' });
      await contract.recordOne(contract.put(scope, 'a', { replicas: [replicaAt(scope.near, 'a'), seen] }));
      await contract.putWithReplicas(scope, 'b', [scope.near]);
      expect(await moveTo(scope.near, scope.far)).toEqual({ kind: 'moved' });
      expect(await replicasOf(scope, 'a')).toEqual([{ store: scope.far, state: 'UNVERIFIED', token: 'seen' }]);
      expect(await replicasOf(scope, 'b')).toEqual([{ store: scope.far, state: 'AVAILABLE', token: 'token of b' }]);
      expect((await contract.catalog.listStandingRules(scope.name)).map(({ store }) => store)).toEqual([scope.far]);
    });

    it('takes deletes that wait with it: none is left for the old place', async () => {
      const scope = await contract.openScope();
      const both = await contract.putWithReplicas(scope, 'both', [scope.source, scope.near]);
      const one = await contract.putWithReplicas(scope, 'one', [scope.source]);
      await contract.record(contract.remove(scope, 'both', both), contract.remove(scope, 'one', one));
      expect(await moveTo(scope.source, scope.near, { tokensHold: false })).toEqual({ kind: 'moved' });
      const claimed = await contract.claim(scope);
      expect(claimed.map(({ kind, name, store }) => ({ kind, name, store }))).toEqual(
        ['both', 'one'].map((name) => ({ kind: 'delete', name, store: scope.near })),
      );
      expect(await replicasOf(scope, 'both')).toEqual([
        { store: scope.near, state: 'BEING_DELETED', token: 'token of both' },
      ]);
      expect(await replicasOf(scope, 'one')).toEqual([{ store: scope.near, state: 'BEING_DELETED', token: undefined }]);
      expect(await contract.catalog.findOtherSource(scope.name, scope.near)).toBeUndefined();
    });

    it('keeps what was said of both', async () => {
      const scope = await contract.openScope();
      await contract.catalog.setStore(scope.near, { availability: { delete: false, write: false } });
      await contract.catalog.setStore(scope.far, { availability: { write: true } });
      await moveTo(scope.near, scope.far);
      const said = (await contract.catalog.readStoreUse()).find(({ store }) => store === scope.far)?.said;
      expect(said?.availability).toEqual({ delete: false, write: true });
    });

    it('is what rules hold it to be', async () => {
      const scope = await contract.openScope();
      const other = `${scope.far}-other`;
      const { name, source } = scope;
      const more = [{ store: other, title: 'other', priority: 1 }];
      await contract.catalog.openScope({ name, title: name, source, replicas: more, standing: false });
      for (const one of ['a', 'b']) await contract.putWithReplicas(scope, one, [source]);
      const rule = await addRule(contract, ruleOver(scope, { copies: 2, account: `of ${name}` }));
      await applyRule(contract, rule, [scope.far, other]);
      const claimed = await contract.claim(scope);
      await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)));
      expect(await moveTo(scope.far, `${scope.far}-new`)).toEqual({ kind: 'moved' });
      const usedBy = await contract.catalog.readAccountUse(`of ${name}`);
      expect(usedBy.map(({ store, locks }) => [store, locks])).toEqual([
        [`${scope.far}-new`, 2],
        [other, 2],
      ]);
      // Both copies of the rule are one now: it is placed anew.
      expect(await moveTo(other, `${scope.far}-new`)).toEqual({ kind: 'moved' });
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'INJECT', counts: { ok: 2 } });
      const locks = await contract.catalog.listLocks({ name: { scope: name, name: 'a' }, limit: 10 });
      expect(locks).toMatchObject([{ store: `${scope.far}-new`, lock: { state: 'OK' } }]);
      const use = (await contract.catalog.readStoreUse()).find(({ store }) => store === `${scope.far}-new`);
      expect(use).toMatchObject({ completedBytes: 2, inFlightBytes: 0 });
    });
  });

  describe('a store that is lost', () => {
    const lose = (store: string, limit = 100, after?: string) =>
      contract.catalog.loseCopies({ store, limit, ...(after === undefined ? {} : { after }) });

    it('has nothing any more, and nothing waits for it; what had its last copy there is told once', async () => {
      const scope = await contract.openScope();
      const unknown = `test:never-heard-of-${scope.name}`;
      expect(await contract.catalog.countHeld(unknown)).toBeUndefined();
      expect(await lose(unknown)).toEqual({ kind: 'lost', copies: 0, objects: [], next: undefined });
      await contract.putWithReplicas(scope, 'both', [scope.source, scope.near]);
      await contract.putWithReplicas(scope, 'last', [scope.near]);
      const gone = await contract.putWithReplicas(scope, 'gone', [scope.near]);
      await contract.recordOne(contract.remove(scope, 'gone', gone));
      await contract.queueCopy(scope, 'wanted', { store: scope.near });
      expect(await contract.catalog.countHeld(scope.near)).toEqual({ copies: 3, copiesWanted: 1, deletes: 1 });
      const before = (await contract.catalog.status()).lost.count;
      const lost = { kind: 'lost', copies: 3, objects: [{ scope: scope.name, name: 'last' }], next: undefined };
      expect(await lose(scope.near)).toEqual(lost);
      expect(await contract.catalog.countHeld(scope.near)).toEqual({ copies: 0, copiesWanted: 0, deletes: 0 });
      expect(await lose(scope.near)).toEqual({ ...lost, copies: 0, objects: [] });
      expect(await contract.claim(scope)).toEqual([]);
      expect(await replicasOf(scope, 'both')).toMatchObject([{ store: scope.source, state: 'AVAILABLE' }]);
      expect(await contract.read(scope, 'last')).toMatchObject({
        current: { content: { kind: 'object' } },
        replicas: [],
      });
      expect((await contract.catalog.status()).lost.count).toBe(before + 1);
    });

    it('is lost page by page, and what is left by the next who says it', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b', 'c', 'd', 'e']) await contract.putWithReplicas(scope, name, [scope.near]);
      const first = await lose(scope.near, 2);
      expect(first).toMatchObject({ kind: 'lost', copies: 2, next: expect.any(String) });
      expect(await contract.catalog.countHeld(scope.near)).toMatchObject({ copies: 3 });
      const again = await lose(scope.near, 2);
      if (again.kind !== 'lost') throw new Error(again.kind);
      expect(again).toMatchObject({ copies: 2, objects: [{ name: 'c' }, { name: 'd' }] });
      expect(await lose(scope.near, 2, again.next)).toMatchObject({ copies: 1, next: undefined });
    });

    it('is left by rules, which place anew what they had there', async () => {
      const scope = await contract.openScope();
      const { name, source } = scope;
      await contract.catalog.openScope({ name, title: name, source, replicas: [], standing: true });
      await contract.putWithReplicas(scope, 'a', [source]);
      const rule = await addRule(contract, ruleOver(scope, { account: `loser of ${name}` }));
      await applyRule(contract, rule, [scope.far]);
      await contract.catalog.settleTransfers((await contract.claim(scope)).map((request) => arrival(request)));
      expect(await lose(scope.far)).toMatchObject({ copies: 1, objects: [] });
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'INJECT', counts: { ok: 0 } });
      expect(await contract.catalog.readAccountUse(`loser of ${name}`)).toEqual([]);
      const use = (await contract.catalog.readStoreUse()).find(({ store }) => store === scope.far);
      expect(use).toMatchObject({ completedBytes: 0, inFlightBytes: 0, pendingRequests: 0 });
      expect(await applyRule(contract, rule, [scope.near])).toMatchObject({ counts: { replicating: 1 } });
      expect(await contract.claim(scope)).toMatchObject([{ kind: 'copy', store: scope.near }]);
    });

    it('is not, while a sync, or a worker, has to do with it', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.near]);
      const begun = await contract.catalog.beginSync(contract.sync(scope));
      if (begun.kind !== 'begun') throw new Error(begun.kind);
      expect(await lose(scope.near)).toEqual({ kind: 'held', by: 'sync', sinceMs: expect.any(Number) });
      expect(await contract.catalog.countHeld(scope.near)).toMatchObject({ copies: 1 });
      await contract.catalog.endSync(begun.lease, 'done', { position: '', objects: 0, bytes: 0 });
      expect(await lose(scope.near)).toMatchObject({ kind: 'lost', copies: 1 });
    });
  });
}
