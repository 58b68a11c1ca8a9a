import { describe, expect, it } from 'vitest';
import type { CatalogContract } from './harness.ts';
import { addRule, applyRule, arrival, claimRule, claimRulesOnly, releaseAll, ruleOver } from './rules-harness.ts';

/** Duties of a rule's life: `tellRule`, `claimRules`, and what it tells others. */
export function describeRuleLife(contract: CatalogContract): void {
  describe('the life of a rule', () => {
    it('begins when it is approved', async () => {
      const scope = await contract.openScope();
      const id = await addRule(contract, ruleOver(scope, { needsApproval: true }));
      expect(await claimRulesOnly(contract, [id])).toEqual([]);
      expect(await contract.catalog.tellRule(id, 'applied')).toMatchObject({ kind: 'refused' });
      expect(await contract.catalog.tellRule(id, 'approved')).toMatchObject({ rule: { state: 'INJECT' } });
      expect(await claimRule(contract, id)).toMatchObject({ work: 'apply', position: undefined });
    });

    it('goes on where its last page ended, by whoever claims it next', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b', 'c']) await contract.putWithReplicas(scope, name, []);
      const id = await addRule(contract, ruleOver(scope));
      const { lease } = await claimRule(contract, id);
      const page = await contract.catalog.readRulePage(id, { limit: 1 });
      const none = { missingCopies: 0, missingWhy: undefined, lookAgainAfterMs: undefined, events: [], objects: [] };
      await contract.catalog.applyRulePage({ ...none, lease, isFirst: true, position: page.next });
      expect(await contract.catalog.renewRules([lease], 0)).toEqual([true]);
      expect(await claimRule(contract, id)).toMatchObject({ work: 'apply', position: page.next });
      expect(await contract.catalog.renewRules([lease], 0)).toEqual([false]);
    });

    it('goes on at once where whoever claimed it is known to have ended', async () => {
      const scope = await contract.openScope();
      const id = await addRule(contract, ruleOver(scope));
      const claim = { owner: `dead of ${scope.name}`, limit: 1, leaseMs: 60_000, rules: [id] };
      const [claimed] = await contract.catalog.claimRules(claim);
      expect(await contract.catalog.claimRules(claim)).toEqual([]);
      expect(await contract.catalog.listClaimOwners()).toEqual(expect.arrayContaining([claim.owner]));
      expect(await contract.catalog.endClaims([claim.owner])).toBe(1);
      expect(await contract.catalog.claimRules(claim)).toMatchObject([{ work: 'apply' }]);
      expect(await contract.catalog.renewRules(claimed === undefined ? [] : [claimed.lease], 1)).toEqual([false]);
    });

    it('is applied once more when its content changes behind the page it is at', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'b', []);
      const id = await addRule(contract, ruleOver(scope));
      const { lease } = await claimRule(contract, id);
      await contract.putWithReplicas(scope, 'a', []);
      const none = { missingCopies: 0, missingWhy: undefined, lookAgainAfterMs: undefined, events: [], objects: [] };
      const applied = await contract.catalog.applyRulePage({ ...none, lease, isFirst: true, position: undefined });
      expect(applied).toMatchObject({ rule: { state: 'INJECT' } });
      expect(await applyRule(contract, id, [scope.far])).toMatchObject({ counts: { replicating: 2 } });
    });

    it('stops at a suspension: who works on it has lost its lease, and nothing is tried again', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', []);
      const id = await addRule(contract, ruleOver(scope));
      const { lease } = await claimRule(contract, id);
      expect(await contract.catalog.tellRule(id, 'suspended')).toMatchObject({ rule: { state: 'SUSPENDED' } });
      expect(await contract.catalog.renewRules([lease], 1000)).toEqual([false]);
      expect(await claimRulesOnly(contract, [id])).toEqual([]);
      expect(await contract.catalog.tellRule(id, 'resumed')).toMatchObject({ rule: { state: 'INJECT' } });
    });

    it('ends when its time is over, unless it is locked', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope, { expiresMs: 1, isLocked: true }));
      await applyRule(contract, id, [scope.source]);
      expect(await claimRulesOnly(contract, [id])).toEqual([]);
      expect(await contract.catalog.tellRule(id, 'deleted')).toMatchObject({ kind: 'refused' });
      await contract.catalog.updateRule(id, { isLocked: false });
      const { lease, work } = await claimRule(contract, id);
      expect(work).toBe('end');
      expect(await contract.catalog.readRule(id)).toBeUndefined();
      expect(await releaseAll(contract, lease)).toBe(1);
      expect(await contract.catalog.listLocks({ rule: id, limit: 1 })).toEqual([]);
    });

    it('is no duplicate of one whose time is over: that one ends', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const over = await addRule(contract, ruleOver(scope, { expiresMs: 1, isLocked: true }));
      expect(await contract.catalog.addRule(ruleOver(scope))).toEqual({ kind: 'duplicate', id: over });
      await contract.catalog.updateRule(over, { isLocked: false });
      const next = await addRule(contract, ruleOver(scope));
      expect(next).not.toBe(over);
      expect(await contract.catalog.readRule(over)).toBeUndefined();
      expect(await claimRule(contract, over)).toMatchObject({ work: 'end' });
      expect(await contract.catalog.addRule(ruleOver(scope))).toEqual({ kind: 'duplicate', id: next });
    });

    it('is stuck while copies have no place, and looked at again', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope, { copies: 2 }));
      const applied = await applyRule(contract, id, [scope.source], { missingCopies: 1 });
      expect(applied).toMatchObject({
        state: 'STUCK',
        missingCopies: 1,
        missingWhy: 'there are too few stores',
        timesStuck: 1,
      });
      expect(await applyRule(contract, id, [scope.source])).toMatchObject({
        state: 'OK',
        missingCopies: 0,
        missingWhy: undefined,
        timesStuck: 0,
      });
    });

    it('ends the rule it replaces when it is OK, and tells who wants to hear of it', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', []);
      const before = await addRule(contract, ruleOver(scope));
      await applyRule(contract, before, [scope.near]);
      const after = await addRule(contract, ruleOver(scope, { copies: 2, replaces: before, notify: 'ok' }));
      await applyRule(contract, after, [scope.far]);
      expect(await contract.catalog.readRule(before)).toBeDefined();
      const request = (await contract.claim(scope)).find(({ store }) => store === scope.far);
      await contract.catalog.settleTransfers(request === undefined ? [] : [arrival(request)]);
      expect(await contract.catalog.readRule(after)).toMatchObject({ state: 'OK' });
      expect(await contract.catalog.readRule(before)).toBeUndefined();
      expect(await claimRule(contract, before)).toMatchObject({ work: 'end' });
      const events = await contract.catalog.listEvents({ limit: 100_000 });
      expect(events.filter(({ detail }) => detail.startsWith(`rule ${after}:`))).toMatchObject([
        { kind: 'rule-became-ok' },
      ]);
    });
  });
}
