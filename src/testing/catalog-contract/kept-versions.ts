import { beforeEach, describe, expect, it } from 'vitest';
import type { VersionEntry } from '../../domain/journal/entry.ts';
import type { AmongChange } from '../../ports/conflicts.ts';
import type { Arrived } from '../../ports/journal.ts';
import { type CatalogContract, contentOf, replicaAt, type TestScope } from './harness.ts';
import { hold, PEER, SITE_B, SITE_C } from './peer-harness.ts';

const ACTOR = '00000000000000c1';

/** Duties of versions that did not see each other: which are told of, and what is written among them. */
export function describeKeptVersions(contract: CatalogContract): void {
  describe('versions that did not see each other', () => {
    let scope: TestScope;
    let counter = 0;
    beforeEach(async () => {
      scope = await contract.openOwnScope();
    });
    const arrived = (
      name: string,
      text: string,
      options: Partial<VersionEntry> = {},
    ): Arrived & { entry: VersionEntry } => {
      counter++;
      const operation = contract.operation();
      const entry: VersionEntry = {
        kind: 'version',
        // Each of an actor of its own: who follows the second of one actor has seen the first.
        dot: { actor: `c1${String(counter).padStart(14, '0')}`, counter: 1 },
        time: { ms: 1000 + counter, n: 0 },
        origin: SITE_B,
        operation,
        scope: scope.name,
        addressed: [SITE_B],
        name,
        context: {},
        content: contentOf(text),
        ...options,
      };
      return entry.content.kind === 'object' ? { entry, copy: replicaAt(scope.source, `at/${operation}`) } : { entry };
    };
    const apply = (...entries: readonly Arrived[]) => contract.catalog.applyEntries({ from: SITE_B, entries });
    const kept = async (name: string) => {
      const found = await contract.catalog.readConflict({ scope: scope.name, name });
      if (found === undefined) throw new Error(`nothing is kept beside ${name}`);
      return found;
    };
    const among = (
      name: string,
      text: string | undefined,
      options: Pick<AmongChange, 'sees' | 'follows'>,
    ): AmongChange => {
      const operation = contract.operation();
      const content = text === undefined ? ({ kind: 'tombstone' } as const) : contentOf(text);
      return {
        scope: scope.name,
        name,
        operation,
        content,
        ...(text === undefined ? {} : { copy: replicaAt(scope.source, `at/${operation}`) }),
        ...options,
      };
    };

    it('are told of by scope and name, the served one and those that lost, equal ones once, deletes not', async () => {
      const [one, two, three] = [arrived('b', '1'), arrived('b', '2'), arrived('b', '1', { origin: SITE_C })];
      await apply(one, two, three, arrived('a', 'x'), arrived('a', 'y'));
      await apply(arrived('c', 'put'), arrived('c', '', { content: { kind: 'tombstone' } }));
      const { conflicts, next } = await contract.catalog.listConflicts({ scope: scope.name, limit: 100 });
      expect(next).toBeUndefined();
      expect(conflicts.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(conflicts[1]?.served.operation).toBe(three.entry.operation);
      expect(conflicts[1]?.lost.map(({ operation }) => operation)).toEqual([two.entry.operation]);
      expect(conflicts[1]?.lost[0]?.foundMs).toBeGreaterThan(1_600_000_000_000);
      const { versions, lost } = await kept('c');
      expect([versions.length, lost.length]).toEqual([2, 0]);
      const page = await contract.catalog.listConflicts({ scope: scope.name, limit: 1 });
      expect(page.next).toEqual({ scope: scope.name, name: 'a' });
      const rest = await contract.catalog.listConflicts({ scope: scope.name, after: page.next, limit: 100 });
      expect(rest.conflicts.map(({ name }) => name)).toEqual(['b']);
    });

    it('stay beside a write that follows one of them only, and that write is served', async () => {
      await apply(arrived('a', '1'), arrived('a', '22'));
      const { versions, served, lost } = await kept('a');
      const write = among('a', '333', { sees: versions, follows: [served.id] });
      const outcome = await contract.catalog.recordAmong(write);
      expect(outcome.kind).toBe('recorded');
      expect(await contract.catalog.recordAmong(write)).toMatchObject({ ...outcome, kind: 'repeated' });
      const now = await kept('a');
      expect(now.served.operation).toBe(write.operation);
      expect(now.lost.map(({ operation }) => operation)).toEqual(lost.map(({ operation }) => operation));
      expect((await contract.read(scope, 'a')).siblings).toBe(1);
    });

    it('stay also where who writes has made them himself, however often he writes', async () => {
      const own = contract.put(scope, 'a', { replicas: [replicaAt(scope.source, 'own')] });
      await contract.recordOne(own);
      const { time } = (await contract.read(scope, 'a')).current;
      await apply(arrived('a', '22', { time: { ms: time.ms, n: time.n + 1 } }));
      for (const text of ['333', '4444']) {
        const { versions, lost } = await kept('a');
        const others = new Set(lost.flatMap(({ same }) => same));
        const follows = versions.filter((id) => !others.has(id));
        expect((await contract.catalog.recordAmong(among('a', text, { sees: versions, follows }))).kind).toBe(
          'recorded',
        );
        expect((await kept('a')).lost.map(({ operation }) => operation)).toEqual([own.operation]);
        expect((await kept('a')).served.content).toMatchObject({ size: text.length });
      }
    });

    it('take the place of what was served when that is deleted, with their bytes', async () => {
      await apply(arrived('a', '1'), arrived('a', '22'));
      const { versions, served, lost } = await kept('a');
      const outcome = await contract.catalog.recordAmong(
        among('a', undefined, { sees: versions, follows: [served.id] }),
      );
      expect(outcome.kind).toBe('recorded');
      const { current, replicas } = await contract.read(scope, 'a');
      expect(current.operation).toBe(lost[0]?.operation);
      expect(replicas.find(({ versionId }) => versionId === current.id)?.state).toBe('AVAILABLE');
    });

    it('are ended by a delete that follows what lost only: what is served stays', async () => {
      await apply(arrived('a', '1'), arrived('a', '22'));
      const { versions, served, lost } = await kept('a');
      const follows = lost.flatMap(({ same }) => same);
      await contract.catalog.recordAmong(among('a', undefined, { sees: versions, follows }));
      expect((await contract.read(scope, 'a')).current.operation).toBe(served.operation);
      expect((await kept('a')).lost).toEqual([]);
    });

    it('are not written over by who does not know all of them', async () => {
      await apply(arrived('a', '1'), arrived('a', '22'));
      const { versions, served } = await kept('a');
      await apply(arrived('a', '333'));
      const change = among('a', '4444', { sees: versions, follows: versions });
      expect(await contract.catalog.recordAmong(change)).toEqual({ kind: 'changed' });
      const lone = contract.put(scope, 'a', { follows: served.id, isAlone: true });
      expect((await contract.record(lone))[0]?.kind).toBe('conflict');
      const blind = contract.put(scope, 'a', { isOverCurrent: true, isAlone: true });
      expect((await contract.record(blind))[0]?.kind).toBe('conflict');
    });

    it('are kept for a time after somebody has followed them', async () => {
      await apply(arrived('a', '1'), arrived('a', '22'));
      const { served, lost } = await kept('a');
      await contract.recordOne(contract.put(scope, 'a', { follows: served.id, content: contentOf('333') }));
      const old = { store: scope.source, limit: 100 };
      const ids = async (arrivedMs: number) =>
        (await contract.catalog.listSuperseded({ ...old, localMs: -120_000, arrivedMs })).map(
          ({ versionId }) => versionId,
        );
      expect(await ids(60_000)).not.toContain(lost[0]?.id);
      expect(await ids(-1000)).toContain(lost[0]?.id);
    });
  });

  describe('the life of a catalog', () => {
    it('is another one after each beginning, and what was meant for a former one is not taken', async () => {
      const before = await contract.catalog.beginLife();
      const life = await contract.catalog.beginLife();
      expect(life).not.toBe(before);
      expect(await contract.catalog.readLife()).toBe(life);
      const entry = { dot: { actor: ACTOR, counter: 9_000 }, time: { ms: 1, n: 0 }, origin: SITE_B, addressed: [] };
      const purge = {
        ...entry,
        kind: 'purge-scope',
        operation: contract.operation(),
        scope: 'nowhere',
        seen: {},
      } as const;
      const apply = async (lives: { from: string; to: string }) =>
        (await contract.catalog.applyEntries({ from: SITE_B, lives, entries: [{ entry: purge }] }))[0]?.kind;
      expect(await apply({ from: 'any', to: before })).toBe('stale');
      expect(await contract.catalog.raiseFloor({ [ACTOR]: 9_100 }, before)).toBe(false);
      expect(await apply({ from: 'any', to: life })).toBe('applied');
    });

    it('is told from an older copy by how much it has taken of a site', async () => {
      const taken = await contract.catalog.readReceipt(SITE_B);
      await contract.catalog.applyEntries({ from: SITE_B, entries: [] });
      await contract.catalog.takeUp(SITE_B, []);
      expect(await contract.catalog.readReceipt(SITE_B)).toBe(taken + 2);
      await contract.catalog.applyEntries({ from: SITE_B, lives: { from: 'any', to: 'another' }, entries: [] });
      expect(await contract.catalog.readReceipt(SITE_B)).toBe(taken + 2);
    });

    it('of a peer is known by the highest receipt it has answered', async () => {
      const { name } = PEER;
      await contract.catalog.addPeer(PEER);
      expect(await contract.catalog.readPeerReceipt(name)).toBeUndefined();
      const lease = await hold(contract);
      for (const receipt of [7, 5]) await contract.catalog.settleOutbox(lease, [], receipt);
      expect(await contract.catalog.readPeerReceipt(name)).toBe(7);
      await contract.catalog.setPeer(name, { receipt: 2, needsResync: true });
      expect(await contract.catalog.readPeerReceipt(name)).toBe(2);
      await contract.catalog.removePeer(name);
    });

    it('goes on under new incarnations where somebody knows more of its own than it has given out', async () => {
      const scope = await contract.openOwnScope();
      await contract.recordOne(contract.put(scope, 'a'));
      const { incarnation, counter } = await contract.catalog.site();
      expect((await contract.catalog.readActors())[incarnation]).toBe(counter);
      expect(await contract.catalog.noticeKnown({ [incarnation]: counter })).toBe(false);
      expect(await contract.catalog.noticeKnown({ [incarnation]: counter + 1 })).toBe(true);
      await contract.recordOne(contract.put(scope, 'b'));
      const { current } = await contract.read(scope, 'b');
      expect(current.dot.actor).not.toBe(incarnation);
      expect((await contract.catalog.readKnown([incarnation]))[incarnation]).toBe(counter);
      const context = { [current.dot.actor]: current.dot.counter + 7 };
      const { operation } = contract.put(scope, 'c');
      const entry: VersionEntry = {
        kind: 'version',
        dot: { actor: '00000000000000c9', counter: 1 },
        time: { ms: 1, n: 0 },
        origin: SITE_B,
        operation,
        scope: scope.name,
        addressed: [],
        name: 'c',
        context,
        content: { kind: 'tombstone' },
      };
      await contract.catalog.applyEntries({ from: SITE_B, entries: [{ entry }] });
      await contract.recordOne(contract.put(scope, 'd'));
      expect((await contract.read(scope, 'd')).current.dot.actor).not.toBe(current.dot.actor);
    });
  });
}
