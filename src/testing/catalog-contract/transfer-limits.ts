import { describe, expect, it } from 'vitest';
import type { TransferLimits } from '../../domain/transfer/transfer-limits.ts';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import { type CatalogContract, sleep, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, endRule, postponement, ruleOver } from './rules-harness.ts';

const NONE: TransferLimits = { stores: [], pairs: [], shares: [] };

/** Duties of claims with limits and shares, and of `chooseSourcesWithin`. */
export function describeTransferLimits(contract: CatalogContract): void {
  const claim = (limits: TransferLimits, options: { limit?: number; owner?: string; leaseMs?: number } = {}) =>
    contract.catalog.claimRequests({
      owner: 'worker',
      limit: 100,
      leaseMs: 60_000,
      work: 'rule-copies',
      limits,
      ...options,
    });
  /** What other tests left is out of the way. */
  const drain = async (): Promise<void> => {
    const all = { owner: 'drain', limit: 10_000, leaseMs: 3_600_000 };
    await contract.catalog.claimRequests({ ...all, work: 'rule-copies' });
  };
  const queued = async (
    stores: (scope: TestScope) => readonly string[],
    rules: Readonly<Record<string, { readonly count: number; readonly priority?: number }>>,
  ): Promise<TestScope> => {
    await drain();
    const scope = await contract.openScope();
    const { name, source } = scope;
    await contract.catalog.openScope({ name, title: name, source, replicas: [], standing: true });
    for (const [activity, { count, priority = 4 }] of Object.entries(rules)) {
      const names = Array.from({ length: count }, (_, at) => `${activity}-${String(at).padStart(3, '0')}`);
      for (const object of names) await contract.putWithReplicas(scope, object, [source]);
      const targets = [{ kind: 'pattern', scope: name, pattern: `${activity}-*` } as const];
      await applyRule(
        contract,
        await addRule(contract, ruleOver(scope, { targets, activity, priority })),
        stores(scope),
      );
    }
    return scope;
  };
  const incoming = (store: string, max: number): TransferLimits => ({
    ...NONE,
    stores: [{ store, name: 'far', incomingMax: max, outgoingMax: undefined }],
  });
  const outgoing = (store: string, max: number): TransferLimits => ({
    ...NONE,
    stores: [{ store, name: 'source', incomingMax: undefined, outgoingMax: max }],
  });
  const wanting = (requests: readonly ClaimedRequest[], ...sources: readonly string[]) =>
    requests.map(({ lease }) => ({ lease, sources: sources.map((source) => ({ source, protocol: 'file' })) }));
  const settle = (requests: readonly ClaimedRequest[]) =>
    contract.catalog.settleTransfers(requests.map((request) => arrival(request)));
  const byActivity = (requests: readonly ClaimedRequest[]): Record<string, number> =>
    Object.fromEntries(
      [...Map.groupBy(requests, ({ ofRules }) => ofRules?.activity ?? '')].map(([name, own]) => [name, own.length]),
    );

  describe('claims within limits', () => {
    it('take no more for a store than it may have at once, whoever claims, and go on when one has ended', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 5 } });
      const limits = incoming(scope.far, 2);
      const first = await claim(limits);
      expect(first).toHaveLength(2);
      expect(await claim(limits, { owner: 'another' })).toEqual([]);
      await settle(first.slice(0, 1));
      expect(await claim(limits, { owner: 'another' })).toHaveLength(1);
      expect(await claim(limits)).toEqual([]);
      const inHand = await contract.catalog.readTransfersInHand();
      expect(inHand.filter(({ store }) => store === scope.far).map(({ count }) => count)).toEqual([2]);
    });

    it('pass over what waits for its store, and take what is for others', async () => {
      const scope = await queued(({ near, far }) => [far, near], { test: { count: 5 } });
      const claimed = await claim(incoming(scope.far, 1));
      const stores = Map.groupBy(claimed, ({ store }) => store);
      expect([stores.get(scope.far)?.length, stores.get(scope.near)?.length]).toEqual([1, 5]);
      expect(claimed.every(({ attempts }) => attempts === 1)).toBe(true);
    });

    it('count what a worker had that was never heard of again until its lease is over', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 2 } });
      const [gone] = await claim(incoming(scope.far, 1), { leaseMs: 200 });
      expect(await claim(incoming(scope.far, 1))).toEqual([]);
      await sleep(250);
      const [again] = await claim(incoming(scope.far, 1));
      expect([gone?.attempts, again?.attempts].every((attempts) => attempts !== undefined)).toBe(true);
      expect(await claim(incoming(scope.far, 1))).toEqual([]);
    });

    it('count what was cancelled under a worker until he has left it', async () => {
      const scope = await queued(({ far }) => [far], { one: { count: 1 } });
      const limits = incoming(scope.far, 1);
      const [held] = await claim(limits);
      const rules = await contract.catalog.listRules({ scope: scope.name, limit: 10 });
      for (const { id } of rules) await endRule(contract, id);
      const targets = [{ kind: 'object', scope: scope.name, name: 'two' } as const];
      await contract.putWithReplicas(scope, 'two', [scope.source]);
      const rule = await addRule(contract, ruleOver(scope, { targets }));
      await applyRule(contract, rule, [scope.far]);
      const before = await claim(limits);
      expect(before.filter(({ store }) => store === scope.far)).toEqual([]);
      if (held !== undefined) await contract.catalog.leaveCopies([held.lease]);
      expect(await claim(limits)).toHaveLength(1);
    });

    it('leave what they sorted to those who claim without any', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 3 } });
      const held = await claim(incoming(scope.far, 1));
      const rest = await contract.claim(scope);
      expect([held.length, rest.length]).toEqual([1, 2]);
    });

    it('take the most urgent first, and what became more urgent while it waited', async () => {
      const scope = await queued(({ far }) => [far], {
        low: { count: 2, priority: 5 },
        high: { count: 1, priority: 2 },
      });
      const limits = incoming(scope.far, 1);
      const [first] = await claim(limits);
      expect(first?.name).toBe('high-000');
      const { current } = await contract.read(scope, 'low-001');
      const copy = { kind: 'copy', reason: 'miss', priority: 1, versionId: current.id, store: scope.far } as const;
      await contract.catalog.record({ requests: [{ ...copy, scope: scope.name, name: 'low-001' }] });
      await settle(first === undefined ? [] : [first]);
      expect((await claim(limits)).map(({ name }) => name)).toEqual(['low-001']);
    });

    it('cancel copies of a version that is not current any more, and take others in their place', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 2 } });
      const { current } = await contract.read(scope, 'test-000');
      await contract.recordOne(contract.remove(scope, 'test-000', current.id));
      expect((await claim(incoming(scope.far, 1))).map(({ name }) => name)).toEqual(['test-001']);
    });
  });

  describe('sources within limits', () => {
    it('are chosen until they have no room; the rest waits without an attempt, and says for what', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 3 } });
      const limits = outgoing(scope.source, 2);
      const claimed = await claim(limits);
      expect(claimed).toHaveLength(3);
      const answers = await contract.catalog.chooseSourcesWithin(wanting(claimed, scope.source), limits);
      expect(answers.map(({ kind }) => kind)).toEqual(['chosen', 'chosen', 'waits']);
      const last = claimed[2] as ClaimedRequest;
      const found = await contract.catalog.listRequests({ versionId: last.versionId, limit: 10 });
      expect(found).toMatchObject([{ state: 'WAITING', attempts: 0 }]);
      expect(found[0]?.lastError).toContain('2 copies from source at once, and no more (limits.outgoing of source)');
      expect(await contract.catalog.readAttempts([last.lease.requestId])).toEqual([]);
      expect(await claim(limits)).toEqual([]);
      await settle(claimed.slice(0, 1));
      const [next] = await claim(limits);
      expect([next?.name, next?.attempts]).toEqual([last.name, 1]);
      const again = await contract.catalog.chooseSourcesWithin(wanting([next as ClaimedRequest], scope.source), limits);
      expect(again).toEqual([{ kind: 'chosen', at: 0 }]);
    });

    it('give way to the next that has room', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 2 } });
      const limits = outgoing(scope.source, 1);
      const claimed = await claim(limits);
      const wanted = wanting(claimed, scope.source, scope.near);
      expect(await contract.catalog.chooseSourcesWithin(wanted, limits)).toEqual([
        { kind: 'chosen', at: 0 },
        { kind: 'chosen', at: 1 },
      ]);
    });

    it('are limited for one destination without another', async () => {
      const scope = await queued(({ near, far }) => [far, near], { test: { count: 2 } });
      const pair = { source: scope.source, sourceName: 'source', store: scope.far, name: 'far', max: 1 };
      const limits = { ...NONE, pairs: [pair] };
      const claimed = await claim(limits);
      const answers = await contract.catalog.chooseSourcesWithin(wanting(claimed, scope.source), limits);
      const waiting = claimed.filter((_, at) => answers[at]?.kind === 'waits');
      expect(waiting.map(({ store }) => store)).toEqual([scope.far]);
      expect(await claim(limits)).toEqual([]);
    });

    it('are chosen by nobody whose lease is lost', async () => {
      const scope = await queued(({ far }) => [far], { test: { count: 1 } });
      const limits = outgoing(scope.source, 1);
      const claimed = await claim(limits);
      await contract.catalog.settleTransfers(claimed.map((request) => postponement(request)));
      const answers = await contract.catalog.chooseSourcesWithin(wanting(claimed, scope.source), limits);
      expect(answers).toEqual([{ kind: 'lost-lease' }]);
    });
  });

  describe('claims by shares', () => {
    const shares = [
      { activity: 'production', weight: 70 },
      { activity: 'default', weight: 30 },
    ];

    it('are divided by them where more is queued than can be taken, also one at a time', async () => {
      await queued(({ far }) => [far], { production: { count: 40 }, reprocessing: { count: 40 } });
      const limits = { ...NONE, shares };
      expect(byActivity(await claim(limits, { limit: 20 }))).toEqual({ production: 14, reprocessing: 6 });
      const singles: ClaimedRequest[] = [];
      for (let at = 0; at < 10; at++) singles.push(...(await claim(limits, { limit: 1 })));
      expect(byActivity(singles)).toEqual({ production: 7, reprocessing: 3 });
    });

    it('give what one has no use for to the others', async () => {
      await queued(({ far }) => [far], { production: { count: 2 }, reprocessing: { count: 30 } });
      const claimed = await claim({ ...NONE, shares }, { limit: 20 });
      expect(byActivity(claimed)).toEqual({ production: 2, reprocessing: 18 });
    });

    it('hold within limits too', async () => {
      const scope = await queued(({ far }) => [far], { production: { count: 20 }, reprocessing: { count: 20 } });
      const limits = { ...incoming(scope.far, 10), shares };
      const { production = 0, reprocessing = 0 } = byActivity(await claim(limits));
      expect([production + reprocessing, production >= 7, reprocessing >= 2]).toEqual([10, true, true]);
    });
  });
}
