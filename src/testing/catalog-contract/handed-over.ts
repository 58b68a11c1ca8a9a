import { describe, expect, it } from 'vitest';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import { type CatalogContract, sleep, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, endRule, postponement, ruleOver } from './rules-harness.ts';

/** Duties of `handOver`, `listAbandoned` and `forgetAbandoned`. */
export function describeHandedOver(contract: CatalogContract): void {
  const claimOne = async (scope: TestScope): Promise<ClaimedRequest> => {
    const [request] = await contract.claim(scope);
    if (request === undefined) throw new Error('nothing is queued');
    return request;
  };
  /** A copy that a rule wants at the far store, of which a tool was given the attempt. */
  const handed = async () => {
    const scope = await contract.openScope();
    const { name, near: store, source } = scope;
    const replicas = [{ store, title: 'near', priority: 1 }];
    await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
    const versionId = await contract.putWithReplicas(scope, 'a', [scope.source]);
    const rule = await addRule(contract, ruleOver(scope));
    await applyRule(contract, rule, [scope.far]);
    const request = await claimOne(scope);
    const { lease } = request;
    const given = { tool: scope.name, attempt: `${scope.name}.${lease.requestId}` };
    await contract.catalog.chooseSources([{ lease, source: scope.source, protocol: 'cern https→https' }]);
    expect(await contract.catalog.handOver([{ ...given, lease }])).toEqual([true]);
    return { scope, versionId, rule, request, lease, given, tool: scope.name };
  };
  const readHanded = async (id: number) => (await contract.catalog.readTransfers([id]))[0]?.handedOver;

  describe('what a tool was given', () => {
    it('is told to whoever claims the request next, and nobody hands over under a lost lease', async () => {
      const { scope, lease, given } = await handed();
      await contract.catalog.renewRequests([lease], 1);
      await sleep(20);
      const second = await claimOne(scope);
      expect(await readHanded(second.lease.requestId)).toEqual({ ...given, protocol: 'cern https→https' });
      const again = { tool: given.tool, attempt: `${given.attempt}.again` };
      expect(await contract.catalog.handOver([{ ...again, lease }])).toEqual([false]);
      expect(await contract.catalog.handOver([{ ...again, lease: second.lease }])).toEqual([true]);
      expect(await readHanded(second.lease.requestId)).toMatchObject(again);
    });

    it('is forgotten with the end of the attempt, unless its end says that it is still under way', async () => {
      const { scope, request, lease } = await handed();
      const held = { state: 'WAITING', attempts: 0, timesStuck: 0, afterMs: 0, why: 'it is not known here' } as const;
      await contract.catalog.settleTransfers([{ ...postponement(request, { request: held }), keepsHandedOver: true }]);
      expect(await readHanded(lease.requestId)).toBeDefined();
      const second = await claimOne(scope);
      await contract.catalog.settleTransfers([postponement(second, { request: { ...held, state: 'QUEUED' } })]);
      expect(await readHanded(lease.requestId)).toBeUndefined();
      expect(await contract.catalog.settleTransfers([arrival(await claimOne(scope))])).toEqual([true]);
    });

    it('and that is not known anywhere any more is given to another when somebody asks', async () => {
      const { request, lease } = await handed();
      const held = { state: 'WAITING', attempts: 0, timesStuck: 0, afterMs: 60_000, why: 'not known here' } as const;
      await contract.catalog.settleTransfers([{ ...postponement(request, { request: held }), keepsHandedOver: true }]);
      expect(await contract.catalog.askAgain([lease.requestId])).toEqual([true]);
      expect(await readHanded(lease.requestId)).toBeUndefined();
    });

    it('is abandoned with its request, and in hand until somebody has looked after it', async () => {
      const { scope, versionId, rule, lease, given, tool } = await handed();
      expect(await contract.catalog.listAbandoned([tool], 10)).toEqual([]);
      await endRule(contract, rule);
      const [abandoned, ...others] = await contract.catalog.listAbandoned([tool, 'another'], 10);
      expect(others).toEqual([]);
      const { requestId } = lease;
      expect(abandoned).toEqual({ ...given, requestId, scope: scope.name, name: 'a', versionId, store: scope.far });
      expect(await contract.catalog.listAbandoned([`not ${tool}`], 10)).toEqual([]);
      expect(await contract.catalog.listAbandoned([], 10)).toEqual([]);
      await contract.catalog.leaveCopies([lease]);
      const copy = { versionId, store: scope.far };
      expect(await contract.catalog.isCopyInHand(copy)).toBe(true);
      await contract.catalog.forgetAbandoned([{ requestId, attempt: 'of another time' }]);
      expect(await contract.catalog.isCopyInHand(copy)).toBe(true);
      await contract.catalog.forgetAbandoned([{ requestId, attempt: given.attempt }]);
      expect(await contract.catalog.isCopyInHand(copy)).toBe(false);
      expect(await contract.catalog.listAbandoned([tool], 10)).toEqual([]);
    });
  });
}
