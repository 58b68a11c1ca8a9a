import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VersionEntry } from '../../domain/journal/entry.ts';
import { covers } from '../../domain/journal/site-context.ts';
import { type CatalogContract, contentOf, replicaAt, sleep, type TestScope } from './harness.ts';
import { compared, hold, PEER, peerNamed, positionOf, queued, SITE_B, SITE_C, versionOf } from './peer-harness.ts';

/** Duties of the journal: what is queued for peers, and what becomes of what they send. */
export function describeJournal(contract: CatalogContract): void {
  describe('the journal', () => {
    let scope: TestScope;
    beforeEach(async () => {
      scope = await contract.openOwnScope();
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

      it('nothing of the scope of a profile, which no peer is compared by', async () => {
        await contract.catalog.addPeer(PEER);
        const ofProfile = await contract.openScope();
        await contract.recordOne(contract.put(ofProfile, 'a'));
        await contract.recordOne(contract.put(scope, 'a'));
        expect((await queued(contract)).map(({ entry }) => entry.scope)).toEqual([scope.name]);
        const told = await contract.catalog.listReplicatedScopes();
        expect(told).toContain(scope.name);
        expect(told).not.toContain(ofProfile.name);
      });

      it('what is acknowledged no more, and counts it', async () => {
        await contract.catalog.addPeer(PEER);
        await contract.catalog.addPeer({ ...PEER, name: 'c' });
        await contract.recordOne(contract.put(scope, 'a'));
        await contract.recordOne(contract.put(scope, 'b'));
        const positions = await contract.catalog.readPositions();
        const [first, second] = await queued(contract);
        const lease = await hold(contract);
        expect(await contract.catalog.countOutstanding('b', positions)).toEqual({
          waiting: 2,
          dead: 0,
          isComparing: true,
        });
        const ack = { to: { kind: 'acknowledged' } } as const;
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(first), ...ack }]);
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(first), ...ack }]);
        expect(await peerNamed(contract, 'b')).toMatchObject({ waiting: 1, acknowledged: 1, dead: 0 });
        expect(await peerNamed(contract, 'c')).toMatchObject({ waiting: 2, acknowledged: 0 });
        await contract.catalog.settleOutbox(lease, [{ ...positionOf(second), ...ack }]);
        expect(await contract.catalog.countOutstanding('b', positions)).toEqual({
          waiting: 0,
          dead: 0,
          isComparing: true,
        });
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
        expect(await contract.catalog.countOutstanding('b', positions, scope.name)).toEqual({
          waiting: 1,
          dead: 0,
          isComparing: true,
        });
        expect(await contract.catalog.countOutstanding('b', positions, 'another')).toEqual({
          waiting: 0,
          dead: 0,
          isComparing: true,
        });
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
        await compared(contract);
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
  });
}
