import { describe, expect, it } from 'vitest';
import type { Replica } from '../../domain/replica/replica.ts';
import type { ReplicaChange } from '../../ports/catalog.ts';
import { type CatalogContract, contentOf, replicaAt, type TestScope } from './harness.ts';

/** Duties towards copies that were not flushed, within one start of the machine. */
export function describeSoftCopies(contract: CatalogContract): void {
  describe('a soft copy', () => {
    it('is one at a store the batch names, of a new version or a known one', async () => {
      const scope = await contract.openScope();
      const replicas = [replicaAt(scope.near, 'a'), replicaAt(scope.far, 'a')];
      await contract.catalog.record({ soft: [scope.near], changes: [contract.put(scope, 'a', { replicas })] });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true, [scope.far]: false });

      const id = await contract.recordOne(contract.put(scope, 'b'));
      await contract.catalog.record({ soft: [scope.far], replicas: [available(scope, 'b', id, scope.far)] });
      expect(await softness(scope, 'b')).toEqual({ [scope.far]: true });
    });

    it('is told as available by a scan, and counted apart by the status', async () => {
      const scope = await contract.openScope();
      await putSoft(scope, 'a');
      await contract.putWithReplicas(scope, 'b', [scope.near]);
      const query = { scope: scope.name, prefix: '', limit: 10, stores: [scope.near], deleted: false, details: false };
      const page = await contract.catalog.scanScope(query);
      expect(page.replicas[0]?.states).toEqual(['AVAILABLE', 'AVAILABLE']);
      const { replicas } = await contract.catalog.status();
      expect(replicas.filter(({ store }) => store === scope.near)).toMatchObject([
        { state: 'AVAILABLE', soft: false, count: 1 },
        { state: 'AVAILABLE', soft: true, count: 1 },
      ]);
    });

    it('is available only: what was not read, or is on its way out, is not soft', async () => {
      const scope = await contract.openScope();
      const unread = replicaAt(scope.near, 'a', { state: 'UNVERIFIED', verification: 'none' });
      await contract.catalog.record({
        soft: [scope.near],
        changes: [contract.put(scope, 'a', { replicas: [unread] })],
      });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: false });
      const id = await putSoft(scope, 'b');
      await contract.recordOne(contract.remove(scope, 'b', id));
      expect((await contract.read(scope, 'b')).replicas).toMatchObject([{ state: 'BEING_DELETED' }]);
      expect(await softness(scope, 'b')).toEqual({ [scope.near]: false });
    });

    it('stays soft when the same bytes are told of again, and not when others were written', async () => {
      const scope = await contract.openScope();
      const id = await putSoft(scope, 'a');
      const again = available(scope, 'a', id, scope.near, 'token of a');
      await contract.catalog.record({ replicas: [again] });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true });
      await contract.catalog.record({ replicas: [{ ...again, ifToken: 'token of a' }] });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true });
      await contract.catalog.record({ replicas: [available(scope, 'a', id, scope.near, 'another token')] });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: false });
    });

    it('stays soft when its write is repeated', async () => {
      const scope = await contract.openScope();
      const put = contract.put(scope, 'a', { replicas: [replicaAt(scope.near, 'a')] });
      await contract.catalog.record({ soft: [scope.near], changes: [put] });
      await contract.catalog.record({ soft: [scope.near], changes: [put] });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true });
    });

    it('becomes soft where a durable one is written over', async () => {
      const scope = await contract.openScope();
      const id = await contract.putWithReplicas(scope, 'a', [scope.near]);
      await contract.catalog.record({ soft: [scope.near], replicas: [available(scope, 'a', id, scope.near, 'new')] });
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true });
    });
  });

  describe('a flush of a store', () => {
    it('that passed makes all copies durable that were recorded before it began, and no later one', async () => {
      const scope = await contract.openScope();
      for (const name of ['a', 'b']) await putSoft(scope, name);
      const flush = await contract.catalog.beginFlush(scope.near);
      await putSoft(scope, 'c');
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true });
      await contract.catalog.endFlush(flush, true);
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: false });
      expect(await softness(scope, 'b')).toEqual({ [scope.near]: false });
      expect(await softness(scope, 'c')).toEqual({ [scope.near]: true });
    });

    it('takes up what a flush that never ended had begun', async () => {
      const scope = await contract.openScope();
      await putSoft(scope, 'a');
      await contract.catalog.beginFlush(scope.near);
      await contract.catalog.endFlush(await contract.catalog.beginFlush(scope.near), true);
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: false });
    });

    it('that failed leaves copies nobody trusts, until they were read again', async () => {
      const scope = await contract.openScope();
      const id = await putSoft(scope, 'a');
      await contract.catalog.endFlush(await contract.catalog.beginFlush(scope.near), false);
      expect(await contract.catalog.beginFlush(scope.near)).toEqual([]);
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'SUSPICIOUS' }]);
      await contract.catalog.record({ replicas: [available(scope, 'a', id, scope.near, 'token of a')] });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'AVAILABLE' }]);
    });

    it('says nothing of another store, and has nothing to do where nothing is soft', async () => {
      const scope = await contract.openScope();
      await putSoft(scope, 'a');
      expect(await contract.catalog.beginFlush(scope.far)).toEqual([]);
      expect(await contract.catalog.beginFlush('test:nowhere')).toEqual([]);
      await contract.catalog.endFlush([], true);
      expect(await softness(scope, 'a')).toEqual({ [scope.near]: true });
    });
  });

  /** An object with one copy that was not flushed; returns the id of its version. */
  async function putSoft(scope: TestScope, name: string): Promise<number> {
    const change = contract.put(scope, name, { content: contentOf(name), replicas: [replicaAt(scope.near, name)] });
    const { changes } = await contract.catalog.record({ soft: [scope.near], changes: [change] });
    const [outcome] = changes;
    if (outcome?.kind !== 'recorded') throw new Error('the change was not recorded');
    return outcome.versionId;
  }

  async function softness(scope: TestScope, name: string): Promise<Record<string, boolean>> {
    const { replicas } = await contract.read(scope, name);
    return Object.fromEntries(replicas.map(({ store, soft }: Replica) => [store, soft === true]));
  }
}

function available(scope: TestScope, name: string, versionId: number, store: string, token = 't'): ReplicaChange {
  const to = { state: 'AVAILABLE', place: name, token, verification: 'read-back' } as const;
  return { scope: scope.name, name, versionId, store, to };
}
