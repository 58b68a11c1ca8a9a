import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AwaitedPeer } from '../../ports/peer-queues.ts';
import { type CatalogContract, contentOf, type TestScope } from './harness.ts';
import { compared, hold, LATER_MS, PEER, peerNamed, positionOf, queued, SITE_B, versionOf } from './peer-harness.ts';

const SYNC = { ...PEER, mode: 'sync' } as const;
const DETAIL = 'too much waits for it';

/** Duties of the queues of peers: whom writes wait for, and what becomes of what is too much. */
export function describePeerQueues(contract: CatalogContract): void {
  let scope: TestScope;
  beforeEach(async () => {
    scope = await contract.openOwnScope();
  });
  afterEach(async () => {
    for (const { name } of await contract.catalog.listPeers()) await contract.catalog.removePeer(name);
    expect((await contract.catalog.status()).journalEntries).toBe(0);
  });

  const backlogOf = async (name: string) => (await contract.catalog.readBacklogs()).find((one) => one.name === name);
  const eventsOf = async (kind: string) =>
    (await contract.catalog.listEvents({ limit: 100_000, scope: '' })).filter((event) => event.kind === kind);
  const acknowledge = async (at: number): Promise<void> => {
    const outgoing = (await queued(contract))[at];
    await contract.catalog.settleOutbox(await hold(contract), [
      { ...positionOf(outgoing), to: { kind: 'acknowledged' } },
    ]);
  };

  describe('a write that waits for peers', () => {
    const standing = async (name: string, operation: string, ofObject = false): Promise<readonly AwaitedPeer[]> =>
      (await contract.catalog.readAwaited([{ scope: scope.name, name, operation, ofObject }]))[0] ?? [];

    it('waits for those of mode sync that are told of it, until each has answered', async () => {
      await contract.catalog.addPeer(SYNC);
      await contract.catalog.addPeer({ ...PEER, name: 'async' });
      await contract.catalog.addPeer({ ...SYNC, name: 'tells us only', direction: 'receive', url: undefined });
      expect(await contract.catalog.listSyncPeers()).toMatchObject([{ name: 'b', marks: 0, isGivenUp: false }]);
      const a = await contract.recordOne(contract.put(scope, 'a'));
      await contract.recordOne(contract.put(scope, 'other'));
      const { operation } = versionOf((await queued(contract))[0]);
      expect(await standing('a', operation)).toMatchObject([
        { name: 'b', queue: 'waits', isAway: false, isSettled: false },
      ]);
      await acknowledge(0);
      await compared(contract);
      expect(await standing('a', operation)).toMatchObject([{ queue: 'nothing', isSettled: true }]);
      await contract.recordOne(contract.remove(scope, 'a', a));
      const tombstone = versionOf((await queued(contract))[1]);
      expect(await standing('a', tombstone.operation)).toMatchObject([{ queue: 'waits' }]);
      // What came before it was answered, whatever has come after.
      expect(await standing('a', operation)).toMatchObject([{ queue: 'nothing', isSettled: true }]);
      expect(await standing('a', operation, true)).toMatchObject([{ queue: 'waits' }]);
      expect(await standing('a', contract.operation())).toMatchObject([{ queue: 'nothing', isSettled: false }]);
      const both = await contract.catalog.readAwaited([
        { scope: scope.name, name: 'nobody knows it', operation, ofObject: false },
        { scope: scope.name, name: 'a', operation: tombstone.operation, ofObject: false },
      ]);
      expect(both.map(([peer]) => peer?.queue)).toEqual(['nothing', 'waits']);
    });

    it('knows of a peer that has taken it up, refused it, or is parked', async () => {
      await contract.catalog.addPeer(SYNC);
      await contract.catalog.setPeer('b', { site: SITE_B });
      await contract.recordOne(contract.put(scope, 'a'));
      const [a] = await queued(contract);
      const { operation } = versionOf(a);
      const lease = await hold(contract);
      await contract.catalog.settleOutbox(lease, [{ ...positionOf(a), to: { kind: 'handed', againAfterMs: 60_000 } }]);
      expect(await standing('a', operation)).toMatchObject([{ queue: 'waits' }]);
      await contract.catalog.settleOutbox(lease, [{ ...positionOf(a), to: { kind: 'dead', error: 'no' } }]);
      expect(await standing('a', operation)).toMatchObject([{ queue: 'refused', isAway: false }]);
      await contract.catalog.setPeer('b', { state: 'parked', lastError: 'unreachable' });
      await contract.catalog.settleDeadLetters('b', [positionOf(a)], 'withheld');
      expect(await standing('a', operation)).toMatchObject([{ queue: 'refused', isAway: true }]);
    });

    it('hears of each answer that it may have waited for', async () => {
      await contract.catalog.addPeer(SYNC);
      await contract.catalog.setPeer('b', { site: SITE_B });
      for (const name of ['a', 'b']) await contract.recordOne(contract.put(scope, name));
      const [a, b] = await queued(contract);
      let heard = 0;
      const silence = contract.catalog.onDue(() => heard++);
      const lease = await hold(contract);
      await contract.catalog.settleOutbox(lease, [{ ...positionOf(b), to: { kind: 'handed', againAfterMs: 0 } }]);
      const before = heard;
      await contract.catalog.settleOutbox(lease, [{ ...positionOf(a), to: { kind: 'acknowledged' } }]);
      await expect.poll(() => heard).toBeGreaterThan(before);
      const between = heard;
      await contract.catalog.acknowledgeTold(SITE_B, [versionOf(b).operation]);
      await expect.poll(() => heard).toBeGreaterThan(between);
      silence();
    });

    it('that was replaced is offered again as soon as the peer has the bytes of what replaced it', async () => {
      await contract.catalog.addPeer(SYNC);
      await contract.catalog.setPeer('b', { site: SITE_B });
      const first = await contract.recordOne(contract.put(scope, 'a'));
      await contract.recordOne(contract.put(scope, 'a', { follows: first, content: contentOf('22') }));
      await contract.recordOne(contract.put(scope, 'other'));
      const lease = await hold(contract);
      const handed = (await queued(contract)).map((one) => ({
        ...positionOf(one),
        to: { kind: 'handed', againAfterMs: 60_000 } as const,
      }));
      const [, second] = await queued(contract);
      await contract.catalog.settleOutbox(lease, handed);
      await contract.catalog.acknowledgeTold(SITE_B, [versionOf(second).operation]);
      expect((await queued(contract)).map(({ versionId }) => versionId)).toEqual([first]);
    });
  });

  describe('a queue', () => {
    it('is measured by its ends, and counted up to a limit', async () => {
      await contract.catalog.addPeer(PEER);
      expect(await backlogOf('b')).toMatchObject({ entriesMax: 0, isGivenUp: false });
      for (const name of ['a', 'b', 'c', 'd']) await contract.recordOne(contract.put(scope, name));
      const before = await backlogOf('b');
      expect(before?.entriesMax).toBe(4);
      expect(before?.behindSinceMs).toBeGreaterThan(0);
      await acknowledge(1);
      expect((await backlogOf('b'))?.entriesMax).toBe(4);
      expect(await contract.catalog.countBacklog('b', 10)).toBe(3);
      expect(await contract.catalog.countBacklog('b', 2)).toBe(2);
      await acknowledge(0);
      expect((await backlogOf('b'))?.entriesMax).toBe(2);
    });

    it('that is too long becomes one mark, page by page, and nothing but purges is added until it is compared', async () => {
      await contract.catalog.addPeer(PEER);
      await contract.catalog.addPeer({ ...PEER, name: 'c' });
      await compared(contract);
      for (const name of ['a', 'b', 'c', 'd']) await contract.recordOne(contract.put(scope, name));
      const [dead] = await queued(contract);
      await contract.catalog.settleOutbox(await hold(contract), [
        { ...positionOf(dead), to: { kind: 'dead', error: 'no' } },
      ]);
      const told = (await eventsOf('backlog-given-up')).length;
      const how = { begins: true, limit: 2, detail: DETAIL };
      expect(await contract.catalog.giveUpBacklog('b', { ...how, begins: false })).toBeUndefined();
      expect(await contract.catalog.giveUpBacklog('b', how)).toEqual({ entries: 2, isNew: true, mayBeMore: true });
      // What is left of it must be gone first: a comparison would take it for queued.
      expect(await contract.catalog.beginResync('b', LATER_MS)).toBeUndefined();
      expect(await contract.catalog.giveUpBacklog('b', how)).toEqual({ entries: 1, isNew: false, mayBeMore: false });
      expect(await contract.catalog.giveUpBacklog('b', how)).toEqual({ entries: 0, isNew: false, mayBeMore: false });
      expect((await eventsOf('backlog-given-up')).slice(told)).toMatchObject([{ detail: DETAIL }]);
      const peer = await peerNamed(contract, 'b');
      expect(peer).toMatchObject({ waiting: 0, dead: 1, givenUp: 3, needsResync: true });
      expect(peer?.givenUpSinceMs).toBeGreaterThan(0);
      expect(await contract.catalog.readFloor('b')).toBeUndefined();
      expect(await queued(contract, 'c')).toHaveLength(4);
      await contract.recordOne(contract.put(scope, 'e'));
      await contract.catalog.purgeScope(scope.name, contract.operation());
      expect(await contract.catalog.giveUpBacklog('b', how)).toMatchObject({ entries: 0, isNew: false });
      expect((await queued(contract)).map(({ entry }) => entry.kind)).toEqual(['purge-scope']);
      expect(await queued(contract, 'c')).toHaveLength(6);
      while (await contract.catalog.carryOutPurge());
      const begun = await contract.catalog.beginResync('b', LATER_MS);
      await contract.recordOne(contract.put(scope, 'f'));
      expect(await queued(contract)).toHaveLength(2);
      expect(await contract.catalog.endResync('b', begun ?? { marks: -1, scopes: undefined })).toBe(true);
      expect(await peerNamed(contract, 'b')).toMatchObject({
        needsResync: false,
        givenUp: 3,
        givenUpSinceMs: undefined,
      });
      expect(await contract.catalog.beginResync('b', LATER_MS)).toBeUndefined();
    });

    it('that is given up while it is compared is compared once more', async () => {
      await contract.catalog.addPeer(PEER);
      const begun = await contract.catalog.beginResync('b', LATER_MS);
      await contract.recordOne(contract.put(scope, 'a'));
      await contract.catalog.giveUpBacklog('b', { begins: true, limit: 10, detail: DETAIL });
      expect(await contract.catalog.endResync('b', begun ?? { marks: -1, scopes: undefined })).toBe(false);
      const again = await contract.catalog.beginResync('b', LATER_MS);
      expect(again?.marks).toBeGreaterThan(begun?.marks ?? 0);
      expect(await contract.catalog.endResync('b', begun ?? { marks: -1, scopes: undefined })).toBe(false);
      expect(await contract.catalog.endResync('b', again ?? { marks: -1, scopes: undefined })).toBe(true);
    });

    it('of a peer of mode sync is not given up; what was before it became one is', async () => {
      await contract.catalog.addPeer(SYNC);
      await contract.recordOne(contract.put(scope, 'a'));
      expect(await contract.catalog.giveUpBacklog('b', { begins: true, limit: 10, detail: DETAIL })).toBeUndefined();
      expect(
        await contract.catalog.giveUpBacklog('nobody', { begins: true, limit: 10, detail: DETAIL }),
      ).toBeUndefined();
      expect(await queued(contract)).toHaveLength(1);
      await contract.recordOne(contract.put(scope, 'b'));
      await contract.catalog.setPeer('b', { mode: 'async' });
      await contract.catalog.giveUpBacklog('b', { begins: true, limit: 1, detail: DETAIL });
      await contract.catalog.setPeer('b', { mode: 'sync' });
      expect(await contract.catalog.listSyncPeers()).toMatchObject([{ marks: 1, isGivenUp: true }]);
      expect(await contract.catalog.giveUpBacklog('b', { begins: true, limit: 1, detail: DETAIL })).toMatchObject({
        entries: 1,
      });
      expect(await contract.catalog.listSyncPeers()).toMatchObject([{ marks: 2 }]);
      await compared(contract);
    });
  });

  describe('what was there before', () => {
    it('is compared where a peer is told of more from now on', async () => {
      await contract.catalog.addPeer({ ...PEER, direction: 'receive' });
      expect(await peerNamed(contract, 'b')).toMatchObject({ needsResync: false });
      const { direction, url } = PEER;
      await contract.catalog.setPeer('b', { direction, url });
      expect(await peerNamed(contract, 'b')).toMatchObject({ needsResync: true });
      await compared(contract);
      await contract.catalog.setPeer('b', { direction, url });
      expect(await peerNamed(contract, 'b')).toMatchObject({ needsResync: false });
      const begun = await contract.catalog.beginResync('b', LATER_MS);
      expect(begun).toBeUndefined();
      await contract.catalog.setPeer('b', { scopes: ['a'] });
      const narrow = await contract.catalog.beginResync('b', LATER_MS);
      await contract.catalog.setPeer('b', { scopes: ['a', 'b'] });
      expect(await contract.catalog.endResync('b', narrow ?? { marks: -1, scopes: undefined })).toBe(false);
      await compared(contract);
      await contract.catalog.setPeer('b', { scopes: ['a', 'b'] });
      expect(await peerNamed(contract, 'b')).toMatchObject({ needsResync: false });
    });

    it('goes without bytes first where the peer probably has it, and not twice', async () => {
      await contract.catalog.addPeer(PEER);
      await contract.recordOne(contract.put(scope, 'a'));
      expect(await contract.catalog.queueObjects('b', scope.name, ['a'], true)).toBe(0);
      await acknowledge(0);
      expect(await contract.catalog.queueObjects('b', scope.name, ['a'], true)).toBe(1);
      expect(await queued(contract)).toMatchObject([{ attempts: 1 }]);
      await acknowledge(0);
      await contract.catalog.queueObjects('b', scope.name, ['a']);
      expect(await queued(contract)).toMatchObject([{ attempts: 0 }]);
    });
  });

  describe('a peer that is away', () => {
    it('is so since it was parked first, and is told of once', async () => {
      await contract.catalog.addPeer(PEER);
      await contract.catalog.setPeer('b', { state: 'parked', lastError: 'unreachable' });
      const since = (await peerNamed(contract, 'b'))?.parkedSinceMs;
      expect(since).toBeGreaterThan(0);
      await contract.catalog.setPeer('b', { state: 'parked', lastError: 'still unreachable' });
      expect((await peerNamed(contract, 'b'))?.parkedSinceMs).toBe(since);
      expect((await backlogOf('b'))?.behindSinceMs).toBe(since);
      const told = (await eventsOf('peer-stayed-away')).length;
      expect(await contract.catalog.tellPeerAway('b', true, 'away')).toBe(true);
      expect(await contract.catalog.tellPeerAway('b', true, 'away')).toBe(false);
      expect((await eventsOf('peer-stayed-away')).length).toBe(told + 1);
      expect(await peerNamed(contract, 'b')).toMatchObject({ isAway: true });
      await contract.catalog.setPeer('b', { state: 'active' });
      expect(await backlogOf('b')).toMatchObject({ behindSinceMs: undefined, isAway: true });
      expect(await contract.catalog.tellPeerAway('b', false, 'back')).toBe(true);
      expect(await peerNamed(contract, 'b')).toMatchObject({ isAway: false, parkedSinceMs: undefined });
    });
  });
}
