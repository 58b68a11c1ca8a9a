import { describe, expect, it } from 'vitest';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import type { StoreUse, TransferOutcome } from '../../ports/rules.ts';
import type { CatalogContract, TestScope } from './harness.ts';
import { addRule, applyRule, arrival, endRule, postponement, ruleOver } from './rules-harness.ts';

/** Duties of copies on the way: `relay` of an outcome, and what `readTransfers` tells of it (docs/states.md, "Routes"). */
export function describeRuleRelays(contract: CatalogContract): void {
  interface Relayed {
    readonly scope: TestScope;
    readonly rule: number;
    readonly relay: string;
    readonly end: string;
    readonly request: ClaimedRequest;
  }

  const settle = (...outcomes: readonly TransferOutcome[]) => contract.catalog.settleTransfers(outcomes);
  const useOf = async (store: string): Promise<StoreUse | undefined> =>
    (await contract.catalog.readStoreUse()).find((one) => one.store === store);
  const claimOne = async (scope: TestScope): Promise<ClaimedRequest> => {
    const [request, ...others] = await contract.claim(scope);
    if (request === undefined || others.length > 0) throw new Error('one request is expected to be due');
    return request;
  };
  const relayOver = (request: ClaimedRequest, relay: string): TransferOutcome =>
    postponement(request, {
      request: { state: 'WAITING', attempts: 0, timesStuck: 0, afterMs: 60_000, why: 'first a copy goes there' },
      relay: { store: relay, place: `${request.scope}/a` },
    });
  const rowOf = async ({ lease }: ClaimedRequest) => (await contract.catalog.readTransfers([lease.requestId]))[0];
  /** A rule wants an object of the source at a store; its request is claimed, and the relay between them is known. */
  const wanted = async (): Promise<Relayed> => {
    const scope = await contract.openScope();
    await contract.putWithReplicas(scope, 'a', [scope.source]);
    // A store that the profile mirrors is claimed by it: these shall be the rules' alone.
    const [relay, end] = [`${scope.far}-relay`, `${scope.far}-end`];
    const { name, source } = scope;
    await contract.catalog.openScope({
      name,
      title: name,
      source,
      replicas: [relay, end].map((store) => ({ store, title: store, priority: 1 })),
      standing: false,
    });
    const rule = await addRule(contract, ruleOver(scope));
    await applyRule(contract, rule, [end]);
    return { scope, rule, relay, end, request: await claimOne(scope) };
  };
  /** The same, with the copy at the relay asked for and claimed. */
  const relayed = async (): Promise<Relayed & { readonly hop: ClaimedRequest }> => {
    const made = await wanted();
    expect(await settle(relayOver(made.request, made.relay))).toEqual([true]);
    return { ...made, hop: await claimOne(made.scope) };
  };

  describe('a copy on the way', () => {
    it('is asked for once, and waited for', async () => {
      const { scope, rule, relay, hop } = await relayed();
      expect(hop).toMatchObject({ kind: 'copy', store: relay, reason: 'relay', ofRules: { activity: 'test' } });
      expect(await rowOf(hop)).toMatchObject({ isUnawaited: false, replica: 'COPYING', place: `${scope.name}/a` });
      expect(await contract.catalog.readRule(rule)).toMatchObject({ counts: { ok: 0, replicating: 1, stuck: 0 } });
      expect(await useOf(relay)).toMatchObject({ inFlightBytes: 1, pendingRequests: 1 });
    });

    it('lets who waits go on when it is there, is kept for as long, and goes then', async () => {
      const { scope, rule, relay, end, hop } = await relayed();
      await settle(arrival(hop));
      const onwards = await claimOne(scope);
      expect(onwards).toMatchObject({ store: end, attempts: 1 });
      expect(await rowOf(onwards)).toMatchObject({ lastSource: relay });
      const [kept] = await contract.catalog.listReleased(relay, { limit: 10 });
      await settle(postponement(onwards));
      expect(kept).toMatchObject({ purge: true, state: 'AVAILABLE' });
      expect(await contract.catalog.condemn(kept === undefined ? [] : [kept], { exceptStores: [] })).toEqual([false]);
      await settle(arrival(await claimOne(scope)));
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'OK' });
      const released = await contract.catalog.listReleased(relay, { limit: 10 });
      expect(released).toMatchObject([{ purge: true, isSourceInUse: false }]);
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([true]);
    });

    it('that is there already is not asked for', async () => {
      const { scope, relay, end, request } = await wanted();
      const to = { state: 'AVAILABLE', place: 'a', token: 't', verification: 'store' } as const;
      const { versionId } = request;
      await contract.catalog.record({ replicas: [{ scope: scope.name, name: 'a', versionId, store: relay, to }] });
      await settle(relayOver(request, relay));
      expect(await claimOne(scope)).toMatchObject({ store: end });
      expect(await contract.catalog.listReleased(relay, { limit: 10 })).toEqual([]);
    });

    it('that is given up leaves nothing, and who waited knows that it failed', async () => {
      const { scope, relay, end, hop } = await relayed();
      const attempt = { source: undefined, protocol: undefined, outcome: 'no-source', failure: undefined } as const;
      const cancelled = { state: 'CANCELLED', why: 'none' } as const;
      const given = {
        attempt: { ...attempt, error: 'none can give it' },
        request: cancelled,
        replica: 'drop',
      } as const;
      expect(await settle(postponement(hop, given))).toEqual([true]);
      const again = await claimOne(scope);
      expect(again).toMatchObject({ store: end });
      expect((await rowOf(again))?.failures).toEqual([
        { source: relay, protocol: '', at: 'between', kind: 'unavailable' },
      ]);
      expect(await contract.catalog.readAttempts([again.lease.requestId])).toMatchObject([
        { error: 'none can give it' },
      ]);
      expect((await contract.read(scope, 'a')).replicas.map(({ store }) => store)).not.toContain(relay);
      expect(await useOf(relay)).toMatchObject({ inFlightBytes: 0, pendingRequests: 0 });
    });

    it('for which nobody waits any more is told so', async () => {
      const { rule, relay, hop } = await relayed();
      await endRule(contract, rule);
      expect(await rowOf(hop)).toMatchObject({ isUnawaited: true });
      await settle(arrival(hop));
      expect(await contract.catalog.listReleased(relay, { limit: 10 })).toMatchObject([
        { purge: true, isSourceInUse: false },
      ]);
    });

    it('that a rule claims meanwhile stays', async () => {
      const { scope, relay, end, hop } = await relayed();
      const rule = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, rule, [relay]);
      await settle(arrival(hop));
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'OK' });
      expect(await contract.catalog.listReleased(relay, { limit: 10 })).toEqual([]);
      expect(await claimOne(scope)).toMatchObject({ store: end });
    });

    it('that a rule claimed and let go again goes', async () => {
      const { scope, relay, hop } = await relayed();
      const rule = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, rule, [relay]);
      await endRule(contract, rule);
      await settle(arrival(hop));
      const left = (await contract.read(scope, 'a')).replicas.filter(({ store }) => store === relay);
      const released = await contract.catalog.listReleased(relay, { limit: 10 });
      expect(released.length).toBe(left.length);
    });

    it('finds no room where its store has none', async () => {
      const { scope, relay, request } = await wanted();
      await contract.catalog.setStore(relay, { allocatedBytes: 0 });
      await settle(relayOver(request, relay));
      expect(await contract.claim(scope)).toEqual([]);
      expect((await contract.read(scope, 'a')).replicas.map(({ store }) => store)).not.toContain(relay);
      const [lock] = await contract.catalog.listLocks({ name: { scope: scope.name, name: 'a' }, limit: 1 });
      expect(lock?.request?.lastError).toContain('no space left');
    });

    it('of an older version is nobody’s', async () => {
      const { scope, relay, end, request, hop } = await relayed();
      await contract.recordOne(contract.put(scope, 'a', { follows: request.versionId }));
      expect(await settle(arrival(hop))).toEqual([false]);
      // Its worker may have left bytes there: the store is asked for them.
      expect(await contract.catalog.listReleased(relay, { limit: 10 })).toMatchObject([
        { purge: true, state: 'UNAVAILABLE' },
      ]);
      expect(await claimOne(scope)).toMatchObject({ store: end });
    });
  });
}
