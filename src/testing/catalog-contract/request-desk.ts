import { describe, expect, it } from 'vitest';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import { type CatalogContract, type TestScope } from './harness.ts';
import {
  addRule,
  applyRule,
  arrival,
  claimRule,
  claimRulesOnly,
  endRule,
  failure,
  postponement,
  ruleOver,
} from './rules-harness.ts';

/** What follows when somebody looks after single copies: `askAgain`, `cancelRequests`, lost objects, sources that appear. */
export function describeRequestDesk(contract: CatalogContract): void {
  const claimOne = async (scope: TestScope): Promise<ClaimedRequest> => {
    const [request] = await contract.claim(scope);
    if (request === undefined) throw new Error('nothing is queued');
    return request;
  };
  /** An object at the near store, and a rule that wants it at the far one, which no profile mirrors. */
  const wanted = async () => {
    const scope = await contract.openScope();
    const { name, near: store, source } = scope;
    const replicas = [{ store, title: 'near', priority: 1 }];
    await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
    const versionId = await contract.putWithReplicas(scope, 'a', [scope.source]);
    const rule = await addRule(contract, ruleOver(scope));
    await applyRule(contract, rule, [scope.far]);
    const request = await claimOne(scope);
    return { scope, versionId, rule, request, id: request.lease.requestId };
  };
  const HOUR_MS = 3_600_000;

  describe('a request that somebody asks about', () => {
    it('and that waits for its time is due at once; one that a worker has is left alone', async () => {
      const { scope, request, id } = await wanted();
      expect(await contract.catalog.askAgain([id, 0])).toEqual([false, false]);
      const later = { state: 'QUEUED', attempts: 1, timesStuck: 0, afterMs: HOUR_MS, why: 'slow' } as const;
      await contract.catalog.settleTransfers([postponement(request, { request: later })]);
      expect(await contract.claim(scope)).toEqual([]);
      expect(await contract.catalog.askAgain([id])).toEqual([true]);
      expect(await claimOne(scope)).toMatchObject({ attempts: 2 });
    });

    it('and that was given up is tried with its locks, from its first attempt', async () => {
      const { scope, request, id } = await wanted();
      const over = { state: 'FAILED', attempts: 6, timesStuck: 1, afterMs: HOUR_MS, why: 'no' } as const;
      await contract.catalog.settleTransfers([failure(request, { request: over })]);
      expect(await contract.catalog.askAgain([id])).toEqual([true]);
      await contract.catalog.retryStuck(1000);
      expect(await claimOne(scope)).toMatchObject({ attempts: 1 });
    });

    it('is cancelled only if no rule wants its copy, and never if it deletes', async () => {
      const { scope, versionId, request, id } = await wanted();
      const ask = { kind: 'copy', scope: scope.name, name: 'a', versionId, reason: 'miss', priority: 3 } as const;
      await contract.catalog.record({ requests: [{ ...ask, store: scope.near }] });
      const miss = await claimOne(scope);
      const ids = [id, miss.lease.requestId, miss.lease.requestId + 1_000_000];
      expect(await contract.catalog.cancelRequests(ids)).toEqual(['of-rules', 'cancelled', 'over']);
      expect(await contract.catalog.finishRequests([{ lease: miss.lease, kind: 'done' }])).toEqual([false]);
      expect(await contract.catalog.settleTransfers([arrival(request)])).toEqual([true]);
      await contract.recordOne({ ...contract.put(scope, 'a', { follows: versionId }), content: { kind: 'tombstone' } });
      const deletes = (await contract.claim(scope)).filter(({ kind }) => kind === 'delete');
      expect(deletes.length).toBeGreaterThan(0);
      expect(await contract.catalog.cancelRequests(deletes.map(({ lease }) => lease.requestId))).toEqual(
        deletes.map(() => 'delete'),
      );
    });
  });

  describe('a delete', () => {
    it('of what a rule placed is for whoever carries out rules, though its scope is open elsewhere', async () => {
      const { scope, rule, request } = await wanted();
      await contract.catalog.settleTransfers([arrival(request)]);
      await endRule(contract, rule);
      const released = await contract.catalog.listReleased(scope.far, { limit: 10 });
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([true]);
      const claim = { owner: 'x', limit: 1_000, leaseMs: 1_000, scopes: [scope.name] };
      expect(await contract.catalog.claimRequests({ ...claim, work: 'of-scopes' })).toEqual([]);
      const claimed = await contract.catalog.claimRequests({ ...claim, work: 'other-deletes' });
      expect(claimed.filter((one) => one.scope === scope.name)).toMatchObject([
        { kind: 'delete', store: scope.far, name: 'a' },
      ]);
    });
  });

  describe('an object', () => {
    it('is lost when no copy is left that could be good, and is not any more when one reappears', async () => {
      const { scope, versionId, request, rule } = await wanted();
      const lost = async () => (await contract.catalog.status()).lost.count;
      const before = await lost();
      const row = (await contract.read(scope, 'a')).replicas.find(({ store }) => store === scope.source);
      if (row === undefined) throw new Error('it has no source');
      const change = (state: 'BAD' | 'AVAILABLE') =>
        contract.catalog.record({
          replicas: [{ scope: scope.name, name: 'a', versionId, store: scope.source, to: { ...row, state } }],
        });
      await change('BAD');
      expect(await lost()).toBe(before + 1);
      const over = { state: 'NO_SOURCES', attempts: 1, timesStuck: 1, afterMs: HOUR_MS, why: 'none' } as const;
      const stuck = { kind: 'no-source', detail: 'none' } as const;
      await contract.catalog.settleTransfers([failure(request, { request: over, stuck })]);
      await contract.catalog.retryStuck(1000);
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'STUCK' });
      // Who is stuck for want of a source is tried as soon as one is there.
      await change('AVAILABLE');
      expect(await lost()).toBe(before);
      await contract.catalog.retryStuck(1000);
      expect(await claimOne(scope)).toMatchObject({ store: scope.far });
    });

    it('keeps the policy that was said of it, also that it is to have no copies', async () => {
      const { scope } = await wanted();
      const name = { scope: scope.name, name: 'a' };
      const policy = { replicationAllowed: false, numberReplicas: 3, preferredNodes: ['n'], blockedNodes: [] };
      expect(await contract.catalog.setTraits(name, { policy })).toBe(true);
      expect(await contract.catalog.readTraits(name)).toMatchObject({ policy, rightsHolder: undefined });
      await contract.catalog.setTraits(name, { policy: undefined });
      expect((await contract.catalog.readTraits(name))?.policy).toBeUndefined();
    });
  });

  describe('a rule whose locks wait to go', () => {
    it('is looked at again as soon as all of its copies are there', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const rule = await addRule(contract, ruleOver(scope));
      await applyWaiting(rule, [scope.far]);
      expect(await contract.catalog.readRule(rule)).toMatchObject({
        state: 'REPLICATING',
        nextLookMs: expect.any(Number),
      });
      await contract.catalog.settleTransfers([arrival(await claimOne(scope))]);
      expect(await claimRule(contract, rule)).toMatchObject({ work: 'apply' });
    });

    it('and are stuck is so too', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const rule = await addRule(contract, ruleOver(scope));
      await applyWaiting(rule, [scope.near]);
      const over = { state: 'FAILED', attempts: 1, timesStuck: 1, afterMs: HOUR_MS, why: 'gone' } as const;
      const stuck = { kind: 'destination-fails', detail: 'gone' } as const;
      await contract.catalog.settleTransfers([failure(await claimOne(scope), { request: over, stuck })]);
      expect(await contract.catalog.listFailingStores()).toContain(scope.near);
      await applyWaiting(rule, [scope.far]);
      expect(await claimRulesOnly(contract, [rule])).toEqual([]);
      await contract.catalog.settleTransfers([arrival(await claimOne(scope))]);
      expect(await contract.catalog.readRule(rule)).toMatchObject({ state: 'STUCK', counts: { ok: 1, stuck: 1 } });
      expect(await claimRule(contract, rule)).toMatchObject({ work: 'apply' });
    });

    /** Applies the rule with locks at these stores, and others that wait to go. */
    async function applyWaiting(rule: number, stores: readonly string[]): Promise<void> {
      const { lease } = await claimRule(contract, rule);
      const page = await contract.catalog.readRulePage(rule, { limit: 10 });
      const objects = page.objects.map(({ id, versionId }) => ({
        id,
        versionId,
        locks: stores.map((store) => ({ store, place: 'a' })),
        releases: [],
      }));
      const applied = await contract.catalog.applyRulePage({
        lease,
        objects,
        isFirst: true,
        missingCopies: 0,
        missingWhy: undefined,
        position: undefined,
        lookAgainAfterMs: HOUR_MS,
        waits: true,
        events: [],
      });
      expect(applied).toMatchObject({ kind: 'applied' });
    }
  });
}
