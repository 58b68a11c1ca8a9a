import { describe, expect, it } from 'vitest';
import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { CatalogContract, TestScope } from './harness.ts';
import { addRule, applyRule, arrival, endRule, ruleOver } from './rules-harness.ts';

/** Which store an object is authoritative at, whatever becomes of its copies there. */
export function describeAuthority(contract: CatalogContract): void {
  const besides = (scope: TestScope, name: string) =>
    ruleOver(scope, {
      targets: [{ kind: 'object', scope: scope.name, name }],
      origin: 'policy',
      besidesAuthoritative: true,
    });
  const authorityOf = async (scope: TestScope, name = 'a') =>
    (await contract.catalog.readTraits({ scope: scope.name, name }))?.authority;
  const eventsOf = async (scope: TestScope) =>
    (await contract.catalog.listEvents({ limit: 1000, scope: scope.name }))
      .filter(({ kind }) => kind === 'authority-moved')
      .map(({ name, store, detail }) => ({ name, store, detail }));
  const turn = async (scope: TestScope, store: string, state: ReplicaState | 'drop', name = 'a') => {
    const versionId = (await contract.read(scope, name)).current.id;
    const to =
      state === 'drop' ? state : { state, place: name, token: `token of ${name}`, verification: 'read-back' as const };
    await contract.catalog.record({ replicas: [{ scope: scope.name, name, versionId, store, to }] });
  };
  /** At the source, near and far, in a policy that has its copies at these. */
  const openCounted = async (copies: (scope: TestScope) => readonly string[]) => {
    const scope = await contract.openScope();
    await contract.putWithReplicas(scope, 'a', [scope.source, scope.near, scope.far]);
    const rule = await addRule(contract, besides(scope, 'a'));
    await applyRule(contract, rule, copies(scope));
    return { scope, rule };
  };

  describe('authority', () => {
    it('passes to the store known longest that has a good copy, with one event, and the policy is applied again', async () => {
      const { scope, rule } = await openCounted(({ near, far }) => [near, far]);
      expect(await authorityOf(scope)).toBe(undefined);
      expect((await contract.catalog.readRule(rule))?.state).toBe('OK');
      await turn(scope, scope.near, 'SUSPICIOUS');
      await turn(scope, scope.source, 'BAD');
      expect(await authorityOf(scope)).toBe(scope.far);
      expect((await contract.catalog.readRule(rule))?.state).toBe('INJECT');
      const { objects } = await contract.catalog.readRulePage(rule, { limit: 10 });
      expect(objects).toMatchObject([{ name: 'a', authority: scope.far }]);
      const detail = `it is authoritative at ${scope.far} from now on: at ${scope.source} no copy is left that could be good`;
      expect(await eventsOf(scope)).toEqual([{ name: 'a', store: scope.far, detail }]);
    });

    it('is not taken back by a copy that was lost and is there again', async () => {
      const { scope } = await openCounted(({ near }) => [near]);
      await turn(scope, scope.source, 'drop');
      expect(await authorityOf(scope)).toBe(scope.near);
      await turn(scope, scope.source, 'AVAILABLE');
      expect(await authorityOf(scope)).toBe(scope.near);
      expect(await eventsOf(scope)).toHaveLength(1);
    });

    it.each<ReplicaState>(['SUSPICIOUS', 'TEMPORARY_UNAVAILABLE', 'UNAVAILABLE', 'UNVERIFIED'])(
      'stays with a copy that is %s, since that may be good',
      async (state) => {
        const { scope } = await openCounted(({ near }) => [near]);
        await turn(scope, scope.source, state);
        expect(await authorityOf(scope)).toBe(undefined);
      },
    );

    it('stays while no other copy is good, and passes to the first one that becomes so', async () => {
      const { scope } = await openCounted(({ near }) => [near]);
      for (const store of [scope.near, scope.far]) await turn(scope, store, 'BAD');
      await turn(scope, scope.source, 'BAD');
      expect(await authorityOf(scope)).toBe(undefined);
      await turn(scope, scope.far, 'AVAILABLE');
      expect(await authorityOf(scope)).toBe(scope.far);
    });

    it('passes from a store that is declared lost, with one event for all', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b', 'c']) {
        await contract.putWithReplicas(scope, name, [scope.source, scope.near]);
        await applyRule(contract, await addRule(contract, besides(scope, name)), [scope.near]);
      }
      expect(await contract.catalog.loseCopies({ store: scope.source, limit: 10 })).toMatchObject({
        copies: 3,
        objects: [],
      });
      for (const name of ['a', 'b', 'c']) expect(await authorityOf(scope, name)).toBe(scope.near);
      expect(await eventsOf(scope)).toMatchObject([
        { store: scope.near, detail: expect.stringMatching(/^3 objects are authoritative at /) },
      ]);
    });

    it('passes in the transaction in which the delete of a released copy begins', async () => {
      const { scope, keeping } = await openReleased(false);
      const released = await contract.catalog.listReleased(scope.far, { limit: 10 });
      expect(released).toMatchObject([{ isCountedBesides: false }]);
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([true]);
      expect(await authorityOf(scope)).toBe(scope.near);
      expect(await eventsOf(scope)).toHaveLength(1);
      expect((await contract.catalog.readRule(keeping))?.state).toBe('OK');
    });

    it('keeps a released copy from being deleted while a policy counts copies besides it', async () => {
      const { scope } = await openReleased(true);
      const released = await contract.catalog.listReleased(scope.far, { limit: 10 });
      expect(released).toMatchObject([{ isCountedBesides: true }]);
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([false]);
      expect(await authorityOf(scope)).toBe(scope.far);
    });

    it.each<ReplicaState>(['SUSPICIOUS', 'TEMPORARY_UNAVAILABLE', 'UNAVAILABLE'])(
      'keeps it from that also while it is %s',
      async (state) => {
        const { scope } = await openReleased(true);
        await turn(scope, scope.far, state);
        const released = await contract.catalog.listReleased(scope.far, { limit: 10 });
        expect(released).toMatchObject([{ isCountedBesides: true, state }]);
        expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([false]);
        expect(await authorityOf(scope)).toBe(scope.far);
      },
    );

    it('that nobody watched is passed on when a policy is set', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source, scope.near]);
      await turn(scope, scope.source, 'BAD');
      expect(await authorityOf(scope)).toBe(undefined);
      await addRule(contract, besides(scope, 'a'));
      expect(await authorityOf(scope)).toBe(scope.near);
    });

    it('is where a newer version is good, once the store has none of it', async () => {
      const { scope } = await openCounted(({ near }) => [near]);
      await contract.catalog.setTraits({ scope: scope.name, name: 'a' }, { authority: scope.far });
      const follows = (await contract.read(scope, 'a')).current.id;
      const replica = {
        store: scope.source,
        state: 'AVAILABLE',
        place: 'a',
        token: 't',
        verification: 'written',
      } as const;
      await contract.recordOne(contract.put(scope, 'a', { follows, replicas: [replica] }));
      expect(await authorityOf(scope)).toBe(scope.source);
      expect(await eventsOf(scope)).toEqual([]);
    });
  });

  /** Authoritative at `far`, where a rule brought and released it; kept at `near`, by a policy or another rule. */
  async function openReleased(isCounted: boolean) {
    const scope = await contract.openScope();
    const { name, source } = scope;
    await contract.catalog.openScope({ name, title: name, source, replicas: [], standing: true });
    await contract.putWithReplicas(scope, 'a', [scope.near]);
    const bringing = await addRule(contract, ruleOver(scope, { account: 'bob' }));
    await applyRule(contract, bringing, [scope.far]);
    await contract.catalog.settleTransfers((await contract.claim(scope)).map((request) => arrival(request)));
    await contract.catalog.setTraits({ scope: scope.name, name: 'a' }, { authority: scope.far });
    const keeping = await addRule(contract, isCounted ? besides(scope, 'a') : ruleOver(scope));
    await applyRule(contract, keeping, [scope.near]);
    await endRule(contract, bringing);
    return { scope, keeping };
  }
}
