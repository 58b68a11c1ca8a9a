import { describe, expect, it } from 'vitest';
import type { ReplicaChange } from '../../ports/catalog.ts';
import { type CatalogContract, contentOf, replicaAt, sha256Of, type TestScope } from './harness.ts';

/** Duties of `record` towards replicas of versions that exist, and of `prune`. */
export function describeReplicas(contract: CatalogContract): void {
  describe('a change of a replica', () => {
    it('makes the row where there is none', async () => {
      const scope = await contract.openScope();
      const id = await contract.recordOne(contract.put(scope, 'a'));
      await contract.catalog.record({ replicas: [toAvailable(scope, id)] });
      expect((await contract.read(scope, 'a')).replicas).toEqual([
        { ...replicaAt(scope.near, 'place', { verification: 'read-back', token: 't' }), versionId: id },
      ]);
    });

    it('replaces the row where there is one', async () => {
      const scope = await contract.openScope();
      const id = await contract.putWithReplicas(scope, 'a', [scope.near, scope.far]);
      const bad = { state: 'BAD', place: 'a', token: undefined, verification: 'none' } as const;
      await contract.catalog.record({ replicas: [{ ...toAvailable(scope, id), to: bad }] });
      const { replicas } = await contract.read(scope, 'a');
      expect(replicas).toMatchObject([
        { store: scope.near, ...bad },
        { store: scope.far, state: 'AVAILABLE' },
      ]);
    });

    it('drops the row, also one that is not there', async () => {
      const scope = await contract.openScope();
      const id = await contract.putWithReplicas(scope, 'a', [scope.near, scope.far]);
      const drop = { ...toAvailable(scope, id), to: 'drop' } as const;
      await contract.catalog.record({ replicas: [drop] });
      await contract.catalog.record({ replicas: [drop] });
      expect((await contract.read(scope, 'a')).replicas.map(({ store }) => store)).toEqual([scope.far]);
    });

    it('is of one version: the same store may hold two', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const second = await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      await contract.catalog.record({ replicas: [toAvailable(scope, second)] });
      expect((await contract.read(scope, 'a')).replicas.map(({ versionId }) => versionId)).toEqual([second, first]);
      await contract.catalog.record({ replicas: [{ ...toAvailable(scope, first), to: 'drop' }] });
      expect((await contract.read(scope, 'a')).replicas.map(({ versionId }) => versionId)).toEqual([second]);
    });

    it("with the token it was decided on happens only while that is the row's", async () => {
      const scope = await contract.openScope();
      const id = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const stale = { ...toAvailable(scope, id), ifToken: 'another one' };
      await contract.catalog.record({ replicas: [stale, { ...stale, to: 'drop' }] });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ token: 'token of a' }]);
      await contract.catalog.record({ replicas: [{ ...stale, ifToken: 'token of a' }] });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ token: 't', place: 'place' }]);
      await contract.catalog.record({ replicas: [{ ...stale, ifToken: 't', to: 'drop' }] });
      expect((await contract.read(scope, 'a')).replicas).toEqual([]);
    });

    it('with a token makes no row', async () => {
      const scope = await contract.openScope();
      const id = await contract.recordOne(contract.put(scope, 'a'));
      await contract.catalog.record({ replicas: [{ ...toAvailable(scope, id), ifToken: 't' }] });
      expect((await contract.read(scope, 'a')).replicas).toEqual([]);
    });

    it('of an object or version that is not there changes nothing', async () => {
      const scope = await contract.openScope();
      const id = await contract.recordOne(contract.put(scope, 'a'));
      const other = await contract.recordOne(contract.put(scope, 'b'));
      await contract.catalog.record({
        replicas: [
          { ...toAvailable(scope, id), name: 'nowhere' },
          toAvailable(scope, other),
          toAvailable(scope, id + 1e6),
        ],
      });
      expect((await contract.read(scope, 'a')).replicas).toEqual([]);
      expect(await contract.catalog.readObject(scope.name, 'nowhere')).toBeUndefined();
    });

    it('teaches a version the hash it did not know, and no other', async () => {
      const scope = await contract.openScope();
      const unknown = await contract.recordOne(
        contract.put(scope, 'a', { content: contentOf('a', { sha256: undefined }) }),
      );
      await contract.catalog.record({ replicas: [{ ...toAvailable(scope, unknown), sha256: sha256Of('a') }] });
      expect((await contract.read(scope, 'a')).current.content).toEqual(contentOf('a'));
      await contract.catalog.record({ replicas: [{ ...toAvailable(scope, unknown), sha256: sha256Of('b') }] });
      expect((await contract.read(scope, 'a')).current.content).toEqual(contentOf('a'));
    });

    it('may name one row twice: the last one holds', async () => {
      const scope = await contract.openScope();
      const id = await contract.recordOne(contract.put(scope, 'a'));
      const change = toAvailable(scope, id);
      await contract.catalog.record({ replicas: [change, { ...change, to: 'drop' }, change] });
      expect((await contract.read(scope, 'a')).replicas).toHaveLength(1);
      await contract.catalog.record({ replicas: [change, { ...change, to: 'drop' }] });
      expect((await contract.read(scope, 'a')).replicas).toEqual([]);
    });

    it('may come with the change that replaces its version', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const put = contract.put(scope, 'a', {
        follows: first,
        content: contentOf('2'),
        replicas: [replicaAt(scope.near, 'a')],
      });
      await contract.catalog.record({ changes: [put], replicas: [{ ...toAvailable(scope, first), to: 'drop' }] });
      expect((await contract.read(scope, 'a')).replicas).toHaveLength(1);
    });
  });

  describe('prune', () => {
    it('forgets versions that were followed and have no replica, and no others', async () => {
      const scope = await contract.openScope();
      while ((await contract.catalog.prune(1000)) > 0);
      const first = await contract.putWithReplicas(scope, 'a', [scope.near]);
      const second = await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      await contract.recordOne(contract.put(scope, 'a', { follows: second, content: contentOf('3') }));
      const { versions } = await contract.catalog.status();
      expect(await contract.catalog.prune(10)).toBe(1);
      expect((await contract.catalog.status()).versions).toBe(versions - 1);
      await contract.catalog.record({ replicas: [{ ...toAvailable(scope, first), to: 'drop' }] });
      expect(await contract.catalog.prune(10)).toBe(1);
      expect(await contract.catalog.prune(10)).toBe(0);
      expect((await contract.read(scope, 'a')).current.content).toEqual(contentOf('3'));
    });

    it('forgets no more than it was told to', async () => {
      const scope = await contract.openScope();
      let follows: number | undefined;
      for (let at = 0; at < 6; at++) {
        follows = await contract.recordOne(contract.put(scope, 'a', { follows, content: contentOf(`${at}`) }));
      }
      expect(await contract.catalog.prune(2)).toBe(2);
      expect(await contract.catalog.prune(10)).toBe(3);
    });

    it('never gives the id of a forgotten version to another one', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const second = await contract.recordOne(contract.remove(scope, 'a', first));
      await contract.catalog.prune(1000);
      const third = await contract.recordOne(contract.put(scope, 'a', { follows: second }));
      expect(third).toBeGreaterThan(second);
      expect(second).toBeGreaterThan(first);
    });
  });

  /** The replica of `a` at the near store becomes available. */
  function toAvailable(scope: TestScope, versionId: number): ReplicaChange {
    const to = { state: 'AVAILABLE', place: 'place', token: 't', verification: 'read-back' } as const;
    return { scope: scope.name, name: 'a', versionId, store: scope.near, to };
  }
}
