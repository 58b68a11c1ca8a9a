import { describe, expect, it } from 'vitest';
import type { NewRequest, RequestRecord } from '../../ports/catalog.ts';
import { type CatalogContract, contentOf, sleep, type TestScope } from './harness.ts';

/** Duties of the queue: `claimRequests`, `renewRequests`, `finishRequests`, `listRequests`. */
export function describeRequests(contract: CatalogContract): void {
  describe('a request', () => {
    it('is claimed once, with what it asks for', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.queueCopy(scope, 'a');
      const claimed = await contract.claim(scope);
      expect(claimed).toEqual([
        {
          kind: 'copy',
          scope: scope.name,
          name: 'a',
          versionId,
          store: scope.near,
          reason: 'miss',
          priority: 3,
          lease: { requestId: claimed[0]?.lease.requestId, token: 1 },
          attempts: 1,
        },
      ]);
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('is queued once, however often it is asked for', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.recordOne(contract.put(scope, 'a'));
      const request = copyOf(scope, versionId);
      await contract.catalog.record({ requests: [request, request] });
      await contract.catalog.record({ requests: [request, { ...request, store: scope.far }] });
      const claimed = await contract.claim(scope);
      expect(claimed.map(({ store }) => store)).toEqual([scope.near, scope.far]);
      await contract.catalog.record({ requests: [request] });
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('becomes as urgent as the most urgent who asks', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.queueCopy(scope, 'a', { priority: 3 });
      await contract.catalog.record({ requests: [{ ...copyOf(scope, versionId), priority: 0 }] });
      await contract.catalog.record({ requests: [{ ...copyOf(scope, versionId), priority: 2 }] });
      expect(await contract.claim(scope)).toMatchObject([{ priority: 0 }]);
    });

    it('that failed is queued anew when it is asked for again', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.queueCopy(scope, 'a');
      const [first] = await contract.claim(scope);
      await contract.catalog.finishRequests([{ lease: leaseOf(first), kind: 'failed', error: 'denied' }]);
      expect(await contract.claim(scope)).toEqual([]);
      await contract.catalog.record({ requests: [copyOf(scope, versionId)] });
      expect(await contract.claim(scope)).toMatchObject([{ attempts: 1, lease: { token: 2 } }]);
    });

    it('is handed out by priority, and within one priority in the order of asking', async () => {
      const scope = await contract.openScope();
      const wishes = [3, 1, 3, 0, 1];
      for (const [at, priority] of wishes.entries()) {
        await contract.queueCopy(scope, `object-${at}`, { priority });
        await sleep(2);
      }
      expect((await contract.claim(scope, { limit: 2 })).map(({ name }) => name)).toEqual(['object-3', 'object-1']);
      expect((await contract.claim(scope)).map(({ name }) => name)).toEqual(['object-4', 'object-0', 'object-2']);
    });

    it('of another scope is left alone', async () => {
      const scope = await contract.openScope();
      const other = await contract.openScope();
      await contract.queueCopy(other, 'a');
      expect(await contract.claim(scope)).toEqual([]);
      const both = { owner: 'worker', limit: 10, leaseMs: 1000, scopes: [scope.name, other.name, 'never-opened'] };
      expect(await contract.catalog.claimRequests(both)).toHaveLength(1);
      expect(await contract.catalog.claimRequests({ ...both, scopes: ['never-opened'] })).toEqual([]);
    });

    it('that was put off is left alone by a run that has done so, but for a moment, or unless somebody asks for it', async () => {
      const scope = await contract.openScope();
      // As if each claim were half a second on its way.
      const startedMs = performance.now() + 500;
      const claimInRun = () => contract.claim(scope, { putOffWithinMs: Math.max(0, performance.now() - startedMs) });
      const names = ['long', 'short', 'asked'];
      for (const name of names) await contract.queueCopy(scope, name);
      const claimed = await claimInRun();
      const waits: Readonly<Record<string, number>> = { long: 2_100, short: 50, asked: 60_000 };
      await contract.catalog.finishRequests(
        claimed.map(({ lease, name }) => ({ lease, kind: 'retry', afterMs: waits[name] ?? 0, error: 'slow' })),
      );
      expect(await claimInRun()).toEqual([]);
      await contract.catalog.askAgain([claimed.find(({ name }) => name === 'asked')?.lease.requestId ?? 0]);
      await sleep(2_200);
      expect((await claimInRun()).map(({ name }) => name).toSorted()).toEqual(['asked', 'short']);
      expect(await contract.claim(scope, { putOffWithinMs: 0 })).toMatchObject([{ name: 'long' }]);
    });

    it('that waits for a store is due at once when somebody asks for all that does, a delete as well as a copy', async () => {
      const scope = await contract.openScope();
      const versionId = await contract.queueCopy(scope, 'a');
      await contract.catalog.record({ requests: [{ ...copyOf(scope, versionId), kind: 'delete', reason: 'delete' }] });
      await contract.catalog.record({ requests: [{ ...copyOf(scope, versionId), store: scope.far }] });
      const claimed = await contract.claim(scope);
      await contract.catalog.finishRequests(
        claimed.map(({ lease }) => ({ lease, kind: 'retry', afterMs: 60_000, error: 'it is away' })),
      );
      expect(await contract.claim(scope)).toEqual([]);
      expect(await contract.catalog.hasten({ fact: 'asked', store: scope.near })).toBe(2);
      expect((await contract.claim(scope)).map(({ kind, store }) => [kind, store])).toEqual([
        ['copy', scope.near],
        ['delete', scope.near],
      ]);
    });

    it('of any scope is claimed by who names none', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a', { priority: 0 });
      const claimed = await contract.catalog.claimRequests({ owner: 'worker', limit: 10_000, leaseMs: 60_000 });
      expect(claimed.some((one) => one.scope === scope.name)).toBe(true);
    });

    it('for a store that is not to be asked now is passed over, and keeps its attempts', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const except = { copiesTo: [scope.near, 'test:never-opened'], deletesAt: [scope.far] };
      expect(await contract.claim(scope, { except })).toEqual([]);
      expect(await contract.claim(scope, { except: { copiesTo: [], deletesAt: [scope.near] } })).toMatchObject([
        { store: scope.near, attempts: 1 },
      ]);
    });

    it('for a copy of what is not current any more is cancelled, not handed out (I5)', async () => {
      const scope = await contract.openScope();
      const first = await contract.queueCopy(scope, 'a');
      await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      const current = await contract.queueCopy(scope, 'b');
      expect(await contract.claim(scope, { limit: 1 })).toMatchObject([{ name: 'b', versionId: current }]);
      expect(await listOf(scope, 'CANCELLED')).toMatchObject([{ name: 'a', versionId: first }]);
    });
  });

  describe('a lease on a request', () => {
    it('that ran out lets it be claimed again, with a larger token', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [first] = await contract.claim(scope, { leaseMs: 1 });
      await sleep(20);
      const [second] = await contract.claim(scope);
      expect(second?.lease).toEqual({ requestId: first?.lease.requestId, token: 2 });
      expect(second?.attempts).toBe(2);
    });

    it('that is renewed keeps it', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [claimed] = await contract.claim(scope, { leaseMs: 300 });
      expect(await contract.catalog.renewRequests([leaseOf(claimed)], 60_000)).toEqual([expect.any(Number)]);
      await sleep(400);
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('ends at once where its owner is known to have ended, and nobody else loses his', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b']) await contract.queueCopy(scope, name);
      const dead = `dead of ${scope.name}`;
      const [first] = await contract.claim(scope, { limit: 1, owner: dead });
      const [other] = await contract.claim(scope, { limit: 1, owner: `other of ${scope.name}` });
      expect(await contract.catalog.listClaimOwners()).toEqual(expect.arrayContaining([dead]));
      expect(await contract.claim(scope)).toEqual([]);
      expect(await contract.catalog.endClaims([dead, 'nobody'])).toBe(1);
      const [again] = await contract.claim(scope);
      expect(again?.lease).toEqual({ requestId: first?.lease.requestId, token: 2 });
      expect(await contract.catalog.renewRequests([leaseOf(first), leaseOf(other)], 60_000)).toEqual([
        undefined,
        expect.any(Number),
      ]);
      expect(await contract.catalog.listClaimOwners()).not.toContain(dead);
    });

    it('that is old changes nothing', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      await contract.queueCopy(scope, 'b');
      const old = await contract.claim(scope, { leaseMs: 1 });
      await sleep(20);
      const [current] = await contract.claim(scope, { limit: 1 });
      expect(current?.name).toBe('a');
      const leases = old.map(leaseOf);
      expect(await contract.catalog.renewRequests(leases, 1000)).toEqual([undefined, expect.any(Number)]);
      const outcomes = leases.map((lease) => ({ lease, kind: 'done' }) as const);
      expect(await contract.catalog.finishRequests(outcomes)).toEqual([false, true]);
      expect(await listOf(scope)).toMatchObject([{ name: 'a', state: 'SUBMITTED' }]);
    });

    it('ends with its outcome: a second one changes nothing', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const lease = leaseOf((await contract.claim(scope))[0]);
      const retry = { lease, kind: 'retry', afterMs: 0, error: 'throttled' } as const;
      expect(await contract.catalog.finishRequests([retry, { lease, kind: 'done' }])).toEqual([true, false]);
      expect(await contract.catalog.finishRequests([{ lease, kind: 'failed', error: 'x' }])).toEqual([false]);
      expect(await contract.catalog.renewRequests([lease], 1000)).toEqual([undefined]);
      expect(await listOf(scope)).toMatchObject([{ state: 'QUEUED', lastError: 'throttled' }]);
    });
  });

  describe('an outcome', () => {
    it('done takes the request away', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [claimed] = await contract.claim(scope);
      expect(await contract.catalog.finishRequests([{ lease: leaseOf(claimed), kind: 'done' }])).toEqual([true]);
      expect(await listOf(scope)).toEqual([]);
    });

    it('retry has it claimed again, not before its time', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [claimed] = await contract.claim(scope);
      const outcome = { lease: leaseOf(claimed), kind: 'retry', afterMs: 700, error: 'throttled' } as const;
      await contract.catalog.finishRequests([outcome]);
      expect(await contract.claim(scope)).toEqual([]);
      const [waiting] = await listOf(scope, 'QUEUED');
      expect(waiting).toMatchObject({ attempts: 1, lastError: 'throttled' });
      expect(waiting?.nextAttemptMs).toBeGreaterThan(waiting?.createdMs ?? 0);
      await sleep(800);
      expect(await contract.claim(scope)).toMatchObject([{ attempts: 2, lease: { token: 2 } }]);
    });

    it('held back it waits, as if nobody had claimed it', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [claimed] = await contract.claim(scope);
      const outcome = { lease: leaseOf(claimed), kind: 'held-back', afterMs: 60_000, error: 'no writes now' } as const;
      expect(await contract.catalog.finishRequests([outcome])).toEqual([true]);
      expect(await contract.claim(scope)).toEqual([]);
      expect(await listOf(scope, 'QUEUED')).toMatchObject([{ attempts: 0, lastError: 'no writes now' }]);
    });

    it('given back it is due at once, as if nobody had claimed it', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      const [claimed] = await contract.claim(scope);
      expect(await contract.catalog.finishRequests([{ lease: leaseOf(claimed), kind: 'given-back' }])).toEqual([true]);
      const [waiting] = await listOf(scope, 'QUEUED');
      expect(waiting).toMatchObject({ attempts: 0, lastError: undefined });
      expect(await contract.claim(scope)).toMatchObject([{ attempts: 1, lease: { token: 2 } }]);
    });

    it('failed and cancelled keep it for who looks', async () => {
      const scope = await contract.openScope();
      await contract.queueCopy(scope, 'a');
      await contract.queueCopy(scope, 'b');
      const [a, b] = await contract.claim(scope);
      await contract.catalog.finishRequests([
        { lease: leaseOf(a), kind: 'failed', error: 'no right to write' },
        { lease: leaseOf(b), kind: 'cancelled' },
      ]);
      expect(await listOf(scope)).toMatchObject([
        { name: 'a', state: 'FAILED', lastError: 'no right to write' },
        { name: 'b', state: 'CANCELLED' },
      ]);
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('of many requests comes in one call, each told by itself', async () => {
      const scope = await contract.openScope();
      const changes = Array.from({ length: 50 }, (_, at) =>
        contract.put(scope, `${at}`, {
          requests: [{ kind: 'copy', store: scope.near, reason: 'repair', priority: 2 }],
        }),
      );
      await contract.record(...changes);
      const claimed = await contract.claim(scope);
      expect(new Set(claimed.map(({ name }) => name)).size).toBe(50);
      const outcomes = claimed.map(({ lease }, at) => ({
        lease: at % 2 === 0 ? lease : { ...lease, token: 99 },
        kind: 'done' as const,
      }));
      expect(await contract.catalog.finishRequests(outcomes)).toEqual(claimed.map((_, at) => at % 2 === 0));
      expect(await contract.catalog.finishRequests([])).toEqual([]);
      expect(await contract.catalog.renewRequests([], 1)).toEqual([]);
    });
  });

  describe('listRequests', () => {
    it('gives pages by id', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b', 'c']) await contract.queueCopy(scope, name);
      const all = await contract.catalog.listRequests({ limit: 100_000 });
      const ids = all.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((x, y) => x - y));
      const last = ids.at(-2) ?? 0;
      expect((await contract.catalog.listRequests({ after: last, limit: 10 })).map(({ name }) => name)).toEqual(['c']);
      expect(await contract.catalog.listRequests({ limit: 2 })).toHaveLength(2);
    });
  });

  function copyOf(scope: TestScope, versionId: number): NewRequest {
    return { kind: 'copy', scope: scope.name, name: 'a', versionId, store: scope.near, reason: 'miss', priority: 3 };
  }

  async function listOf(scope: TestScope, state?: RequestRecord['state']): Promise<readonly RequestRecord[]> {
    const query = state === undefined ? { limit: 100_000 } : { state, limit: 100_000 };
    return (await contract.catalog.listRequests(query)).filter((one) => one.scope === scope.name);
  }
}

function leaseOf(claimed: { readonly lease: { readonly requestId: number; readonly token: number } } | undefined) {
  if (claimed === undefined) throw new Error('nothing was claimed');
  return claimed.lease;
}
