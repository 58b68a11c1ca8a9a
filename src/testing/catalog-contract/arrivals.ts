import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PurgeEntry, VersionEntry } from '../../domain/journal/entry.ts';
import { covers } from '../../domain/journal/site-context.ts';
import type { Content } from '../../domain/object/version.ts';
import type { ApplyOutcome, Arrived } from '../../ports/journal.ts';
import { type CatalogContract, contentOf, replicaAt, type TestScope } from './harness.ts';
import { compared, LATER_MS, PEER, queued, SITE_B, SITE_C, SITE_D, versionOf } from './peer-harness.ts';

/** Duties of what peers send: what becomes of it here, and who is told of it. */
export function describeArrivals(contract: CatalogContract): void {
  describe('the journal of a site', () => {
    let scope: TestScope;
    beforeEach(async () => {
      scope = await contract.openOwnScope();
    });
    afterEach(async () => {
      for (const { name } of await contract.catalog.listPeers()) await contract.catalog.removePeer(name);
      expect((await contract.catalog.status()).journalEntries).toBe(0);
    });

    describe('an entry that arrives', () => {
      const remote = '00000000000000aa';
      let counter = 0;
      const arrived = (name: string, options: Partial<VersionEntry> = {}): Arrived & { entry: VersionEntry } => {
        counter++;
        const entry: VersionEntry = {
          kind: 'version',
          dot: { actor: remote, counter },
          time: { ms: Date.now(), n: counter },
          origin: SITE_B,
          operation: contract.operation(),
          scope: scope.name,
          addressed: [SITE_B],
          name,
          context: {},
          content: contentOf(name),
          ...options,
        };
        const copy = entry.content.kind === 'object' ? { copy: replicaAt(scope.source, `at/${entry.operation}`) } : {};
        return { entry, ...copy };
      };
      const apply = async (...entries: readonly Arrived[]): Promise<ApplyOutcome['kind'][]> =>
        (await contract.catalog.applyEntries({ from: SITE_B, entries })).map(({ kind }) => kind);

      it('is refused where its scope is that of a profile here, and its bytes are not wanted', async () => {
        const { name } = await contract.openScope();
        const one = arrived('a', { scope: name });
        const purge = { ...one.entry, kind: 'purge-scope', seen: {} } as const;
        expect(await contract.catalog.judgeEntries([one.entry])).toEqual([false]);
        expect(await apply(one, arrived('b'), { entry: purge })).toEqual(['refused', 'applied', 'refused']);
        expect(await contract.catalog.readObject(name, 'a')).toBeUndefined();
      });

      it('becomes the object, with its dot, time, origin and copy', async () => {
        const one = arrived('a', { content: contentOf('1', { metadata: { k: 'v' }, modifiedNs: 5n }) });
        expect(await contract.catalog.judgeEntries([one.entry])).toEqual([true]);
        expect(await apply(one)).toEqual(['applied']);
        const { current, replicas } = await contract.read(scope, 'a');
        const { dot, time, origin, operation, content, context } = one.entry;
        expect(current).toMatchObject({ dot, time, origin, operation, content, context });
        expect(replicas).toMatchObject([
          { store: scope.source, place: `at/${operation}`, state: 'AVAILABLE', versionId: current.id },
        ]);
        expect(await contract.catalog.judgeEntries([one.entry])).toEqual([false]);
        expect(await apply(one, one)).toEqual(['duplicate', 'duplicate']);
      });

      it('is considered once, in whatever order it comes', async () => {
        await contract.catalog.raiseFloor({ [remote]: counter });
        const [first, second] = [arrived('x'), arrived('y')];
        const before = (await contract.catalog.readContext())[remote];
        await apply(second);
        expect((await contract.catalog.readContext())[remote]?.beyond).toEqual([
          ...(before?.beyond ?? []),
          second.entry.dot.counter,
        ]);
        await apply(first);
        expect((await contract.catalog.readContext())[remote]).toEqual({ upTo: second.entry.dot.counter, beyond: [] });
      });

      it('is considered with all before it once these are known to be for others', async () => {
        const actor = '00000000000000ff';
        const at = (n: number) => arrived(`n${n}`, { dot: { actor, counter: n } });
        await apply(at(3), at(5), at(9));
        await contract.catalog.raiseFloor({ [actor]: 4 });
        expect((await contract.catalog.readContext())[actor]).toEqual({ upTo: 5, beyond: [9] });
        await contract.catalog.raiseFloor({ [actor]: 2 });
        expect((await contract.catalog.readContext())[actor]).toEqual({ upTo: 5, beyond: [9] });
        await contract.catalog.raiseFloor({ [actor]: 20 });
        expect((await contract.catalog.readContext())[actor]).toEqual({ upTo: 20, beyond: [] });
      });

      it('without its bytes changes nothing, and they are asked for', async () => {
        const one = arrived('a');
        expect(await apply({ entry: one.entry })).toEqual(['bytes-wanted']);
        expect(await contract.catalog.readObject(scope.name, 'a')).toBeUndefined();
        expect(await apply(one)).toEqual(['applied']);
      });

      it('is older than what has seen it, and brings nothing back', async () => {
        const put = arrived('a');
        const remove = arrived('a', { context: { [remote]: put.entry.dot.counter }, content: { kind: 'tombstone' } });
        expect(await apply(remove, put)).toEqual(['applied', 'older']);
        expect((await contract.read(scope, 'a')).current.content.kind).toBe('tombstone');
        expect(await apply(put)).toEqual(['duplicate']);
      });

      it('with older ones that are not sent considers those, too', async () => {
        const old = arrived('a');
        const fresh = arrived('a', { context: { [remote]: old.entry.dot.counter }, also: [old.entry.dot] });
        expect(await apply(fresh)).toEqual(['applied']);
        const considered = (await contract.catalog.readContext())[remote];
        expect(covers({ [remote]: considered ?? { upTo: 0, beyond: [] } }, old.entry.dot)).toBe(true);
        expect(await apply(old)).toEqual(['duplicate']);
      });

      it('stays beside one that did not see it, whichever comes first; a write here ends both', async () => {
        const [early, late] = [arrived('a', { time: { ms: 1, n: 0 } }), arrived('a', { time: { ms: 2, n: 0 } })];
        const rival = {
          ...late,
          entry: { ...late.entry, dot: { actor: '00000000000000bb', counter: 1 }, content: contentOf('22') },
        };
        expect(await apply(early, rival)).toEqual(['applied', 'conflict']);
        const { current } = await contract.read(scope, 'a');
        expect(current.operation).toBe(rival.entry.operation);
        await contract.catalog.addPeer(PEER);
        await contract.recordOne(contract.put(scope, 'a', { follows: current.id, content: contentOf('333') }));
        const [sent] = await queued(contract);
        expect(versionOf(sent).context).toEqual({ [remote]: early.entry.dot.counter, '00000000000000bb': 1 });
        expect(await apply(early, rival)).toEqual(['duplicate', 'duplicate']);
      });

      it('as a put that did not see a delete survives it', async () => {
        const put = arrived('a');
        const remove = arrived('a', {
          dot: { actor: '00000000000000cc', counter: 1 },
          time: { ms: Date.now() + 50_000, n: 0 },
          content: { kind: 'tombstone' },
        });
        expect(await apply(remove, put)).toEqual(['applied', 'applied']);
        expect((await contract.read(scope, 'a')).current.content).toEqual(contentOf('a'));
      });

      it('of a write that was asked for here, too, is found by its operation as long as one of both has its bytes', async () => {
        const operation = contract.operation();
        const place = replicaAt(scope.source, `at/${operation}`);
        await contract.recordOne(contract.put(scope, 'a', { operation, replicas: [place] }));
        const { current } = await contract.read(scope, 'a');
        const { dot } = current;
        const remove = arrived('a', { context: { [dot.actor]: dot.counter }, content: { kind: 'tombstone' } });
        expect(await apply(remove)).toEqual(['applied']);
        expect(await apply(arrived('a', { operation }))).toEqual(['applied']);
        const found = await contract.catalog.findVersion({ scope: scope.name, name: 'a' }, operation);
        expect(found?.copies).toMatchObject([{ place: `at/${operation}` }]);
      });

      it('under a number that is known with other content is refused, loudly', async () => {
        const one = arrived('a');
        await apply(one);
        const other = { ...one, entry: { ...one.entry, content: contentOf('other') as Content } };
        // The number was considered, so nothing is looked at again; only a site that has not considered it can tell.
        expect(await apply(other)).toEqual(['duplicate']);
        expect((await contract.read(scope, 'a')).current.content).toEqual(contentOf('a'));
      });

      it('is forwarded to peers that do not have it, and to no others', async () => {
        await contract.catalog.addPeer(PEER);
        await contract.catalog.setPeer('b', { site: SITE_B });
        await contract.catalog.addPeer({ ...PEER, name: 'c' });
        await contract.catalog.setPeer('c', { site: SITE_C });
        await contract.catalog.addPeer({ ...PEER, name: 'd' });
        await contract.catalog.setPeer('d', { site: SITE_D });
        await apply(arrived('a', { addressed: [SITE_B, SITE_D] }));
        expect(await queued(contract, 'b')).toEqual([]);
        expect(await queued(contract, 'd')).toEqual([]);
        const [sent] = await queued(contract, 'c');
        expect(versionOf(sent)).toMatchObject({ name: 'a', origin: SITE_B, dot: { actor: remote, counter } });
        const { id } = await contract.catalog.site();
        expect([...versionOf(sent).addressed].sort()).toEqual([id, SITE_B, SITE_C, SITE_D].sort());
      });

      it('that others are to tell a peer has it compared later, and once; the sender is not', async () => {
        for (const [name, site] of [
          ['b', SITE_B],
          ['d', SITE_D],
        ] as const) {
          await contract.catalog.addPeer({ ...PEER, name });
          await contract.catalog.setPeer(name, { site });
          await compared(contract, name);
        }
        await apply(arrived('a', { addressed: [SITE_D] }));
        expect(await contract.catalog.beginResync('d', LATER_MS)).toBeUndefined();
        expect(await contract.catalog.beginResync('b', 0)).toBeUndefined();
        const begun = await contract.catalog.beginResync('d', 0);
        expect(await contract.catalog.endResync('d', begun ?? { marks: -1, scopes: undefined })).toBe(true);
        expect(await contract.catalog.beginResync('d', 0)).toBeUndefined();
      });

      it('is found by its operation with its copies, also when another one has come after it', async () => {
        const old = arrived('a');
        const fresh = arrived('a', { context: { [remote]: old.entry.dot.counter }, content: contentOf('22') });
        await apply(old);
        await apply(fresh);
        for (const { entry } of [old, fresh]) {
          const found = await contract.catalog.findVersion({ scope: scope.name, name: 'a' }, entry.operation);
          expect(found?.copies).toMatchObject([{ place: `at/${entry.operation}` }]);
        }
        expect(
          await contract.catalog.findVersion({ scope: scope.name, name: 'b' }, old.entry.operation),
        ).toBeUndefined();
      });

      it('whose bytes are to be fetched is written down until somebody has', async () => {
        const old = arrived('a');
        const fresh = arrived('a', { context: { [remote]: old.entry.dot.counter } });
        const other = arrived('b');
        await contract.catalog.takeUp(SITE_B, [old.entry, other.entry]);
        await contract.catalog.takeUp(SITE_B, [fresh.entry]);
        await contract.catalog.takeUp(SITE_B, [fresh.entry]);
        const claimed = await contract.catalog.claimFetches({ owner: 'me', limit: 10, leaseMs: 60_000 });
        expect(claimed.map(({ entry }) => entry.operation).sort()).toEqual(
          [fresh.entry.operation, other.entry.operation].sort(),
        );
        const mine = claimed.find(({ entry }) => entry.name === 'a');
        expect(mine).toMatchObject({ source: SITE_B, attempts: 1, entry: { ...fresh.entry, also: [old.entry.dot] } });
        expect(await contract.catalog.claimFetches({ owner: 'you', limit: 10, leaseMs: 60_000 })).toEqual([]);
        for (const { lease } of claimed) {
          expect(await contract.catalog.finishFetch({ ...lease, token: 0 }, 'done')).toBe(false);
          expect(await contract.catalog.finishFetch(lease, { afterMs: 0, error: 'no answer' })).toBe(true);
        }
        expect(await contract.catalog.listFetches(10)).toMatchObject([
          { lastError: 'no answer' },
          { lastError: 'no answer' },
        ]);
        for (const { lease } of await contract.catalog.claimFetches({ owner: 'you', limit: 10, leaseMs: 60_000 }))
          expect(await contract.catalog.finishFetch(lease, 'done')).toBe(true);
        expect(await contract.catalog.listFetches(10)).toEqual([]);
      });

      it('that purges takes away what its site had seen, at once and for good', async () => {
        const [seen, unseen] = [arrived('seen'), arrived('unseen')];
        const local = await contract.putWithReplicas(scope, 'local', [scope.near]);
        await apply(seen, unseen);
        const dot = { actor: '00000000000000dd', counter: 1 };
        const purge: PurgeEntry = {
          kind: 'purge-scope',
          dot,
          time: { ms: Date.now(), n: 0 },
          origin: SITE_C,
          operation: contract.operation(),
          scope: scope.name,
          addressed: [SITE_C],
          seen: { [remote]: { upTo: 0, beyond: [seen.entry.dot.counter] } },
        };
        expect(await apply({ entry: purge }, { entry: purge })).toEqual(['applied', 'duplicate']);
        const names = async () =>
          (
            await contract.catalog.scanScope({
              scope: scope.name,
              prefix: '',
              stores: [],
              limit: 10,
              details: false,
              deleted: false,
            })
          ).names;
        const read = async (name: string) => (await contract.read(scope, name)).current.content.kind;
        for (let isOpen = true; ; isOpen = false) {
          expect(await names()).toEqual(['local', 'unseen']);
          expect(await read('seen')).toBe('tombstone');
          expect(await read('unseen')).toBe('object');
          if (!isOpen) break;
          while (await contract.catalog.carryOutPurge());
        }
        expect((await contract.read(scope, 'local')).current.id).toBe(local);
        expect((await contract.read(scope, 'seen')).replicas).toMatchObject([{ state: 'BEING_DELETED' }]);
        // What it had seen does not come, wherever it was on its way.
        const late = arrived('late', { dot: { actor: remote, counter: seen.entry.dot.counter } });
        expect(await apply({ ...late, entry: { ...late.entry, name: 'seen' } })).toEqual(['duplicate']);
      });

      it('whose bytes are to be fetched is not forgotten for another one of the same operation', async () => {
        const operation = contract.operation();
        const both = [arrived('a', { operation }), arrived('a', { operation })];
        await contract.catalog.takeUp(
          SITE_B,
          both.map(({ entry }) => entry),
        );
        const claimed = await contract.catalog.claimFetches({ owner: 'me', limit: 10, leaseMs: 60_000 });
        const counters = (entries: readonly VersionEntry[]) =>
          entries.map(({ dot }) => dot.counter).sort((a, b) => a - b);
        expect(counters(claimed.map(({ entry }) => entry))).toEqual(counters(both.map(({ entry }) => entry)));
        for (const { lease } of claimed) expect(await contract.catalog.finishFetch(lease, 'done')).toBe(true);
      });

      it('of a scope nobody here has heard of makes it', async () => {
        const one = arrived('a', { scope: `${scope.name}-elsewhere` });
        expect(await apply(one)).toEqual(['applied']);
        expect((await contract.catalog.readObject(`${scope.name}-elsewhere`, 'a'))?.current.content).toEqual(
          contentOf('a'),
        );
      });

      it('of which a delete comes condemns the copies', async () => {
        const put = arrived('a');
        await apply(put);
        await apply(arrived('a', { context: { [remote]: put.entry.dot.counter }, content: { kind: 'tombstone' } }));
        expect((await contract.read(scope, 'a')).replicas).toMatchObject([{ state: 'BEING_DELETED' }]);
        expect(await contract.claim(scope)).toMatchObject([{ kind: 'delete', name: 'a', store: scope.source }]);
      });
    });
  });
}
