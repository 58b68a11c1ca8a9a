import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PurgeEntry, VersionEntry } from '../../domain/journal/entry.ts';
import { covers } from '../../domain/journal/site-context.ts';
import type { Content } from '../../domain/object/version.ts';
import type { ApplyOutcome, Arrived, NewPeer, Outgoing, StreamLease } from '../../ports/journal.ts';
import { type CatalogContract, contentOf, replicaAt, sleep, type TestScope } from './harness.ts';

const SITE_B = '00000000000000b0';
const SITE_C = '00000000000000c0';
const SITE_D = '00000000000000d0';
const PEER: NewPeer = { name: 'b', url: 'http://b.example', direction: 'both', mode: 'async', scopes: undefined };

/** Duties of the journal: what is queued for peers, and what becomes of what they send. */
export function describeJournal(contract: CatalogContract): void {
  describe('the journal', () => {
    let scope: TestScope;
    beforeEach(async () => {
      scope = await contract.openScope();
    });
    afterEach(async () => {
      for (const { name } of await contract.catalog.listPeers()) await contract.catalog.removePeer(name);
      expect((await contract.catalog.status()).journalEntries).toBe(0);
    });

    describe('queues', () => {
      it('every change for a peer, in order, from the moment it was added', async () => {
        await contract.recordOne(contract.put(scope, 'before'));
        expect(await contract.catalog.addPeer(PEER)).toBe('added');
        expect(await contract.catalog.addPeer(PEER)).toBe('taken');
        const a = await contract.recordOne(
          contract.put(scope, 'a', { content: contentOf('a', { contentType: 'x/y' }) }),
        );
        await contract.recordOne(contract.remove(scope, 'a', a));
        const [put, tombstone, ...others] = await queued(contract);
        expect(others).toEqual([]);
        const site = (await contract.catalog.site()).id;
        expect(put?.entry).toMatchObject({
          kind: 'version',
          scope: scope.name,
          name: 'a',
          context: {},
          origin: site,
          content: contentOf('a', { contentType: 'x/y' }),
          addressed: [site],
        });
        expect(put).toMatchObject({ versionId: a, isSuperseded: true, attempts: 0 });
        expect(tombstone?.entry).toMatchObject({ content: { kind: 'tombstone' } });
        expect(tombstone?.isSuperseded).toBe(false);
        const { actor, counter } = versionOf(put).dot;
        expect(versionOf(tombstone)).toMatchObject({
          dot: { actor, counter: counter + 1 },
          context: { [actor]: counter },
        });
      });

      it('nothing for a peer that is not told of the scope, or tells us only', async () => {
        await contract.catalog.addPeer({ ...PEER, name: 'c', scopes: ['another'] });
        await contract.catalog.addPeer({ ...PEER, name: 'd', direction: 'receive', url: undefined });
        await contract.recordOne(contract.put(scope, 'a'));
        expect(await queued(contract, 'c')).toEqual([]);
        expect(await queued(contract, 'd')).toEqual([]);
      });

      it('what is acknowledged no more, and counts it', async () => {
        await contract.catalog.addPeer(PEER);
        await contract.catalog.addPeer({ ...PEER, name: 'c' });
        await contract.recordOne(contract.put(scope, 'a'));
        await contract.recordOne(contract.put(scope, 'b'));
        const positions = await contract.catalog.readPositions();
        const [first, second] = await queued(contract);
        const lease = await hold(contract);
        expect(await contract.catalog.countOutstanding('b', positions)).toEqual({ waiting: 2, dead: 0 });
        const ack = { to: { kind: 'acknowledged' } } as const;
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(first), ...ack }]);
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(first), ...ack }]);
        expect(await peerNamed(contract, 'b')).toMatchObject({ waiting: 1, acknowledged: 1, dead: 0 });
        expect(await peerNamed(contract, 'c')).toMatchObject({ waiting: 2, acknowledged: 0 });
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(second), ...ack }]);
        expect(await contract.catalog.countOutstanding('b', positions)).toEqual({ waiting: 0, dead: 0 });
        expect(await queued(contract, 'c')).toHaveLength(2);
      });

      it('what is to be tried again when its time has come; what was refused waits for somebody', async () => {
        await contract.catalog.addPeer(PEER);
        for (const name of ['a', 'b', 'c']) await contract.recordOne(contract.put(scope, name));
        const [a, b, c] = await queued(contract);
        const lease = await hold(contract);
        await contract.catalog.settleOutbox(lease, [
          { ...positionOf(a), to: { kind: 'retry', afterMs: 60_000, error: 'later' } },
          { ...positionOf(b), to: { kind: 'dead', error: 'the name is refused' } },
          { ...positionOf(c), to: { kind: 'handed', againAfterMs: 0 } },
        ]);
        expect((await queued(contract)).map(({ entry, attempts }) => [(entry as VersionEntry).name, attempts])).toEqual(
          [['c', 1]],
        );
        const letters = await contract.catalog.listDeadLetters({ peer: 'b', limit: 10 });
        expect(letters).toMatchObject([{ ...positionOf(b), error: 'the name is refused', entry: { name: 'b' } }]);
        expect(await peerNamed(contract, 'b')).toMatchObject({ waiting: 2, handed: 1, dead: 1 });
        expect(await contract.catalog.settleDeadLetters('b', [positionOf(b)], 'waiting')).toBe(1);
        expect(await queued(contract)).toHaveLength(2);
        expect(await contract.catalog.settleDeadLetters('b', [positionOf(b)], 'withheld')).toBe(0);
      });

      it('what a peer has taken up until it tells that it has the bytes', async () => {
        await contract.catalog.addPeer(PEER);
        await contract.catalog.setPeer('b', { site: SITE_B });
        await contract.recordOne(contract.put(scope, 'a'));
        const [a] = await queued(contract);
        const { operation } = versionOf(a);
        await contract.catalog.acknowledgeTold(SITE_B, [operation]);
        expect(await peerNamed(contract, 'b')).toMatchObject({ waiting: 1, acknowledged: 0 });
        const to = { kind: 'handed', againAfterMs: 60_000 } as const;
        await contract.catalog.settleOutbox(await hold(contract), [{ ...positionOf(a), to }]);
        expect(await queued(contract)).toEqual([]);
        await contract.catalog.acknowledgeTold(SITE_C, [operation]);
        await contract.catalog.acknowledgeTold(SITE_B, [operation]);
        await contract.catalog.acknowledgeTold(SITE_B, [operation]);
        expect(await peerNamed(contract, 'b')).toMatchObject({ waiting: 0, acknowledged: 1 });
      });

      it('counted by scope', async () => {
        await contract.catalog.addPeer(PEER);
        await contract.recordOne(contract.put(scope, 'a'));
        const positions = await contract.catalog.readPositions();
        expect(await contract.catalog.countOutstanding('b', positions, scope.name)).toEqual({ waiting: 1, dead: 0 });
        expect(await contract.catalog.countOutstanding('b', positions, 'another')).toEqual({ waiting: 0, dead: 0 });
      });

      it('for a peer that had come before it was added, and is one', async () => {
        await contract.catalog.addPeer({ ...PEER, name: 'came', direction: 'receive', accepts: 'hash' });
        await contract.catalog.setPeer('came', { site: SITE_B, ticket: 'ticket' });
        await contract.catalog.addPeer({ ...PEER, presents: 'secret' });
        await contract.catalog.setPeer('b', { site: SITE_B });
        expect((await contract.catalog.listPeers()).map(({ name }) => name)).toEqual(['b']);
        expect(await contract.catalog.readPeerSecrets('b')).toEqual({
          presents: 'secret',
          accepts: 'hash',
          ticket: 'ticket',
        });
      });

      it('and tells up to where a peer has everything, without what it refused', async () => {
        await contract.catalog.addPeer(PEER);
        expect(await contract.catalog.readFloor('b')).toBeUndefined();
        await contract.catalog.setPeer('b', { needsResync: false });
        const { incarnation } = await contract.catalog.site();
        await contract.recordOne(contract.put(scope, 'a'));
        await contract.recordOne(contract.put(scope, 'b'));
        const lease = await hold(contract);
        expect(await contract.catalog.readFloor('b')).toBeUndefined();
        const [a, b] = await queued(contract);
        await contract.catalog.settleOutbox(lease, [
          { ...positionOf(a), to: { kind: 'acknowledged' } },
          { ...positionOf(b), to: { kind: 'dead', error: 'no' } },
        ]);
        const { counter } = versionOf(b).dot;
        expect((await contract.catalog.readFloor('b'))?.[incarnation]).toBe(counter - 1);
        await contract.catalog.settleDeadLetters('b', [positionOf(b)], 'waiting');
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(b), to: { kind: 'acknowledged' } }]);
        expect((await contract.catalog.readFloor('b'))?.[incarnation]).toBe(counter);
      });

      it('a purge, which takes away all that is here and can be written over at once', async () => {
        await contract.catalog.addPeer(PEER);
        const a = await contract.putWithReplicas(scope, 'a', [scope.source]);
        await contract.putWithReplicas(scope, 'b', [scope.source]);
        expect(await contract.catalog.purgeScope('nobody knows it', contract.operation())).toBeUndefined();
        const operation = contract.operation();
        expect(await contract.catalog.purgeScope(scope.name, operation)).toBe(2);
        const { current, replicas } = await contract.read(scope, 'a');
        expect([current.id, current.content.kind, replicas]).toEqual([a, 'tombstone', []]);
        await contract.recordOne(contract.put(scope, 'a', { follows: a, content: contentOf('again') }));
        while (await contract.catalog.carryOutPurge());
        expect((await contract.read(scope, 'a')).current.content).toEqual(contentOf('again'));
        expect((await contract.read(scope, 'b')).current.content.kind).toBe('tombstone');
        expect((await contract.catalog.readDots({ scope: scope.name, limit: 10 })).names).toEqual(['a']);
        const [, , purge] = await queued(contract);
        const { id, incarnation } = await contract.catalog.site();
        expect(purge?.entry).toMatchObject({ kind: 'purge-scope', operation, scope: scope.name, origin: id });
        const seen = purge?.entry.kind === 'purge-scope' ? purge.entry.seen : {};
        expect(covers(seen, { actor: incarnation, counter: (purge?.entry.dot.counter ?? 0) - 1 })).toBe(true);
        expect(covers(seen, purge?.entry.dot ?? { actor: incarnation, counter: 1 })).toBe(false);
      });

      it('for one sender at a time: an outcome of another one changes nothing', async () => {
        await contract.catalog.addPeer(PEER);
        await contract.recordOne(contract.put(scope, 'a'));
        const mine = await hold(contract);
        expect(await contract.catalog.holdStream('b', 'another', 60_000)).toBeUndefined();
        expect(await contract.catalog.holdStream('b', 'me', 60_000)).toEqual(mine);
        await contract.catalog.releaseStream(mine);
        const theirs = await contract.catalog.holdStream('b', 'another', 60_000);
        expect(theirs?.token).toBeGreaterThan(mine.token);
        const [a] = await queued(contract);
        const settled = [{ ...positionOf(a), to: { kind: 'acknowledged' } as const }];
        expect(await contract.catalog.settleOutbox(mine, settled)).toBeUndefined();
        expect(await queued(contract)).toHaveLength(1);
      });
    });

    describe('a version that was replaced', () => {
      const query = { localMs: 0, arrivedMs: 60_000, limit: 10 };

      it('is listed once nobody waits for it', async () => {
        const store = scope.source;
        const first = await contract.putWithReplicas(scope, 'a', [store]);
        expect(await contract.catalog.listSuperseded({ store, ...query })).toEqual([]);
        await contract.catalog.addPeer(PEER);
        const fresh = { content: contentOf('22'), replicas: [replicaAt(store, 'a2')] };
        const second = await contract.recordOne(contract.put(scope, 'a', { follows: first, ...fresh }));
        await sleep(5);
        const listed = { scope: scope.name, name: 'a', versionId: first, place: 'a', token: 'token of a' };
        expect(await contract.catalog.listSuperseded({ store, ...query })).toEqual([listed]);
        await contract.recordOne(contract.put(scope, 'a', { follows: second, content: contentOf('333') }));
        await sleep(5);
        expect(await contract.catalog.listSuperseded({ store, ...query })).toEqual([listed]);
        expect(await contract.catalog.listSuperseded({ store, ...query, localMs: 60_000 })).toEqual([]);
        await contract.catalog.removePeer('b');
        expect(await contract.catalog.listSuperseded({ store, ...query })).toHaveLength(2);
      });
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

function queued({ catalog }: CatalogContract, peer = 'b'): Promise<readonly Outgoing[]> {
  return catalog.readOutbox({ peer, after: [], limit: 100 });
}

async function hold({ catalog }: CatalogContract): Promise<StreamLease> {
  const lease = await catalog.holdStream('b', 'me', 60_000);
  if (lease === undefined) throw new Error('the stream is held by somebody');
  return lease;
}

async function peerNamed({ catalog }: CatalogContract, name: string) {
  return (await catalog.listPeers()).find((peer) => peer.name === name);
}

function versionOf(outgoing: Outgoing | undefined): VersionEntry {
  if (outgoing?.entry.kind !== 'version') throw new Error('no version is queued');
  return outgoing.entry;
}

function positionOf(outgoing: Outgoing | undefined): Pick<Outgoing, 'slot' | 'position'> {
  if (outgoing === undefined) throw new Error('nothing is queued');
  return { slot: outgoing.slot, position: outgoing.position };
}
