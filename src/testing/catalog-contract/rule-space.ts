import { describe, expect, it } from 'vitest';
import type { ReleasedAfter, RuleLease, RulePageApplied, StoreUse } from '../../ports/rules.ts';
import { type CatalogContract, contentOf, sleep, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, claimRule, claimRulesOnly, endRule, failure, ruleOver } from './rules-harness.ts';

const HOUR_MS = 3_600_000;

/** Duties of space and quota: `setStore`, `readStoreUse`, `holdsPlaced`, `setQuota`, `readAccountUse`, `listReleased`. */
export function describeRuleSpace(contract: CatalogContract): void {
  const useOf = async (store: string): Promise<StoreUse> => {
    const found = (await contract.catalog.readStoreUse()).find((one) => one.store === store);
    if (found === undefined) throw new Error(`${store} is not told of`);
    return found;
  };
  const putSized = (scope: TestScope, name: string, size: number) =>
    contract.recordOne(contract.put(scope, name, { content: contentOf('x'.repeat(size)) }));

  describe('released replicas', () => {
    it('are told once in a walk by pages, those to be purged first, also where many were released at once', async () => {
      const scope = await contract.openScope();
      const { name, source } = scope;
      const replicas = [{ store: scope.near, title: 'near', priority: 1 }];
      await contract.catalog.openScope({ name, title: name, source, replicas, standing: true });
      const names = ['a', 'b', 'c', 'd', 'e'];
      for (const one of names) await contract.putWithReplicas(scope, one, [source]);
      const targets = (...of: readonly string[]) =>
        of.map((one) => ({ kind: 'object', scope: name, name: one }) as const);
      const kept = await addRule(contract, ruleOver(scope, { targets: targets('a', 'c', 'e') }));
      await applyRule(contract, kept, [scope.far]);
      const purged = await addRule(
        contract,
        ruleOver(scope, { targets: targets('b', 'd'), purge: true, account: 'bob' }),
      );
      await applyRule(contract, purged, [scope.far]);
      const claimed = await contract.claim(scope, { leaseMs: 60_000 });
      await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)));
      await endRule(contract, kept);
      await endRule(contract, purged);
      const walked: string[] = [];
      let after: ReleasedAfter = {};
      for (;;) {
        const page = await contract.catalog.listReleased(scope.far, { after, limit: 2 });
        if (page.length === 0) break;
        walked.push(...page.map((one) => one.name));
        for (const one of page) after = one.purge ? { ...after, purged: one } : { ...after, others: one };
      }
      expect(walked).toEqual(['b', 'd', 'a', 'c', 'e']);
    });
  });

  describe('the space of a store', () => {
    it('is reserved for copies on their way, used by those that came, and free again when they are gone', async () => {
      const scope = await contract.openScope();
      await putSized(scope, 'a', 10);
      await putSized(scope, 'b', 7);
      const id = await addRule(contract, ruleOver(scope, { purge: true }));
      await applyRule(contract, id, [scope.far, scope.source]);
      const source = await useOf(scope.source);
      expect(source).toMatchObject({ completedBytes: 0, inFlightBytes: 17, leavingBytes: 0, pendingRequests: 2 });
      const claimed = await contract.claim(scope);
      await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)));
      expect(await useOf(scope.source)).toMatchObject({ completedBytes: 17, inFlightBytes: 0, pendingRequests: 0 });
      await endRule(contract, id);
      const released = await contract.catalog.listReleased(scope.source, { limit: 10 });
      expect(released).toMatchObject([
        { purge: true, bytes: 10 },
        { purge: true, bytes: 7 },
      ]);
      expect(await contract.catalog.condemn(released, { exceptStores: [] })).toEqual([true, true]);
      expect(await useOf(scope.source)).toMatchObject({ completedBytes: 17, leavingBytes: 17 });
      for (const { name, versionId } of released) {
        const gone = { scope: scope.name, name, versionId, store: scope.source, to: 'drop' } as const;
        await contract.catalog.record({ replicas: [gone] });
      }
      expect(await useOf(scope.source)).toMatchObject({ completedBytes: 0, inFlightBytes: 0, leavingBytes: 0 });
    });

    it('is where it is, around and below while copies are placed there, however small, but for those of a mirror', async () => {
      const scope = await contract.openScope();
      const holds = (place: string, of = scope.name) => contract.catalog.holdsPlaced({ place, scope: of });
      await putSized(scope, 'a', 0);
      expect(await holds(scope.far)).toBe(false);
      const id = await addRule(contract, ruleOver(scope));
      await applyRule(contract, id, [scope.far]);
      await contract.catalog.settleTransfers((await contract.claim(scope)).map((request) => arrival(request)));
      for (const place of [scope.far, `${scope.far}/below/`, scope.far.slice(0, -1)])
        expect(await holds(place)).toBe(true);
      await contract.putWithReplicas(scope, 'b', [scope.near]);
      await contract.catalog.setStore(scope.near, { allocatedBytes: 500 });
      for (const place of [scope.near, scope.source])
        for (const of of [scope.name, 'another']) expect(await holds(place, of)).toBe(false);

      const { current } = (await contract.catalog.readObject(scope.name, 'a')) ?? {};
      const scan = { scope: scope.name, prefix: '', limit: 1, stores: [scope.far], deleted: true, details: false };
      expect((await contract.catalog.scanScope(scan)).replicas[0]?.states).toEqual([null]);
      const to = { state: 'AVAILABLE', verification: 'written', place: 'a', token: 'moved' } as const;
      const moved = { scope: scope.name, name: 'a', versionId: current?.id ?? 0, store: scope.far, to };
      await contract.catalog.record({ replicas: [moved] });
      expect(await holds(scope.far)).toBe(false);
      expect((await contract.catalog.scanScope(scan)).replicas[0]?.states).toEqual(['AVAILABLE']);
      expect(await holds(scope.far, 'another')).toBe(true);
      expect(await holds(`${scope.far}/below/`)).toBe(true);
      await contract.catalog.setTraits({ scope: scope.name, name: 'a' }, { authority: scope.near });
      expect(await holds(scope.far)).toBe(true);
    });

    it('is kept for a copy that was given up, which is tried again', async () => {
      const scope = await contract.openScope();
      await putSized(scope, 'a', 10);
      await applyRule(contract, await addRule(contract, ruleOver(scope)), [scope.far]);
      await contract.catalog.settleTransfers((await contract.claim(scope)).map((request) => failure(request)));
      expect(await useOf(scope.far)).toMatchObject({ completedBytes: 0, inFlightBytes: 10, pendingRequests: 0 });
    });

    it('is never exceeded, whoever asks at the same moment', async () => {
      const scope = await contract.openScope();
      await contract.catalog.setStore(scope.far, { allocatedBytes: 500 });
      const rules: number[] = [];
      for (let at = 0; at < 100; at++) {
        await putSized(scope, `object-${at}`, 10);
        const target = { kind: 'object', scope: scope.name, name: `object-${at}` } as const;
        rules.push(await addRule(contract, ruleOver(scope, { targets: [target] })));
      }
      const claimed = await claimRulesOnly(contract, rules);
      const applied = await Promise.all(claimed.map(({ lease }) => applyOne(contract, lease, scope.far)));
      expect(applied.filter(({ kind }) => kind === 'applied')).toHaveLength(50);
      expect(applied.find(({ kind }) => kind === 'no-room')).toEqual({
        kind: 'no-room',
        stores: [scope.far],
        quotas: [],
      });
      expect(await useOf(scope.far)).toMatchObject({ inFlightBytes: 500, said: { allocatedBytes: 500 } });
      expect(await contract.claim(scope, { limit: 1000 })).toHaveLength(50);
    });

    it('is shared out copy by copy within a page', async () => {
      const scope = await contract.openScope();
      await contract.catalog.setStore(scope.far, { allocatedBytes: 20 });
      for (const name of ['a', 'b', 'c']) await putSized(scope, name, 10);
      const [claimed] = await claimRulesOnly(contract, [await addRule(contract, ruleOver(scope))]);
      if (claimed === undefined) throw new Error('the rule was not claimed');
      expect(await applyOne(contract, claimed.lease, scope.far)).toMatchObject({
        kind: 'no-room',
        stores: [scope.far],
      });
      expect(await useOf(scope.far)).toMatchObject({ inFlightBytes: 0 });
    });

    it('that a new version does not fit into leaves its lock stuck for want of it', async () => {
      const scope = await contract.openScope();
      const first = await putSized(scope, 'a', 10);
      await contract.catalog.setStore(scope.far, { allocatedBytes: 15 });
      const id = await addRule(contract, ruleOver(scope));
      await applyRule(contract, id, [scope.far]);
      await contract.catalog.settleTransfers((await contract.claim(scope)).map((request) => arrival(request)));
      await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('x'.repeat(11)) }));
      expect(await contract.catalog.listLocks({ rule: id, limit: 10 })).toMatchObject([
        { lock: { state: 'STUCK', reason: { kind: 'destination-full' } }, replica: undefined },
      ]);
      // Tried in vain: the time until then is not forgotten.
      await sleep(5);
      expect(await contract.catalog.hasten({ fact: 'asked', rule: id })).toBe(1);
      expect(await contract.catalog.retryStuck(1000)).toBeGreaterThan(0);
      const [{ lock } = {}] = await contract.catalog.listLocks({ rule: id, limit: 10 });
      expect(lock?.state).toBe('STUCK');
      expect(lock?.stuckMs).toBeGreaterThanOrEqual(5);
      await contract.catalog.setStore(scope.far, { allocatedBytes: null });
      expect(await contract.catalog.hasten({ fact: 'space-freed', store: scope.far })).toBe(1);
      expect(await contract.catalog.hasten({ fact: 'asked', rule: id })).toBe(1);
      expect(await contract.catalog.retryStuck(1000)).toBeGreaterThan(0);
      expect(await contract.claim(scope)).toMatchObject([{ store: scope.far, ofRules: { bytes: 11 } }]);
    });

    it.each([true, false])(
      'that is freed lets those rules be looked at again that miss it (%s)',
      async (missesRoom) => {
        const scope = await contract.openScope();
        await putSized(scope, 'a', 10);
        const id = await addRule(contract, ruleOver(scope, { copies: 2 }));
        for (const missing of [true, false]) {
          const { lease } = await claimRule(contract, id);
          const applied = await contract.catalog.applyRulePage({
            lease,
            objects: [],
            isFirst: true,
            missingCopies: missing ? 1 : 0,
            missingWhy: missing ? 'there are too few' : undefined,
            missesRoom: missesRoom && missing,
            position: undefined,
            lookAgainAfterMs: HOUR_MS,
            waits: true,
            events: [],
          });
          expect(applied).toMatchObject({ kind: 'applied' });
          const next = async () => (await contract.catalog.readRule(id))?.nextLookMs ?? 0;
          const before = await next();
          await contract.catalog.hasten({ fact: 'space-freed' });
          const isSooner = missesRoom && missing;
          expect(await next()).toBeLessThan(isSooner ? before - HOUR_MS / 2 : before + 1);
          expect((await next()) === before).toBe(!isSooner);
          await contract.catalog.hasten({ fact: 'asked', rule: id });
        }
      },
    );

    it('keeps what was said of a store, word by word', async () => {
      const scope = await contract.openScope();
      await contract.catalog.setStore(scope.far, { availability: { write: false } });
      await contract.catalog.setStore(scope.far, { allocatedBytes: 7 });
      await contract.catalog.setStore(scope.far, { availability: { read: true } });
      const said = { availability: { read: true, write: false }, allocatedBytes: 7 };
      expect((await useOf(scope.far)).said).toEqual(said);
      await contract.catalog.setStore(scope.far, { availability: null });
      expect((await useOf(scope.far)).said).toEqual({ availability: {}, allocatedBytes: 7 });
    });
  });

  describe('a quota', () => {
    it('is held by whoever claims under it at the same moment', async () => {
      const scope = await contract.openScope();
      const account = `account of ${scope.name}`;
      const quota = { account, expression: 'both', bytes: 100 };
      await contract.catalog.setQuota(quota);
      expect(await contract.catalog.listQuotas(account)).toEqual([quota]);
      const rules: number[] = [];
      for (let at = 0; at < 20; at++) {
        await putSized(scope, `object-${at}`, 10);
        const target = { kind: 'object', scope: scope.name, name: `object-${at}` } as const;
        rules.push(await addRule(contract, ruleOver(scope, { account, targets: [target] })));
      }
      const claimed = await claimRulesOnly(contract, rules);
      const quotas = [{ expression: 'both', stores: [scope.near, scope.far] }];
      const applied = await Promise.all(
        claimed.map(({ lease }, at) => applyOne(contract, lease, at % 2 === 0 ? scope.far : scope.near, quotas)),
      );
      expect(applied.filter(({ kind }) => kind === 'applied')).toHaveLength(10);
      expect(applied.find(({ kind }) => kind === 'no-room')).toMatchObject({ stores: [], quotas: ['both'] });
      const uses = await contract.catalog.readAccountUse(account);
      expect(uses.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(100);
      await contract.catalog.setQuota({ ...quota, bytes: undefined });
      expect(await contract.catalog.listQuotas(account)).toEqual([]);
    });

    it('counts each lock, whether its bytes are shared or not', async () => {
      const scope = await contract.openScope();
      const account = `account of ${scope.name}`;
      await putSized(scope, 'a', 10);
      for (const copies of [1, 2]) {
        await applyRule(contract, await addRule(contract, ruleOver(scope, { account, copies })), [scope.far]);
      }
      expect(await contract.catalog.readAccountUse(account)).toEqual([{ store: scope.far, bytes: 20, locks: 2 }]);
    });
  });
}

/** Applies a rule about one object, in one page. */
async function applyOne(
  contract: CatalogContract,
  lease: RuleLease,
  store: string,
  quotas: readonly { readonly expression: string; readonly stores: readonly string[] }[] = [],
): Promise<RulePageApplied> {
  const { objects } = await contract.catalog.readRulePage(lease.rule, { limit: 10 });
  return contract.catalog.applyRulePage({
    lease,
    isFirst: true,
    position: undefined,
    missingCopies: 0,
    missingWhy: undefined,
    lookAgainAfterMs: undefined,
    quotas,
    events: [],
    objects: objects.map(({ id, versionId, name }) => ({
      id,
      versionId,
      locks: [{ store, place: name }],
      releases: [],
    })),
  });
}
