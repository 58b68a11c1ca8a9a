import { describe, expect, it } from 'vitest';
import { compareVersions, hasSeen } from '../../domain/object/dot.ts';
import { compareHybrid } from '../../domain/object/hybrid-clock.ts';
import type { Content } from '../../domain/object/version.ts';
import { type CatalogContract, contentOf, expectKind, replicaAt } from './harness.ts';

/** Duties of `record` towards versions, and of `readObject`. */
export function describeChanges(contract: CatalogContract): void {
  describe('a recorded change', () => {
    it('is the current version, with its replicas', async () => {
      const scope = await contract.openScope();
      const site = await contract.catalog.site();
      const operation = contract.operation();
      const change = contract.put(scope, 'dir/ä 🌳', {
        operation,
        content: contentOf('bytes', {
          contentType: 'text/plain',
          metadata: { z: 'last', a: 'first', ключ: '值' },
          modifiedNs: 1_712_345_678_901_234_567n,
          mode: 0o644,
        }),
        replicas: [replicaAt(scope.source, 'dir/ä 🌳'), replicaAt(scope.near, 'elsewhere', { verification: 'store' })],
      });
      const id = await contract.recordOne(change);
      const found = await contract.read(scope, 'dir/ä 🌳');
      expect(found.current).toEqual({
        id,
        dot: { actor: site.incarnation, counter: site.counter + 1 },
        context: {},
        time: found.current.time,
        origin: site.id,
        operation,
        content: change.content,
      });
      expect(found.replicas).toEqual([
        { ...replicaAt(scope.source, 'dir/ä 🌳'), versionId: id },
        { ...replicaAt(scope.near, 'elsewhere', { verification: 'store' }), versionId: id },
      ]);
    });

    const contents: readonly [string, Content][] = [
      ['of no bytes', contentOf('')],
      ['whose hash is not known yet', contentOf('x', { sha256: undefined })],
      ['of the largest safe size', contentOf('x', { size: Number.MAX_SAFE_INTEGER })],
      ['from before 1970', contentOf('x', { modifiedNs: -1_234_567_890_123_456_789n })],
      ['with a token that is no ASCII', contentOf('x', { contentType: 'text/plain; charset="ü\\"' })],
      ['that is a tombstone', { kind: 'tombstone' }],
    ];
    it.for(contents)('keeps a content %s as it was given', async ([, content]) => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'a', { content }));
      expect((await contract.read(scope, 'a')).current.content).toEqual(content);
    });

    it('keeps a replica without a token, in whatever state', async () => {
      const scope = await contract.openScope();
      const copying = replicaAt(scope.near, 'a', { state: 'COPYING', token: undefined, verification: 'none' });
      const id = await contract.recordOne(contract.put(scope, 'a', { replicas: [copying] }));
      expect((await contract.read(scope, 'a')).replicas).toEqual([{ ...copying, versionId: id }]);
    });

    it('over whatever is current follows that, also a delete, and where there is nothing nothing', async () => {
      const scope = await contract.openScope();
      const over = (content: Content) => contract.recordOne(contract.put(scope, 'a', { content, isOverCurrent: true }));
      let before: Awaited<ReturnType<typeof contract.read>>['current'] | undefined;
      for (const content of [
        contentOf('1'),
        contentOf('22'),
        contentOf('22'),
        { kind: 'tombstone' },
        contentOf('333'),
      ] as const) {
        const id = await over(content);
        const { current } = await contract.read(scope, 'a');
        expect(current).toMatchObject({ id, content });
        expect(before === undefined || hasSeen(current.context, before.dot)).toBe(true);
        before = current;
      }
      const operation = contract.operation();
      const once = contract.put(scope, 'a', { operation, isOverCurrent: true });
      const id = await contract.recordOne(once);
      expect(await contract.record(once)).toEqual([{ kind: 'repeated', versionId: id }]);
    });

    it('follows the version its writer saw, and is later than it by its time', async () => {
      const scope = await contract.openScope();
      const first = await contract.recordOne(contract.put(scope, 'a'));
      const before = (await contract.read(scope, 'a')).current;
      await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('new') }));
      const after = (await contract.read(scope, 'a')).current;
      expect(after.context).toEqual({ [before.dot.actor]: before.dot.counter });
      expect(hasSeen(after.context, before.dot)).toBe(true);
      expect(compareVersions(before, after)).toBe('before');
      expect(compareHybrid(after.time, before.time)).toBeGreaterThan(0);
    });

    it('leaves the replicas of versions before it, which are told after its own', async () => {
      const scope = await contract.openScope();
      const first = await contract.putWithReplicas(scope, 'a', [scope.source, scope.near]);
      const second = await contract.recordOne(
        contract.put(scope, 'a', { follows: first, content: contentOf('2'), replicas: [replicaAt(scope.source, 'a')] }),
      );
      const { replicas } = await contract.read(scope, 'a');
      expect(replicas.map(({ store, versionId }) => [store, versionId])).toEqual([
        [scope.source, second],
        [scope.source, first],
        [scope.near, first],
      ]);
    });

    it('queues the requests that come with it for the version it made', async () => {
      const scope = await contract.openScope();
      const request = { kind: 'copy', store: scope.near, reason: 'write', priority: 1 } as const;
      const id = await contract.recordOne(contract.put(scope, 'a', { requests: [request] }));
      const claimed = await contract.claim(scope);
      expect(claimed).toMatchObject([{ ...request, scope: scope.name, name: 'a', versionId: id }]);
    });

    it('takes its replica at one store from the last one given', async () => {
      const scope = await contract.openScope();
      const replicas = [replicaAt(scope.near, 'a', { token: 'old' }), replicaAt(scope.near, 'a', { token: 'new' })];
      await contract.recordOne(contract.put(scope, 'a', { replicas }));
      expect((await contract.read(scope, 'a')).replicas.map(({ token }) => token)).toEqual(['new']);
    });
  });

  describe('a batch', () => {
    it('gives one outcome a change, in order, and numbers without gaps', async () => {
      const scope = await contract.openScope();
      const { counter } = await contract.catalog.site();
      const names = Array.from({ length: 700 }, (_, at) => `object-${(at * 7919) % 700}`);
      const outcomes = await contract.record(...names.map((name) => contract.put(scope, name)));
      expect(outcomes.every(({ kind }) => kind === 'recorded')).toBe(true);
      const counters = [];
      for (const name of [names[0], names[1], names[699]]) {
        counters.push((await contract.read(scope, name as string)).current.dot.counter);
      }
      expect(counters).toEqual([counter + 1, counter + 2, counter + 700]);
      expect((await contract.catalog.site()).counter).toBe(counter + 700);
    });

    it('may name one object twice: the second change is decided on what the first one left', async () => {
      const scope = await contract.openScope();
      const [first, second] = await contract.record(
        contract.put(scope, 'a'),
        contract.put(scope, 'a', { content: contentOf('other') }),
      );
      expect(first?.kind).toBe('recorded');
      expect(second).toEqual({ kind: 'conflict', currentId: first?.kind === 'recorded' ? first.versionId : -1 });
    });

    it('reaches over scopes', async () => {
      const one = await contract.openScope();
      const other = await contract.openScope();
      await contract.record(
        contract.put(one, 'same name'),
        contract.put(other, 'same name', { content: contentOf('2') }),
      );
      expect((await contract.read(one, 'same name')).current.content).toMatchObject(contentOf('same name'));
      expect((await contract.read(other, 'same name')).current.content).toMatchObject(contentOf('2'));
    });

    it('of nothing is recorded', async () => {
      expect(await contract.catalog.record({})).toEqual({ fenced: false, changes: [] });
      expect(await contract.catalog.record({ changes: [], replicas: [] })).toEqual({ fenced: false, changes: [] });
    });

    it('with one impossible change fails as a whole', async () => {
      const scope = await contract.openScope();
      const bad = contract.put(scope, 'bad', { operation: 'not a UUID' });
      await expectKind(contract.record(contract.put(scope, 'good'), bad), 'failed');
      const half = contract.put(scope, 'half', { content: contentOf('x', { sha256: 'abc' }) });
      await expectKind(contract.record(contract.put(scope, 'good'), half), 'failed');
      expect(await contract.catalog.readObject(scope.name, 'good')).toBeUndefined();
      expect((await contract.record(contract.put(scope, 'good')))[0]?.kind).toBe('recorded');
    });
  });

  describe('readMarks', () => {
    it('tells operation and hash of each version, in the order asked, and of one that is not there nothing', async () => {
      const scope = await contract.openScope();
      const [a, b] = [contract.put(scope, 'a'), contract.put(scope, 'b')];
      const [idA, idB] = [await contract.recordOne(a), await contract.recordOne(b)];
      const markOf = ({ operation }: { operation: string }, name: string) => ({
        operation,
        sha256: contentOf(name).sha256,
      });
      expect(await contract.catalog.readMarks([idB, idB + 1e6, idA, idB])).toEqual([
        markOf(b, 'b'),
        undefined,
        markOf(a, 'a'),
        markOf(b, 'b'),
      ]);
      expect(await contract.catalog.readMarks([])).toEqual([]);
    });
  });

  describe('readContents', () => {
    it('tells what each version is, in the order asked, and of one that is not there nothing', async () => {
      const scope = await contract.openScope();
      const content = contentOf('a', { modifiedNs: 1_700_000_000_123_456_789n, mode: 0o644 });
      const a = await contract.recordOne(contract.put(scope, 'a', { content }));
      const gone = await contract.recordOne(contract.remove(scope, 'a', a));
      expect(await contract.catalog.readContents([gone, gone + 1e6, a])).toEqual([
        { kind: 'tombstone' },
        undefined,
        content,
      ]);
    });
  });

  describe('readObject', () => {
    it('tells nothing of a name that was never recorded', async () => {
      const scope = await contract.openScope();
      expect(await contract.catalog.readObject(scope.name, 'a')).toBeUndefined();
    });

    it('distinguishes names by their bytes', async () => {
      const scope = await contract.openScope();
      const names = ['a', 'A', 'ä', 'a\u0308', 'a ', 'a/'];
      for (const name of names) await contract.recordOne(contract.put(scope, name));
      for (const name of names) expect((await contract.read(scope, name)).name).toBe(name);
    });
  });
}
