import { describe, expect, it, vi } from 'vitest';
import type { AbsenceTurn, LookedAtCopy } from '../../ports/store-absences.ts';
import { hearing } from './due-bell.ts';
import { type CatalogContract, type TestScope } from './harness.ts';
import { addRule, applyRule, arrival, claimRule, endRule, failure, ruleOver } from './rules-harness.ts';

/** Duties of the verbs about stores that do not answer. */
export function describeStoreAbsences(contract: CatalogContract): void {
  const statesOf = async (scope: TestScope, name: string) =>
    Object.fromEntries((await contract.read(scope, name)).replicas.map(({ store, state }) => [store, state]));
  const locksOf = (scope: TestScope, name: string) =>
    contract.catalog.listLocks({ name: { scope: scope.name, name }, limit: 10 });
  const turnAt = async (store: string, turn: 'mark' | 'back'): Promise<AbsenceTurn> => {
    const claimed = await contract.catalog.claimAbsence(store, turn);
    if (claimed === undefined) throw new Error(`${turn}: somebody else is at it`);
    return claimed;
  };
  /** By a rule, at `far`. The rule is applied, and what it asked for has arrived. */
  const placed = async (scope: TestScope, names: readonly string[]): Promise<number> => {
    for (const name of names) await contract.putWithReplicas(scope, name, [scope.source]);
    const rule = await addRule(contract, ruleOver(scope));
    await applyRule(contract, rule, [scope.far]);
    const claimed = await contract.claim(scope, { leaseMs: 60_000 });
    await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)));
    return rule;
  };
  const markAll = async (scope: TestScope, limit = 1_000): Promise<number> => {
    const turn = await turnAt(scope.far, 'mark');
    let copies = 0;
    for (let after: string | undefined; ; ) {
      const page = await contract.catalog.markUnavailable(turn, { after, limit });
      copies += page?.copies ?? 0;
      if (page?.next === undefined) return copies;
      after = page.next;
    }
  };
  const eventsAt = async (store: string) =>
    (await contract.catalog.listEvents({ limit: 100_000, scope: '' }))
      .filter((one) => one.store === store && one.kind.startsWith('store-'))
      .map(({ kind }) => kind);
  const absenceOf = async (store: string) =>
    (await contract.catalog.listKeptStores()).find((one) => one.store === store)?.absence;

  describe('a store that does not answer', () => {
    it('is away since it was told first, and its copies by rules are not available until it is back', async () => {
      const scope = await contract.openScope();
      await placed(scope, ['a']);
      const there = { [scope.source]: 'AVAILABLE', [scope.far]: 'AVAILABLE' };
      expect(await statesOf(scope, 'a')).toEqual(there);
      expect(await contract.catalog.listKeptStores()).toContainEqual({
        store: scope.far,
        absence: undefined,
        isContested: false,
      });
      expect(await contract.catalog.claimAbsence(scope.far, 'back')).toBeUndefined();
      const first = await contract.catalog.tellAway(scope.far);
      expect(first).toMatchObject({ copies: 'kept' });
      await contract.catalog.tellAway(scope.source);
      expect((await contract.catalog.tellAway(scope.far))?.sinceMs).toBe(first?.sinceMs);
      // What the rule did not place is nobody's but the profile's.
      expect(await statesOf(scope, 'a')).toEqual({ ...there, [scope.far]: 'TEMPORARY_UNAVAILABLE' });
      expect(await locksOf(scope, 'a')).toMatchObject([{ lock: { state: 'OK' }, replica: 'TEMPORARY_UNAVAILABLE' }]);
      const use = (await contract.catalog.readStoreUse()).find(({ store }) => store === scope.far);
      expect(use?.away).toEqual({ sinceMs: first?.sinceMs, areCopiesUnavailable: false });
      for (const store of [scope.far, scope.source])
        expect(await contract.catalog.endAbsence(await turnAt(store, 'back'))).toBe(true);
      expect(await statesOf(scope, 'a')).toEqual(there);
      expect(await absenceOf(scope.far)).toBeUndefined();
      // Whoever does not reach it now is the only one.
      await contract.catalog.tellAnswers(scope.far);
      expect(await contract.catalog.tellAway(scope.far)).toBeUndefined();
      expect(await contract.catalog.claimAbsence(scope.far, 'mark')).toBeUndefined();
      expect(await contract.catalog.listKeptStores()).toContainEqual({
        store: scope.far,
        absence: undefined,
        isContested: true,
      });
      expect(await statesOf(scope, 'a')).toEqual(there);
      expect(await eventsAt(scope.far)).toEqual(['store-became-unreachable', 'store-answered-again']);
    });

    it('has copies in doubt where a sync of another profile wrote in their place', async () => {
      const [scope, other] = [await contract.openScope(), await contract.openScope()];
      await placed(scope, ['a']);
      await contract.catalog.tellAway(scope.far);
      const place = { scope: other.name, store: scope.far, key: `${scope.name}/a`, token: 'another' } as const;
      await contract.catalog.record({ places: [{ ...place, became: 'other' }] });
      expect((await statesOf(scope, 'a'))[scope.far]).toBe('SUSPICIOUS');
    });

    it('has no good copies: none of them lets another one go', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', []);
      const kept = await addRule(contract, ruleOver(scope));
      await applyRule(contract, kept, [scope.far]);
      const released = await addRule(contract, ruleOver(scope, { account: 'bob', purge: true }));
      await applyRule(contract, released, [scope.source]);
      const claimed = await contract.claim(scope, { leaseMs: 60_000 });
      await contract.catalog.settleTransfers(claimed.map((request) => arrival(request)));
      await endRule(contract, released);
      const spare = await contract.catalog.listReleased(scope.source, { limit: 10 });
      await contract.catalog.tellAway(scope.far);
      expect(await contract.catalog.condemn(spare, { exceptStores: [] })).toEqual([false]);
      await contract.catalog.endAbsence(await turnAt(scope.far, 'back'));
      expect(await contract.catalog.condemn(spare, { exceptStores: [] })).toEqual([true]);
    });
  });

  describe('a store that stays away', () => {
    it('has unavailable copies, page by page, stuck locks, and rules that are due, and is told of once', async () => {
      const scope = await contract.openScope();
      const names = ['a', 'b', 'c', 'd', 'e'];
      const rule = await placed(scope, names);
      await contract.catalog.tellAway(scope.far);
      expect(await markAll(scope, 2)).toBe(5);
      for (const name of names) {
        expect((await statesOf(scope, name))[scope.far]).toBe('UNAVAILABLE');
        const [one] = await locksOf(scope, name);
        expect(one).toMatchObject({ lock: { state: 'STUCK' }, replica: 'UNAVAILABLE', request: undefined });
        expect(one?.lock).toMatchObject({ reason: { detail: expect.stringContaining('has not answered since') } });
      }
      expect(await contract.catalog.readRule(rule)).toMatchObject({
        state: 'INJECT',
        counts: { ok: 0, replicating: 0, stuck: 5 },
      });
      expect(await absenceOf(scope.far)).toMatchObject({ copies: 'unavailable' });
      const use = (await contract.catalog.readStoreUse()).find(({ store }) => store === scope.far);
      expect(use).toMatchObject({ away: { areCopiesUnavailable: true }, inFlightBytes: 0 });
      expect(use?.completedBytes).toBeGreaterThan(0);
      expect(await eventsAt(scope.far)).toEqual(['store-became-unreachable', 'store-stayed-unreachable']);
      // Nothing is tried there before it is back.
      await contract.catalog.retryStuck(1_000);
      expect(await contract.claim(scope)).toEqual([]);
      const { lease } = await claimRule(contract, rule);
      await contract.catalog.renewRules([lease], 0);
    });

    it('has its copies again when it shows them, and those that are others, or none, are not taken for them', async () => {
      const scope = await contract.openScope();
      const rule = await placed(scope, ['same', 'other', 'none']);
      await contract.catalog.tellAway(scope.far);
      await markAll(scope);
      const turn = await turnAt(scope.far, 'back');
      const looked: LookedAtCopy[] = [];
      for (let after: string | undefined; ; ) {
        const page = await contract.catalog.listUnavailable(scope.far, { after, limit: 1 });
        for (const { name, objectId, versionId, token, place } of page.copies) {
          expect(place).toBe(`${scope.name}/${name}`);
          looked.push({ objectId, versionId, token, shows: name as LookedAtCopy['shows'] });
        }
        if (page.next === undefined) break;
        after = page.next;
      }
      expect(looked).toHaveLength(3);
      expect(await contract.catalog.recogniseCopies(turn, looked)).toBe(true);
      // Told twice it has the effect of one.
      expect(await contract.catalog.recogniseCopies(turn, looked)).toBe(true);
      expect(await contract.catalog.endAbsence(turn)).toBe(true);
      expect((await statesOf(scope, 'same'))[scope.far]).toBe('AVAILABLE');
      expect((await statesOf(scope, 'other'))[scope.far]).toBe('SUSPICIOUS');
      expect((await statesOf(scope, 'none'))[scope.far]).toBeUndefined();
      expect(await locksOf(scope, 'same')).toMatchObject([{ lock: { state: 'OK' } }]);
      expect(await contract.catalog.readRule(rule)).toMatchObject({
        state: 'INJECT',
        counts: { ok: 1, replicating: 0, stuck: 2 },
      });
      await contract.catalog.retryStuck(1_000);
      expect(await locksOf(scope, 'other')).toMatchObject([{ lock: { state: 'REPLICATING' } }]);
      expect((await contract.claim(scope)).map(({ name, store }) => ({ name, store }))).toEqual([
        { name: 'other', store: scope.far },
      ]);
      expect(await locksOf(scope, 'none')).toEqual([]);
    });

    it('has no copy again that was given up before', async () => {
      const scope = await contract.openScope();
      await contract.putWithReplicas(scope, 'a', [scope.source]);
      await applyRule(contract, await addRule(contract, ruleOver(scope)), [scope.far]);
      const claimed = await contract.claim(scope, { leaseMs: 60_000 });
      await contract.catalog.settleTransfers(claimed.map((request) => failure(request)));
      await contract.catalog.tellAway(scope.far);
      expect(await markAll(scope)).toBe(0);
      expect(await contract.catalog.listUnavailable(scope.far, { limit: 10 })).toEqual({ copies: [], next: undefined });
      expect(await contract.catalog.endAbsence(await turnAt(scope.far, 'back'))).toBe(true);
      expect((await statesOf(scope, 'a'))[scope.far]).toBe('UNAVAILABLE');
    });

    it('is gone through by one at a time, who loses his turn when it answers', async () => {
      const scope = await contract.openScope();
      await placed(scope, ['a', 'b']);
      await contract.catalog.tellAway(scope.far);
      const marking = await turnAt(scope.far, 'mark');
      expect(await contract.catalog.claimAbsence(scope.far, 'mark')).toBeUndefined();
      const page = await contract.catalog.markUnavailable(marking, { limit: 1 });
      expect(page).toMatchObject({ copies: 1, next: expect.any(String) });
      const back = await turnAt(scope.far, 'back');
      expect(await contract.catalog.claimAbsence(scope.far, 'back')).toBeUndefined();
      expect(await contract.catalog.claimAbsence(scope.far, 'mark')).toBeUndefined();
      expect(await contract.catalog.markUnavailable(marking, { after: page?.next, limit: 1 })).toBeUndefined();
      expect(await contract.catalog.endAbsence(marking)).toBe(false);
      const { copies } = await contract.catalog.listUnavailable(scope.far, { limit: 10 });
      const looked = copies.map((copy) => ({ ...copy, shows: 'same' as const }));
      expect(await contract.catalog.recogniseCopies(marking, looked)).toBe(false);
      expect(await contract.catalog.recogniseCopies(back, looked)).toBe(true);
      expect(await contract.catalog.endAbsence(back)).toBe(true);
      for (const name of ['a', 'b']) expect((await statesOf(scope, name))[scope.far]).toBe('AVAILABLE');
    });

    it('is away until each marked copy was looked at, whoever marked it, and whatever became of its version', async () => {
      const scope = await contract.openScope();
      await placed(scope, ['a', 'b']);
      await contract.catalog.tellAway(scope.far);
      // Whoever listed the stores before this knows of no marks.
      await contract.catalog.markUnavailable(await turnAt(scope.far, 'mark'), { limit: 1 });
      const back = await turnAt(scope.far, 'back');
      expect(await contract.catalog.endAbsence(back)).toBe(false);
      expect(await absenceOf(scope.far)).toMatchObject({ copies: 'being-marked' });
      const { copies } = await contract.catalog.listUnavailable(scope.far, { limit: 10 });
      const asAnother = copies.map((copy) => ({ ...copy, versionId: copy.versionId + 1_000, shows: 'same' as const }));
      expect(await contract.catalog.recogniseCopies(back, asAnother)).toBe(true);
      expect(await contract.catalog.endAbsence(back)).toBe(false);
      const looked = copies.map((copy) => ({ ...copy, shows: 'same' as const }));
      expect(await contract.catalog.recogniseCopies(back, looked)).toBe(true);
      expect(await contract.catalog.endAbsence(back)).toBe(true);
      for (const name of ['a', 'b']) expect((await statesOf(scope, name))[scope.far]).toBe('AVAILABLE');
    });

    it('rings for rules that are due by its marks and looks, and for locks that are tried again', async () => {
      const scope = await contract.openScope();
      await placed(scope, ['a']);
      await contract.catalog.tellAway(scope.far);
      const rings = async <T>(verb: () => Promise<T>): Promise<T> => {
        const heard = await hearing(contract);
        const answer = await verb();
        await vi.waitFor(() => expect(heard.count()).toBeGreaterThan(0));
        heard.silence();
        return answer;
      };
      const marking = await turnAt(scope.far, 'mark');
      await rings(() => contract.catalog.markUnavailable(marking, { limit: 10 }));
      const back = await turnAt(scope.far, 'back');
      const { copies } = await contract.catalog.listUnavailable(scope.far, { limit: 10 });
      const looked = copies.map((copy) => ({ ...copy, shows: 'other' as const }));
      expect(await rings(() => contract.catalog.recogniseCopies(back, looked))).toBe(true);
      expect(await rings(() => contract.catalog.endAbsence(back))).toBe(true);
    });

    it('is away where it was moved to, and nowhere once it is lost', async () => {
      const scope = await contract.openScope();
      const to = `test:away-of-${scope.name}`;
      await placed(scope, ['a']);
      await contract.catalog.tellAway(scope.far);
      await markAll(scope);
      const moved = await contract.catalog.moveStore({ from: scope.far, to, title: 'moved', tokensHold: true });
      expect(moved).toEqual({ kind: 'moved' });
      expect(await absenceOf(scope.far)).toBeUndefined();
      expect(await absenceOf(to)).toMatchObject({ copies: 'unavailable' });
      expect(await statesOf(scope, 'a')).toMatchObject({ [to]: 'UNAVAILABLE' });
      await contract.catalog.loseCopies({ store: to, limit: 10 });
      expect(await absenceOf(to)).toBeUndefined();
    });
  });
}
