import { describe, expect, it } from 'vitest';
import { hasSeen } from '../../domain/object/dot.ts';
import { type CatalogContract, contentOf, replicaAt } from './harness.ts';

/** Duties of `record` towards tombstones: a delete is never undone by what comes late (I5). */
export function describeDeletes(contract: CatalogContract): void {
  describe('a tombstone', () => {
    it('condemns every replica of the object and queues a delete for each', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const second = await contract.recordOne(
        contract.put(scope, 'a', { follows: first, content: contentOf('2'), replicas: [replicaAt(scope.source, 'a')] }),
      );
      const tombstone = await contract.recordOne(contract.remove(scope, 'a', second));
      const { current, replicas } = await contract.read(scope, 'a');
      expect(current).toMatchObject({ id: tombstone, content: { kind: 'tombstone' } });
      expect(replicas.map(({ store, versionId, state }) => [store, versionId, state])).toEqual([
        [scope.source, second, 'BEING_DELETED'],
        [scope.near, first, 'BEING_DELETED'],
      ]);
      const claimed = await contract.claim(scope);
      expect(new Set(claimed.map(({ kind, store, versionId }) => `${kind} ${store} ${versionId}`))).toEqual(
        new Set([`delete ${scope.source} ${second}`, `delete ${scope.near} ${first}`]),
      );
    });

    it('of an object nobody knew is recorded all the same', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.remove(scope, 'a', undefined));
      expect((await contract.read(scope, 'a')).current.content).toEqual({ kind: 'tombstone' });
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('on a tombstone is repeated', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const tombstone = await contract.recordOne(contract.remove(scope, 'a', first));
      expect(await contract.record(contract.remove(scope, 'a', first))).toEqual([
        { kind: 'repeated', versionId: tombstone },
      ]);
    });

    it('on a version its writer did not see is a conflict', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const second = await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      expect(await contract.record(contract.remove(scope, 'a', first))).toEqual([
        { kind: 'conflict', currentId: second },
      ]);
    });

    it('is followed by a put that saw it, and by no other', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const tombstone = await contract.recordOne(contract.remove(scope, 'a', first));
      const { current } = await contract.read(scope, 'a');
      expect(await contract.record(contract.put(scope, 'a'))).toEqual([{ kind: 'conflict', currentId: tombstone }]);
      expect(await contract.record(contract.put(scope, 'a', { follows: first }))).toEqual([
        { kind: 'conflict', currentId: tombstone },
      ]);
      await contract.recordOne(contract.put(scope, 'a', { follows: tombstone }));
      const again = (await contract.read(scope, 'a')).current;
      expect(again.content.kind).toBe('object');
      expect(hasSeen(again.context, current.dot)).toBe(true);
    });

    it('cancels copies that wait', async () => {
      const scope = await contract.openScope();
      const first = await contract.queueCopy(scope, 'a');
      await contract.recordOne(contract.remove(scope, 'a', first));
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('has the copy deleted that was under way when it came', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      await contract.recordOne(contract.remove(scope, 'a', first));
      const to = { state: 'AVAILABLE', place: 'a', token: 't', verification: 'written' } as const;
      await contract.catalog.record({
        replicas: [{ scope: scope.name, name: 'a', versionId: first, store: scope.near, to }],
      });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'BEING_DELETED', token: 't' }]);
      expect(await contract.claim(scope)).toMatchObject([{ kind: 'delete', store: scope.near, versionId: first }]);
    });

    it('has a copy deleted that comes so late that its version is forgotten', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const tombstone = await contract.recordOne(contract.remove(scope, 'a', first));
      while ((await contract.catalog.prune(1000)) > 0);
      const to = { state: 'AVAILABLE', place: 'a', token: 't', verification: 'written' } as const;
      await contract.catalog.record({
        replicas: [{ scope: scope.name, name: 'a', versionId: first, store: scope.near, to }],
      });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'BEING_DELETED', token: 't' }]);
      expect(await contract.claim(scope)).toMatchObject([{ kind: 'delete', store: scope.near, versionId: tombstone }]);
    });

    it('has the write deleted that is repeated after it', async () => {
      const scope = await contract.openScope();
      const put = contract.put(scope, 'a', { replicas: [replicaAt(scope.source, 'a')] });
      const first = await contract.recordOne(put);
      await contract.recordOne(contract.remove(scope, 'a', first));
      expect(await contract.record(put)).toEqual([{ kind: 'repeated', versionId: first }]);
      const { current, replicas } = await contract.read(scope, 'a');
      expect(current.content.kind).toBe('tombstone');
      expect(replicas).toMatchObject([{ state: 'BEING_DELETED' }]);
    });

    it('needs no worker where the bytes are gone already', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.source, scope.near]);
      await contract.recordOne(contract.remove(scope, 'a', first));
      const gone = { scope: scope.name, name: 'a', versionId: first, store: scope.source, to: 'drop' } as const;
      await contract.catalog.record({ replicas: [gone, { ...gone, store: scope.near, ifToken: 'another one' }] });
      expect((await contract.claim(scope)).map(({ store }) => store)).toEqual([scope.near]);
    });

    it('leaves no request where the bytes went while a worker was at it, and a copy that comes later has one of its own', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near]);
      await contract.recordOne(contract.remove(scope, 'a', first));
      const [claimed] = await contract.claim(scope);
      const drop = { scope: scope.name, name: 'a', versionId: first, store: scope.near, to: 'drop' } as const;
      await contract.catalog.record({ replicas: [drop] });
      const { near, name } = scope;
      const left = async () =>
        (await contract.catalog.listRequests({ limit: 1000 })).filter((one) => one.scope === name);
      expect(await left()).toEqual([]);

      const to = { state: 'AVAILABLE', place: 'a', token: 't', verification: 'written' } as const;
      await contract.catalog.record({ replicas: [{ ...drop, to }] });
      const lease = claimed?.lease ?? { requestId: 0, token: 0 };
      expect(await contract.catalog.finishRequests([{ lease, kind: 'done' }])).toEqual([false]);
      expect(await left()).toMatchObject([{ kind: 'delete', state: 'QUEUED', store: near }]);
    });
  });
}
