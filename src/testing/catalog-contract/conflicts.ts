import { describe, expect, it } from 'vitest';
import type { ObjectContent } from '../../domain/object/version.ts';
import { type CatalogContract, contentOf, replicaAt } from './harness.ts';

/** Duties of `record` towards writers that saw another state, and towards repeats (I12). */
export function describeConflicts(contract: CatalogContract): void {
  describe('a change whose ground has changed', () => {
    it('is a conflict that names the current version, and changes nothing', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.source]);
      const second = await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      const before = await contract.read(scope, 'a');
      const late = contract.put(scope, 'a', {
        follows: first,
        content: contentOf('3'),
        replicas: [replicaAt(scope.near, 'a')],
        requests: [{ kind: 'copy', store: scope.far, reason: 'write', priority: 0 }],
      });
      expect(await contract.record(late)).toEqual([{ kind: 'conflict', currentId: second }]);
      expect(await contract.read(scope, 'a')).toEqual(before);
      expect(await contract.claim(scope)).toEqual([]);
    });

    it('is a conflict for who saw nothing where there is something', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const blind = contract.put(scope, 'a', { content: contentOf('other') });
      expect(await contract.record(blind)).toEqual([{ kind: 'conflict', currentId: first }]);
    });

    it('is a conflict for who saw something where there is nothing', async () => {
      const scope = await contract.openScope();
      const other = await contract.recordOne(contract.put(scope, 'b'));
      const outcome = await contract.record(contract.put(scope, 'a', { follows: other }));
      expect(outcome).toEqual([{ kind: 'conflict', currentId: undefined }]);
      expect(await contract.catalog.readObject(scope.name, 'a')).toBeUndefined();
    });

    it('costs no number', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'a'));
      const { counter } = await contract.catalog.site();
      await contract.record(contract.put(scope, 'a', { content: contentOf('other') }));
      expect((await contract.catalog.site()).counter).toBe(counter);
    });

    it('stops none of its neighbours', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'b'));
      const outcomes = await contract.record(
        contract.put(scope, 'a'),
        contract.put(scope, 'b', { content: contentOf('other') }),
        contract.put(scope, 'c'),
      );
      expect(outcomes.map(({ kind }) => kind)).toEqual(['recorded', 'conflict', 'recorded']);
    });

    it('stops none of its neighbours, however many there are', async () => {
      const scope = await contract.openScope();
      const taken = await contract.recordOne(contract.put(scope, 'n-17'));
      const names = Array.from({ length: 40 }, (_, at) => `n-${at}`);
      const outcomes = await contract.record(
        ...names.map((name) =>
          contract.put(scope, name, { content: contentOf(`of ${name}`), replicas: [replicaAt(scope.near, name)] }),
        ),
      );
      expect(outcomes.map(({ kind }) => kind)).toEqual(
        names.map((name) => (name === 'n-17' ? 'conflict' : 'recorded')),
      );
      expect(outcomes[17]).toEqual({ kind: 'conflict', currentId: taken });
      for (const [at, name] of names.entries()) {
        const outcome = outcomes[at];
        const found = await contract.catalog.readObject(scope.name, name);
        expect(found?.current.id).toBe(outcome?.kind === 'recorded' ? outcome.versionId : taken);
        expect(found?.replicas.map(({ place }) => place)).toEqual(outcome?.kind === 'recorded' ? [name] : []);
      }
    });

    it('is repeated where the current version is equal, and its replicas are recorded for that one', async () => {
      const scope = await contract.openScope();
      const content = contentOf('same', { contentType: 'text/plain', metadata: { a: '1', b: '2' } });
      const first = await contract.recordOne(
        contract.put(scope, 'a', { content, replicas: [replicaAt(scope.source, 'a')] }),
      );
      const again = contract.put(scope, 'a', {
        content: { ...content, metadata: { b: '2', a: '1' }, modifiedNs: 5n },
        replicas: [replicaAt(scope.near, 'a')],
      });
      expect(await contract.record(again)).toEqual([{ kind: 'repeated', versionId: first }]);
      const { current, replicas } = await contract.read(scope, 'a');
      expect(current.content).toEqual(content);
      expect(replicas.map(({ store, versionId }) => [store, versionId])).toEqual([
        [scope.source, first],
        [scope.near, first],
      ]);
    });

    const differences: readonly [string, Partial<ObjectContent>][] = [
      ['size', { size: 5 }],
      ['bytes', { sha256: '0'.repeat(64) }],
      ['hash, which one of them does not know', { sha256: undefined }],
      ['content type', { contentType: 'text/html' }],
      ['metadata', { metadata: { a: '2' } }],
    ];
    it.for(differences)('is no repeat where it differs in %s', async ([, difference]) => {
      const scope = await contract.openScope();
      const content = contentOf('same', { contentType: 'text/plain', metadata: { a: '1' } });
      const first = await contract.recordOne(contract.put(scope, 'a', { content }));
      const other = contract.put(scope, 'a', { content: { ...content, ...difference } });
      expect(await contract.record(other)).toEqual([{ kind: 'conflict', currentId: first }]);
    });

    it('is no repeat where neither knows its hash', async () => {
      const scope = await contract.openScope();
      const content = contentOf('same', { sha256: undefined });
      const first = await contract.recordOne(contract.put(scope, 'a', { content }));
      expect(await contract.record(contract.put(scope, 'a', { content }))).toEqual([
        { kind: 'conflict', currentId: first },
      ]);
    });
  });

  describe('an operation that comes again', () => {
    it('makes no second version (I12)', async () => {
      const scope = await contract.openScope();
      const change = contract.put(scope, 'a');
      const first = await contract.recordOne(change);
      expect(await contract.record(change)).toEqual([{ kind: 'repeated', versionId: first }]);
      const knowing = { ...change, follows: first, content: contentOf('changed its mind') };
      expect(await contract.record(knowing)).toEqual([{ kind: 'repeated', versionId: first }]);
    });

    it('is known also after another version followed', async () => {
      const scope = await contract.openScope();
      const change = contract.put(scope, 'a', { replicas: [replicaAt(scope.source, 'a')] });
      const first = await contract.recordOne(change);
      const second = await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('2') }));
      expect(await contract.record({ ...change, follows: second })).toEqual([{ kind: 'repeated', versionId: first }]);
      expect((await contract.read(scope, 'a')).current.id).toBe(second);
    });

    it('may make one version of each of many objects', async () => {
      const scope = await contract.openScope();
      const operation = contract.operation();
      const outcomes = await contract.record(
        contract.put(scope, 'a', { operation }),
        contract.put(scope, 'b', { operation }),
      );
      expect(outcomes.map(({ kind }) => kind)).toEqual(['recorded', 'recorded']);
    });

    it('records the replicas it now knows', async () => {
      const scope = await contract.openScope();
      const change = contract.put(scope, 'a', { replicas: [replicaAt(scope.source, 'a', { token: 'first' })] });
      const id = await contract.recordOne(change);
      await contract.record({ ...change, replicas: [replicaAt(scope.source, 'a', { token: 'second' })] });
      expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ versionId: id, token: 'second' }]);
    });
  });
}
