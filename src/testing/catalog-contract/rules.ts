import { describe, expect, it } from 'vitest';
import { type CatalogContract, contentOf, sleep, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, claimRule, endRule, failure, ruleOver } from './rules-harness.ts';

/** Duties of rules and their locks: `addRule` to `releaseLocks`, `listLocks`. */
export function describeRules(contract: CatalogContract): void {
  describe('a rule', () => {
    it('is told as it was given', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const words = ruleOver(scope, {
        targets: [
          { kind: 'object', scope: scope.name, name: 'a' },
          { kind: 'pattern', scope: scope.name, pattern: 'b*' },
        ],
        copies: 2,
        sourceExpression: 'disk',
        weight: 'speed',
        domainAttribute: 'rack',
        isLocked: true,
        purge: true,
        preferred: ['urn:node:A'],
        blocked: ['urn:node:B', 'C'],
        comment: 'why',
        notify: 'progress',
        expiresMs: 4_000_000_000_000,
      });
      const id = await addRule(contract, words);
      const { needsApproval: _, ...said } = words;
      const none = { ok: 0, replicating: 0, stuck: 0 };
      expect(await contract.catalog.readRule(id)).toMatchObject({ ...said, id, state: 'INJECT', counts: none });
      expect(await contract.catalog.listRules({ scope: scope.name, limit: 10 })).toMatchObject([{ id }]);
      expect(await contract.catalog.listRulesOf({ scope: scope.name, name: 'a' })).toMatchObject([{ id }]);
    });

    it('that says the same as another one is a duplicate, until that one has ended', async () => {
      const scope = await contract.openScope();
      const id = await addRule(contract, ruleOver(scope));
      expect(await contract.catalog.addRule(ruleOver(scope, { comment: 'again' }))).toEqual({ kind: 'duplicate', id });
      await addRule(contract, ruleOver(scope, { copies: 2 }));
      await contract.catalog.tellRule(id, 'deleted');
      expect(await contract.catalog.addRule(ruleOver(scope))).toMatchObject({ kind: 'added' });
    });

    it('about what is not there is refused with its names', async () => {
      const scope = await contract.openScope();
      const target = { kind: 'object', scope: scope.name, name: 'none' } as const;
      const other = { kind: 'collection', scope: 'never-opened', name: 'd' } as const;
      expect(await contract.catalog.addRule(ruleOver(scope, { targets: [target, other] }))).toEqual({
        kind: 'unknown-target',
        names: [
          { scope: scope.name, name: 'none' },
          { scope: 'never-opened', name: 'd' },
        ],
      });
    });

    it('is applied page by page: a lock, a replica and a request for each copy', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b', 'c']) await contract.putWithReplicas(scope, name, [scope.source]);
      const id = await addRule(contract, ruleOver(scope, { copies: 2 }));
      const applied = await applyRule(contract, id, [scope.source, scope.near], { pageSize: 2 });
      expect(applied).toMatchObject({ state: 'REPLICATING', counts: { ok: 3, replicating: 3, stuck: 0 } });
      expect((await contract.read(scope, 'b')).replicas).toMatchObject([
        { store: scope.source, state: 'AVAILABLE' },
        { store: scope.near, state: 'COPYING', place: `${scope.name}/b` },
      ]);
      const claimed = await contract.claim(scope);
      expect(claimed.map(({ name, store, reason }) => [name, store, reason])).toEqual(
        ['a', 'b', 'c'].map((name) => [name, scope.near, 'rule']),
      );
      expect(claimed[0]?.ofRules).toEqual({ bytes: 1, activity: 'test', sourceExpression: undefined, timesStuck: 0 });
      expect(await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)))).toEqual([
        true,
        true,
        true,
      ]);
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'OK', counts: { ok: 6, replicating: 0 } });
    });

    it('that is applied again changes nothing', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope));
      const first = await applyRule(contract, id, [scope.near]);
      await contract.catalog.tellRule(id, 'content-changed');
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'INJECT' });
      const second = await applyRule(contract, id, [scope.near]);
      expect(second).toMatchObject({ state: first.state, counts: first.counts });
      expect(await contract.claim(scope)).toHaveLength(1);
    });

    it('shares a replica that another one has asked for, without a second request', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const one = await addRule(contract, ruleOver(scope));
      const other = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, one, [scope.near]);
      await applyRule(contract, other, [scope.near]);
      const [request, ...more] = await contract.claim(scope);
      expect(more).toEqual([]);
      await endRule(contract, one);
      expect(await contract.catalog.settleTransfers(request === undefined ? [] : [arrival(request)])).toEqual([true]);
      expect(await contract.catalog.readRule(other)).toMatchObject({ state: 'OK', counts: { ok: 1 } });
      expect(await contract.catalog.readRule(one)).toBeUndefined();
    });

    it('that ends withdraws what is under way for nobody', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope));
      await leaveNear(contract, scope);
      await applyRule(contract, id, [scope.near]);
      await endRule(contract, id);
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ store: scope.source }]);
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('that ends releases what somebody has in hand: bytes may lie there, and its outcome comes too late', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope));
      await leaveNear(contract, scope);
      await applyRule(contract, id, [scope.near]);
      const claimed = await contract.claim(scope);
      await endRule(contract, id);
      const givenUp = { store: scope.near, state: 'UNAVAILABLE', token: undefined };
      expect((await contract.read(scope, 'a')).replicas).toContainEqual(expect.objectContaining(givenUp));
      expect(await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)))).toEqual([false]);
      const released = await contract.catalog.listReleased(scope.near, { limit: 10 });
      expect(released).toMatchObject([{ name: 'a', state: 'UNAVAILABLE', purge: true }]);
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([true]);
      expect((await contract.read(scope, 'a')).replicas).toHaveLength(2);
    });

    it('whose lease is lost applies nothing', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope));
      const { lease } = await claimRule(contract, id);
      await contract.catalog.renewRules([lease], 0);
      await claimRule(contract, id);
      const page = await contract.catalog.readRulePage(id, { limit: 10 });
      const applied = await contract.catalog.applyRulePage({
        lease,
        isFirst: true,
        position: undefined,
        missingCopies: 0,
        missingWhy: undefined,
        lookAgainAfterMs: undefined,
        events: [],
        objects: page.objects.map(({ id: object, versionId }) => ({
          id: object,
          versionId,
          locks: [{ store: scope.near, place: 'a' }],
          releases: [],
        })),
      });
      expect(applied).toEqual({ kind: 'lost-lease' });
      expect(await contract.catalog.listLocks({ rule: id, limit: 10 })).toEqual([]);
    });

    it('follows its object: a new version is copied anew, a deleted one is claimed by nobody', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope));
      await applyRule(contract, id, [scope.near]);
      await contract.catalog.settleTransfers((await contract.claim(scope)).map((request) => arrival(request)));
      const second = await contract.recordOne(
        contract.put(scope, 'a', { follows: first, content: contentOf('longer') }),
      );
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'REPLICATING' });
      const [request] = await contract.claim(scope);
      expect(request).toMatchObject({ versionId: second, store: scope.near, ofRules: { bytes: 6 } });
      await contract.recordOne(contract.remove(scope, 'a', second));
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'OK', counts: { ok: 0, replicating: 0 } });
      expect(await contract.catalog.settleTransfers(request === undefined ? [] : [arrival(request)])).toEqual([false]);
    });

    it('that failed for good is stuck with its reason, and tried again', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const id = await addRule(contract, ruleOver(scope));
      await applyRule(contract, id, [scope.near]);
      const [request] = await contract.claim(scope);
      if (request === undefined) throw new Error('nothing was queued');
      const outcomes = [failure(request)];
      expect(await contract.catalog.settleTransfers(outcomes)).toEqual([true]);
      expect(await contract.catalog.settleTransfers(outcomes)).toEqual([false]);
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'STUCK', counts: { stuck: 1 } });
      expect(await contract.catalog.listLocks({ rule: id, state: 'STUCK', limit: 10 })).toMatchObject([
        {
          name: 'a',
          store: scope.near,
          lock: { state: 'STUCK', reason: { kind: 'destination-fails' } },
          replica: 'UNAVAILABLE',
          request: { state: 'FAILED', lastError: 'it failed each time' },
        },
      ]);
      await sleep(5);
      expect(await contract.catalog.retryStuck(1000)).toBeGreaterThan(0);
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'REPLICATING' });
      const [again] = await contract.claim(scope);
      expect(again).toMatchObject({ attempts: 1, ofRules: { timesStuck: 1 } });
      await contract.catalog.settleTransfers(again === undefined ? [] : [arrival(again)]);
      expect(await contract.catalog.readRule(id)).toMatchObject({ state: 'OK' });
      const [{ lock } = {}] = await contract.catalog.listLocks({ rule: id, limit: 10 });
      expect(lock?.state).toBe('OK');
      expect(lock?.stuckMs).toBeGreaterThanOrEqual(5);
    });
  });
}

/** The profile mirrors only `far` from now on: what rules do at `near` is theirs. */
async function leaveNear(contract: CatalogContract, { name, source, far }: TestScope): Promise<void> {
  const replicas = [{ store: far, title: 'far', priority: 1 }];
  await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
}
