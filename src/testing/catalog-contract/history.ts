import { describe, expect, it } from 'vitest';
import { type CatalogContract, contentOf, replicaAt } from './harness.ts';

/** Duties of what is kept for later: operations, events, and the counts of `status`. */
export function describeHistory(contract: CatalogContract): void {
  describe('an operation', () => {
    it('is what is known of it by now', async () => {
      const id = contract.operation();
      expect(await contract.catalog.readOperation(id)).toBeUndefined();
      const operation = { id, fingerprint: 'of what was asked', outcome: '{"state":"running"}', createdMs: 1 };
      await contract.catalog.record({ operation });
      await contract.catalog.record({ operation: { ...operation, outcome: '{"state":"done"}' } });
      expect(await contract.catalog.readOperation(id)).toEqual({ ...operation, outcome: '{"state":"done"}' });
    });
  });

  describe('events', () => {
    it('are told in order, by scope and from after one', async () => {
      const scope = await contract.openScope();
      const full = { kind: 'replica-found-corrupt', scope: scope.name, name: 'a', store: scope.near, detail: 'x' };
      await contract.catalog.recordEvents([full, { kind: 'source-changed', scope: scope.name, detail: 'y' }]);
      await contract.catalog.record({ events: [{ ...full, detail: 'z' }] });
      await contract.catalog.recordEvents([{ ...full, scope: 'another' }]);
      await contract.catalog.recordEvents([]);
      const events = await contract.catalog.listEvents({ scope: scope.name, limit: 10 });
      expect(events.map(({ id: _id, atMs: _atMs, ...event }) => event)).toEqual([
        full,
        { kind: 'source-changed', scope: scope.name, detail: 'y' },
        { ...full, detail: 'z' },
      ]);
      expect(events.every(({ atMs }) => atMs > 1_600_000_000_000)).toBe(true);
      const after = events[0]?.id ?? 0;
      const rest = await contract.catalog.listEvents({ scope: scope.name, after, limit: 1 });
      expect(rest).toEqual([events[1]]);
    });
  });

  describe('status', () => {
    it('counts objects, versions, replicas, requests and intents', async () => {
      const scope = await contract.openScope();
      while ((await contract.catalog.prune(1000)) > 0);
      const before = await contract.catalog.status();
      const replicas = [replicaAt(scope.source, 'a'), replicaAt(scope.near, 'a', { state: 'BAD' })];
      await contract.recordOne(contract.put(scope, 'a', { content: contentOf('12345'), replicas }));
      const b = await contract.putWithReplicas(scope, 'b', [scope.source]);
      await contract.recordOne(contract.put(scope, 'b', { follows: b, content: contentOf('2') }));
      await contract.recordOne(contract.remove(scope, 'c', undefined));
      await contract.catalog.addIntent(contract.intent(scope, 'a'));
      const after = await contract.catalog.status();
      expect({
        objects: after.objects - before.objects,
        tombstones: after.tombstones - before.tombstones,
        versions: after.versions - before.versions,
        intents: after.intents - before.intents,
      }).toEqual({ objects: 2, tombstones: 1, versions: 4, intents: 1 });
      expect(after.replicas.filter(({ store }) => store === scope.source || store === scope.near)).toEqual([
        { store: scope.near, title: 'near', state: 'BAD', soft: false, count: 1, bytes: 5 },
        { store: scope.source, title: scope.name, state: 'AVAILABLE', soft: false, count: 2, bytes: 6 },
      ]);
    });

    it('keeps no journal while there is no peer', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'a'));
      expect((await contract.catalog.status()).journalEntries).toBe(0);
    });

    it('counts requests by kind and state', async () => {
      const scope = await contract.openScope();
      const count = async () =>
        (await contract.catalog.status()).requests.find(({ kind, state }) => kind === 'copy' && state === 'QUEUED')
          ?.count ?? 0;
      const before = await count();
      await contract.queueCopy(scope, 'a');
      expect(await count()).toBe(before + 1);
    });
  });
}
