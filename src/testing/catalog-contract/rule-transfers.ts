import { describe, expect, it } from 'vitest';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import { type CatalogContract, contentOf, sleep, type TestScope } from './harness.ts';
import {
  addRule,
  applyRule,
  arrival,
  endRule,
  failure,
  postponement,
  releaseAll,
  claimRule,
  ruleOver,
} from './rules-harness.ts';

/** Duties of attempts, releases and deletes: `chooseSources` to `touch`. */
export function describeRuleTransfers(contract: CatalogContract): void {
  /** An object at the source, and a rule that wants it at the far store. */
  const wanted = async (): Promise<{ scope: TestScope; rule: number; versionId: number; request: ClaimedRequest }> => {
    const scope = await contract.openScope();
    const versionId = await contract.putWithReplicas(scope, 'a', [scope.source]);
    // A store that the profile mirrors is claimed by it: the far one shall be the rule's alone.
    const replicas = [{ store: scope.near, title: 'near', priority: 1 }];
    const { name, source } = scope;
    await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
    const rule = await addRule(contract, ruleOver(scope));
    await applyRule(contract, rule, [scope.far]);
    return { scope, rule, versionId, request: await claimOne(scope) };
  };
  const claimOne = async (scope: TestScope, leaseMs = 60_000): Promise<ClaimedRequest> => {
    const [request] = await contract.claim(scope, { leaseMs });
    if (request === undefined) throw new Error('nothing is queued');
    return request;
  };
  const stateOf = async (rule: number) => (await contract.catalog.readRule(rule))?.state;
  const settleTransfers = (...outcomes: readonly TransferOutcome[]) => contract.catalog.settleTransfers(outcomes);

  it('a copy that waits is asked for in the words of the most urgent rule, when these change', async () => {
    const scope = await contract.openScope();
    await contract.putWithReplicas(scope, 'a', [scope.source]);
    const { name, source } = scope;
    await contract.catalog.openScope({ name, title: name, source, replicas: [], standing: true });
    const first = await addRule(contract, ruleOver(scope));
    const second = await addRule(contract, { ...ruleOver(scope), account: 'other', activity: 'staging', priority: 3 });
    await applyRule(contract, first, [scope.far]);
    await applyRule(contract, second, [scope.far]);
    const asked = async (state: 'QUEUED' | 'SUBMITTED') =>
      (await contract.catalog.listRequests({ state, limit: 10_000 })).find((one) => one.scope === scope.name);
    expect(await asked('QUEUED')).toMatchObject({ priority: 3 });
    await contract.catalog.updateRule(first, { priority: 1, sourceExpression: 'near', activity: 'urgent' });
    expect(await asked('QUEUED')).toMatchObject({ priority: 1 });
    const claimed = await claimOne(scope);
    expect(claimed.ofRules).toMatchObject({ activity: 'urgent', sourceExpression: 'near' });
    // What is under way goes on as it began, and who has it is told how urgent it is by now.
    expect(await contract.catalog.renewRequests([claimed.lease], 60_000)).toEqual([1]);
    await contract.catalog.updateRule(first, { priority: 9, activity: 'idle' });
    expect(await asked('SUBMITTED')).toMatchObject({ priority: 3 });
    expect(await contract.catalog.renewRequests([claimed.lease], 60_000)).toEqual([3]);
    const third = await addRule(contract, { ...ruleOver(scope), account: 'third', priority: 0 });
    await applyRule(contract, third, [scope.far]);
    expect(await contract.catalog.renewRequests([claimed.lease], 60_000)).toEqual([0]);
  });

  describe('an attempt', () => {
    it('that failed is kept with its source and its error, until the request is done', async () => {
      const { scope, request, rule } = await wanted();
      const choice = { lease: request.lease, source: scope.source, protocol: 'https' };
      expect(await contract.catalog.chooseSources([choice])).toEqual([true]);
      const failed = { source: scope.source, protocol: 'https', at: 'source', kind: 'throttled' } as const;
      const attempt = { ...failed, outcome: 'failed', failure: failed, error: 'slow down' } as const;
      expect(await settleTransfers(postponement(request, { attempt, busyMs: 5 }))).toEqual([true]);
      expect(await contract.catalog.chooseSources([choice])).toEqual([false]);
      const id = request.lease.requestId;
      expect(await contract.catalog.readAttempts([id])).toMatchObject([
        { request: id, number: 1, isEarlier: false, source: scope.source, outcome: 'failed', failure: failed },
      ]);
      const use = (await contract.catalog.readStoreUse()).find(({ store }) => store === scope.far);
      expect(use?.recent).toEqual([{ source: scope.source, succeeded: 0, failed: 1 }]);
      await settleTransfers(arrival(await claimOne(scope)));
      expect(await stateOf(rule)).toBe('OK');
      expect(await contract.catalog.readAttempts([id])).toEqual([]);
    });

    it('whose worker was never heard of again is counted, and told as lost', async () => {
      const { scope, request } = await wanted();
      await contract.catalog.renewRequests([request.lease], 1);
      await sleep(20);
      const second = await claimOne(scope);
      expect(second.attempts).toBe(2);
      expect(await contract.catalog.readAttempts([second.lease.requestId])).toMatchObject([
        { number: 1, outcome: 'lost' },
      ]);
      expect(await settleTransfers(arrival(request))).toEqual([false]);
    });

    it('of before the request was asked for again is told as an earlier one', async () => {
      const { scope, request } = await wanted();
      const attempt = { source: undefined, protocol: undefined, outcome: 'no-source', failure: undefined } as const;
      await settleTransfers(failure(request, { attempt: { ...attempt, error: 'none' } }));
      await contract.catalog.retryStuck(1000);
      await settleTransfers(postponement(await claimOne(scope), { attempt: { ...attempt, error: 'still none' } }));
      expect(await contract.catalog.readAttempts([request.lease.requestId])).toMatchObject([
        { isEarlier: true, error: 'none' },
        { isEarlier: false, error: 'still none' },
      ]);
    });

    it('that failed after its copy came by another way ends the request as done', async () => {
      const { scope, rule, request, versionId } = await wanted();
      const to = { state: 'AVAILABLE', place: 'a', token: 'other', verification: 'store' } as const;
      await contract.catalog.record({ replicas: [{ scope: scope.name, name: 'a', versionId, store: scope.far, to }] });
      expect(await stateOf(rule)).toBe('OK');
      expect(await settleTransfers(failure(request))).toEqual([true]);
      expect(await stateOf(rule)).toBe('OK');
      expect((await contract.read(scope, 'a')).replicas).toContainEqual({
        ...to,
        store: scope.far,
        versionId,
      });
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('that doubts its source has it looked at, unless it changed since', async () => {
      const { scope, request, versionId } = await wanted();
      const rule = await addRule(contract, ruleOver(scope, { account: 'bob' }));
      await applyRule(contract, rule, [scope.source]);
      const doubts = (token: string) => ({ doubtedSources: [{ store: scope.source, token }] });
      await settleTransfers(postponement(request, doubts('another token')));
      expect(await stateOf(rule)).toBe('OK');
      await settleTransfers(postponement(await claimOne(scope), doubts('token of a')));
      expect(await stateOf(rule)).toBe('REPLICATING');
      expect((await contract.read(scope, 'a')).replicas).toContainEqual(
        expect.objectContaining({ store: scope.source, state: 'SUSPICIOUS', versionId }),
      );
    });

    it('that was cancelled while somebody wants its copy is asked for again', async () => {
      const { scope, rule, request } = await wanted();
      await settleTransfers(arrival(request, { request: { state: 'CANCELLED', why: 'a mistake' }, replica: 'drop' }));
      expect(await stateOf(rule)).toBe('REPLICATING');
      expect(await claimOne(scope)).toMatchObject({ store: scope.far });
    });

    it('takes the place of the version before, of which nothing is left there', async () => {
      const { scope, request, versionId } = await wanted();
      await settleTransfers(arrival(request));
      const second = await contract.recordOne(
        contract.put(scope, 'a', { follows: versionId, content: contentOf('2') }),
      );
      await settleTransfers(arrival(await claimOne(scope)));
      const far = (await contract.read(scope, 'a')).replicas.filter(({ store }) => store === scope.far);
      expect(far).toMatchObject([{ versionId: second, state: 'AVAILABLE' }]);
    });

    it('reported by the older verb concerns the locks as well', async () => {
      const { rule, request } = await wanted();
      await contract.catalog.finishRequests([{ lease: request.lease, kind: 'failed', error: 'denied' }]);
      expect(await contract.catalog.listLocks({ rule, limit: 1 })).toMatchObject([
        { lock: { state: 'STUCK', reason: { detail: 'denied' } }, replica: 'UNAVAILABLE' },
      ]);
    });
  });

  describe('a copy that was cancelled under who makes it', () => {
    it('is in hand until he has left it, or is known to have ended', async () => {
      const { scope, rule, request, versionId } = await wanted();
      const copy = { versionId, store: scope.far };
      expect(await contract.catalog.isCopyInHand(copy)).toBe(false);
      await endRule(contract, rule);
      expect(await contract.catalog.isCopyInHand(copy)).toBe(true);
      await contract.catalog.leaveCopies([{ ...request.lease, token: request.lease.token + 1 }]);
      expect(await contract.catalog.isCopyInHand(copy)).toBe(true);
      await contract.catalog.leaveCopies([request.lease]);
      expect(await contract.catalog.isCopyInHand(copy)).toBe(false);
    });

    it.each(['before', 'after'])('whose maker ended %s nobody wanted it any more is in nobody’s hand', async (when) => {
      const { scope, rule, request, versionId } = await wanted();
      await settleTransfers(postponement(request));
      const dead = `dead of ${scope.name}`;
      await contract.claim(scope, { owner: dead });
      expect(await contract.catalog.listClaimOwners()).toEqual(expect.arrayContaining([dead]));
      if (when === 'before') await contract.catalog.endClaims([dead]);
      await endRule(contract, rule);
      expect(await contract.catalog.isCopyInHand({ versionId, store: scope.far })).toBe(when === 'after');
      expect((await contract.catalog.listClaimOwners()).includes(dead)).toBe(when === 'after');
      await contract.catalog.endClaims([dead]);
      expect(await contract.catalog.isCopyInHand({ versionId, store: scope.far })).toBe(false);
    });

    it('and that no rule wanted is in nobody’s hand: who makes it does not say when he left it', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.putWithReplicas(scope, 'a', [scope.source, scope.near]);
      const ask = { kind: 'copy', scope: scope.name, name: 'a', versionId, reason: 'miss', priority: 3 } as const;
      await contract.catalog.record({ requests: [{ ...ask, store: scope.near }] });
      await claimOne(scope);
      await contract.recordOne(contract.remove(scope, 'a', versionId));
      expect(await contract.catalog.isCopyInHand({ versionId, store: scope.near })).toBe(false);
    });

    it('but was not begun is in nobody’s hand', async () => {
      const { scope, rule, request, versionId } = await wanted();
      await settleTransfers(postponement(request));
      await endRule(contract, rule);
      expect(await contract.catalog.isCopyInHand({ versionId, store: scope.far })).toBe(false);
    });
  });

  describe('a lock', () => {
    it('of a replica that is lost waits for a new copy, wherever the news came from', async () => {
      const { scope, rule, request, versionId } = await wanted();
      await settleTransfers(arrival(request));
      const change = { scope: scope.name, name: 'a', versionId, store: scope.far };
      await contract.catalog.record({ replicas: [{ ...change, to: 'drop' }] });
      expect(await stateOf(rule)).toBe('REPLICATING');
      const again = await claimOne(scope);
      expect(again).toMatchObject({ store: scope.far, reason: 'rule' });
      expect((await contract.read(scope, 'a')).replicas.at(-1)).toMatchObject({
        state: 'COPYING',
        place: `${scope.name}/a`,
      });
    });

    it('asked for while the bytes before are deleted waits until they are gone', async () => {
      const { scope, rule, request, versionId } = await wanted();
      await contract.putWithReplicas(scope, 'b', [scope.source]);
      await settleTransfers(arrival(request));
      await endRule(contract, rule);
      const released = await contract.catalog.listReleased(scope.far, { limit: 10 });
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([true]);
      const target = { kind: 'object', scope: scope.name, name: 'a' } as const;
      const next = await addRule(contract, ruleOver(scope, { targets: [target] }));
      await applyRule(contract, next, [scope.far]);
      expect(await contract.claim(scope)).toMatchObject([{ kind: 'delete', versionId }]);
      const change = { scope: scope.name, name: 'a', versionId, store: scope.far };
      await contract.catalog.record({ replicas: [{ ...change, to: 'drop' }] });
      expect(await claimOne(scope)).toMatchObject({ kind: 'copy', store: scope.far });
    });
  });

  describe('a released replica', () => {
    const released = async () => {
      const made = await wanted();
      await settleTransfers(arrival(made.request));
      await endRule(contract, made.rule);
      return { ...made, list: await contract.catalog.listReleased(made.scope.far, { limit: 10 }) };
    };

    it('is told with all copies of its object', async () => {
      const { scope, list, versionId } = await released();
      expect(list).toMatchObject([
        {
          scope: scope.name,
          name: 'a',
          versionId,
          store: scope.far,
          purge: false,
          isSourceInUse: false,
          state: 'AVAILABLE',
          isCurrent: true,
          copies: [{ store: scope.source }, { store: scope.far }],
        },
      ]);
    });

    it('that is read goes later', async () => {
      const { scope, list } = await released();
      await sleep(5);
      await contract.catalog.touch(list);
      const [touched] = await contract.catalog.listReleased(scope.far, { limit: 10 });
      expect(touched?.lastUsedMs).toBeGreaterThan(list[0]?.lastUsedMs ?? Infinity);
    });

    it('stays where the other one goes in the same call, and there is no third (I7)', async () => {
      const scope = await contract.openScope();
      const { name, source, near, far } = scope;
      await contract.catalog.openScope({ name, title: name, source, replicas: [], standing: true });
      await contract.recordOne(contract.put(scope, 'a'));
      const rule = await addRule(contract, ruleOver(scope, { copies: 2 }));
      await applyRule(contract, rule, [near, far]);
      await settleTransfers(...(await contract.claim(scope)).map((request) => arrival(request)));
      await endRule(contract, rule);
      const lists = await Promise.all([near, far].map((store) => contract.catalog.listReleased(store, { limit: 10 })));
      expect(await contract.catalog.condemn(lists.flat(), { exceptStores: [] })).toEqual([true, false]);
    });

    it('that is claimed again is not deleted', async () => {
      const { scope, list } = await released();
      const next = await addRule(contract, ruleOver(scope, { account: 'carol' }));
      expect(await applyRule(contract, next, [scope.far])).toMatchObject({ state: 'OK' });
      expect(await contract.catalog.listReleased(scope.far, { limit: 10 })).toEqual([]);
      expect(await contract.catalog.condemn(list, { exceptStores: [] })).toEqual([false]);
    });

    it('from which a request reads is not deleted, also between two attempts', async () => {
      const { scope, list } = await released();
      const next = await addRule(contract, ruleOver(scope, { account: 'carol' }));
      await applyRule(contract, next, [scope.near]);
      const request = await claimOne(scope);
      await contract.catalog.chooseSources([{ lease: request.lease, source: scope.far, protocol: 'file' }]);
      expect(await contract.catalog.condemn(list, { exceptStores: [] })).toEqual([false]);
      await settleTransfers(postponement(request));
      expect(await contract.catalog.listReleased(scope.far, { limit: 10 })).toMatchObject([{ isSourceInUse: true }]);
      expect(await contract.catalog.condemn(list, { exceptStores: [] })).toEqual([false]);
      await settleTransfers(arrival(await claimOne(scope)));
      expect(await contract.catalog.condemn(list, { exceptStores: [] })).toEqual([true]);
      expect((await contract.read(scope, 'a')).replicas).toContainEqual(
        expect.objectContaining({ store: scope.far, state: 'BEING_DELETED' }),
      );
      expect(await contract.claim(scope)).toMatchObject([{ kind: 'delete', store: scope.far }]);
    });

    it('that is the last good copy is not deleted, and copies in memory are none (I7)', async () => {
      const { scope, list, versionId } = await released();
      expect(await contract.catalog.condemn(list, { exceptStores: [scope.source] })).toEqual([false]);
      const bad = { state: 'BAD', place: 'a', token: 't', verification: 'written' } as const;
      const change = { scope: scope.name, name: 'a', versionId, store: scope.source, to: bad };
      await contract.catalog.record({ replicas: [change] });
      expect(await contract.catalog.condemn(list, { exceptStores: [] })).toEqual([false]);
    });

    it('goes when its rule says so at once, before the others', async () => {
      const scope = await contract.openScope();
      const other = `${scope.far}-other`;
      const { name, source } = scope;
      const replicas = [{ store: other, title: 'other', priority: 1 }];
      await contract.catalog.openScope({ name, title: name, source, replicas, standing: false });
      for (const object of ['a', 'b']) await contract.putWithReplicas(scope, object, [scope.source]);
      const rules: number[] = [];
      for (const [object, purge] of [
        ['a', false],
        ['b', true],
      ] as const) {
        const targets = [{ kind: 'object', scope: scope.name, name: object } as const];
        const rule = await addRule(contract, ruleOver(scope, { targets, purge }));
        await applyRule(contract, rule, [other]);
        rules.push(rule);
      }
      await settleTransfers(...(await contract.claim(scope)).map((request) => arrival(request)));
      for (const rule of rules) await endRule(contract, rule);
      const list = await contract.catalog.listReleased(other, { limit: 10 });
      expect(list.map((one) => [one.name, one.purge])).toEqual([
        ['b', true],
        ['a', false],
      ]);
    });

    it('is none that no rule has placed: the source, and what was there before, stay without a lock', async () => {
      const scope = await contract.openScope();
      const { name, source } = scope;
      const replicas = [{ store: scope.near, title: 'near', priority: 1 }];
      await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
      await contract.putWithReplicas(scope, 'a', [scope.source, scope.far]);
      const rule = await addRule(contract, ruleOver(scope, { copies: 2 }));
      await applyRule(contract, rule, [scope.source, scope.far]);
      await endRule(contract, rule);
      for (const store of [scope.source, scope.far])
        expect(await contract.catalog.listReleased(store, { limit: 10 })).toEqual([]);
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([
        { state: 'AVAILABLE' },
        { state: 'AVAILABLE' },
      ]);
    });

    it('of a store that the profile mirrors is not released', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      const rule = await addRule(contract, ruleOver(scope));
      await applyRule(contract, rule, [scope.near]);
      await settleTransfers(arrival(await claimOne(scope)));
      await endRule(contract, rule);
      expect(await contract.catalog.listReleased(scope.near, { limit: 10 })).toEqual([]);
    });
  });

  describe('content that a rule does not hold any more', () => {
    it('loses its locks, page by page', async () => {
      const scope = await contract.openScope();
      for (const name of ['a1', 'a2', 'b1', 'b2']) await contract.putWithReplicas(scope, name, [scope.source]);
      const rule = await addRule(contract, ruleOver(scope));
      await applyRule(contract, rule, [scope.source]);
      const targets = [{ kind: 'pattern', scope: scope.name, pattern: 'a*' } as const];
      expect(await contract.catalog.updateRule(rule, { targets })).toMatchObject({ state: 'INJECT', targets });
      const { lease } = await claimRule(contract, rule);
      expect(await releaseAll(contract, lease, 1)).toBe(2);
      const left = await contract.catalog.listLocks({ rule, limit: 10 });
      expect(left.map(({ name }) => name)).toEqual(['a1', 'a2']);
      expect(await contract.catalog.readRule(rule)).toMatchObject({ counts: { ok: 2 } });
    });
  });
}
