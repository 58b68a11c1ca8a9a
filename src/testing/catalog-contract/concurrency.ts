import { describe, expect, it } from 'vitest';
import { type CatalogContract, contentOf, expectKind, holderOf, replicaAt } from './harness.ts';

/** Duties towards callers that do not wait for each other. */
export function describeConcurrency(contract: CatalogContract): void {
  describe('many callers at once', () => {
    it('get numbers without gaps or doubles', async () => {
      const scope = await contract.openScope();
      const { counter, incarnation } = await contract.catalog.site();
      const names = Array.from({ length: 200 }, (_, at) => `object-${at}`);
      await Promise.all(names.map((name) => contract.recordOne(contract.put(scope, name))));
      const dots = await Promise.all(names.map(async (name) => (await contract.read(scope, name)).current.dot));
      expect(dots.every(({ actor }) => actor === incarnation)).toBe(true);
      const counters = dots.map((dot) => dot.counter).toSorted((a, b) => a - b);
      expect(counters).toEqual(names.map((_, at) => counter + 1 + at));
    });

    it('that all write one new object make one version, and the others are told which', async () => {
      const scope = await contract.openScope();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          contract.record(contract.put(scope, 'a', { content: contentOf(`${at}`) })),
        ),
      );
      const recorded = outcomes.flat().filter(({ kind }) => kind === 'recorded');
      expect(recorded).toHaveLength(1);
      const { id } = (await contract.read(scope, 'a')).current;
      for (const [outcome] of outcomes) {
        if (outcome?.kind !== 'recorded') expect(outcome).toEqual({ kind: 'conflict', currentId: id });
      }
    });

    it('that each append to one object leave one chain of versions', async () => {
      const scope = await contract.openScope();
      const append = async (text: string): Promise<void> => {
        for (;;) {
          const follows = (await contract.catalog.readObject(scope.name, 'a'))?.current.id;
          const [outcome] = await contract.record(contract.put(scope, 'a', { follows, content: contentOf(text) }));
          if (outcome?.kind === 'recorded') return;
        }
      };
      const { counter, incarnation } = await contract.catalog.site();
      await Promise.all(Array.from({ length: 8 }, (_, at) => append(`text ${at}`)));
      const { current } = await contract.read(scope, 'a');
      expect(current.dot.counter).toBe(counter + 8);
      expect(current.context).toEqual({ [incarnation]: counter + 7 });
    });

    it('are not harmed by one that fails', async () => {
      const scope = await contract.openScope();
      const { counter } = await contract.catalog.site();
      const good = Array.from({ length: 10 }, (_, at) => contract.recordOne(contract.put(scope, `good-${at}`)));
      const bad = contract.record(contract.put(scope, 'bad', { replicas: [replicaAt('test:never-opened', 'a')] }));
      const late = Array.from({ length: 10 }, (_, at) => contract.recordOne(contract.put(scope, `late-${at}`)));
      await expectKind(bad, 'failed');
      await Promise.all([...good, ...late]);
      expect(await contract.catalog.readObject(scope.name, 'bad')).toBeUndefined();
      expect((await contract.catalog.site()).counter).toBe(counter + 20);
    });

    it('that claim are never given the same request', async () => {
      const scope = await contract.openScope();
      const requests = [{ kind: 'copy', store: scope.near, reason: 'repair', priority: 2 }] as const;
      await contract.record(...Array.from({ length: 100 }, (_, at) => contract.put(scope, `${at}`, { requests })));
      const claims = await Promise.all(Array.from({ length: 10 }, () => contract.claim(scope, { limit: 15 })));
      const ids = claims.flat().map(({ lease }) => lease.requestId);
      expect(new Set(ids).size).toBe(ids.length);
      const rest = await contract.claim(scope);
      expect(ids.length + rest.length).toBe(100);
    });

    it('that begin a sync of one target get it one after the other', async () => {
      const scope = await contract.openScope();
      const begun = await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          contract.catalog.beginSync(contract.sync(scope, { holder: holderOf(at) })),
        ),
      );
      expect(begun.filter(({ kind }) => kind === 'begun')).toHaveLength(1);
    });

    it('that begin syncs of crossing targets do not block each other for ever', async () => {
      const scope = await contract.openScope();
      const sets = [[scope.near, scope.far], [scope.far, scope.near], [scope.near], [scope.far]];
      const begun = await Promise.all(
        sets.map((targets, at) => contract.catalog.beginSync(contract.sync(scope, { targets, holder: holderOf(at) }))),
      );
      const taken = begun.flatMap((one, at) => (one.kind === 'begun' ? (sets[at] ?? []) : []));
      expect(new Set(taken).size).toBe(taken.length);
      expect(taken.length).toBeGreaterThan(0);
    });

    it('that lock one key get it one after the other', async () => {
      const scope = await contract.openScope();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => contract.catalog.addIntent(contract.intent(scope, 'a'))),
      );
      expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(1);
    });

    it('that read see what was acknowledged before they asked', async () => {
      const scope = await contract.openScope();
      const noise = Array.from({ length: 50 }, (_, at) => contract.recordOne(contract.put(scope, `noise-${at}`)));
      for (let at = 0; at < 10; at++) {
        const id = await contract.recordOne(contract.put(scope, `mine-${at}`));
        expect((await contract.read(scope, `mine-${at}`)).current.id).toBe(id);
      }
      await Promise.all(noise);
    });
  });
}
