import { describe, expect, it } from 'vitest';
import type { BeginSync, SyncLease } from '../../ports/catalog-syncs.ts';
import { type CatalogContract, holderOf, sleep } from './harness.ts';

const progress = { position: 'm', objects: 5, bytes: 50 };

/** Duties of the sync's lease: `beginSync`, `renewSync`, `endSync`, `listSyncs`, and of `record` under it. */
export function describeSyncs(contract: CatalogContract): void {
  describe('beginSync', () => {
    it('takes a free target', async () => {
      const scope = await contract.openScope();
      const wanted = contract.sync(scope);
      const begun = await contract.catalog.beginSync(wanted);
      expect(begun).toEqual({
        kind: 'begun',
        lease: { syncId: wanted.id, token: 1 },
        resumes: undefined,
        settlesMs: 0,
      });
      expect((await contract.catalog.listSyncs(1))[0]).toMatchObject({
        id: wanted.id,
        scope: scope.name,
        prefix: '',
        targets: [scope.near],
        state: 'running',
        holder: holderOf(1),
        progress: { position: '', objects: 0, bytes: 0 },
      });
    });

    it('refuses a target that a live run holds, and says who', async () => {
      const scope = await contract.openScope();
      const first = contract.sync(scope, { targets: [scope.near, scope.far] });
      await contract.catalog.beginSync(first);
      const second = contract.sync(scope, { targets: [scope.far], holder: holderOf(2) });
      const held = await contract.catalog.beginSync(second);
      expect(held).toMatchObject({ kind: 'held', target: scope.far, syncId: first.id, holder: holderOf(1) });
      if (held.kind !== 'held') return;
      expect(held.untilMs - held.sinceMs).toBe(60_000);
      expect((await contract.catalog.listSyncs(1))[0]?.id).toBe(first.id);
    });

    it('lets runs to different targets go on side by side', async () => {
      const scope = await contract.openScope();
      await begin(contract.sync(scope));
      await begin(contract.sync(scope, { targets: [scope.far], holder: holderOf(2) }));
    });

    it('takes over from a run whose lease ran out, with a larger token', async () => {
      const scope = await contract.openScope();
      const first = await begin(contract.sync(scope, { leaseMs: 1 }));
      await sleep(20);
      const second = await contract.catalog.beginSync(contract.sync(scope, { holder: holderOf(2) }));
      expect(second).toMatchObject({
        kind: 'begun',
        lease: { token: first.token + 1 },
        resumes: { id: first.syncId, state: 'interrupted' },
      });
    });

    it('takes over from a holder that is known to be dead, and from no other', async () => {
      const scope = await contract.openScope();
      const first = await begin(contract.sync(scope));
      const other = contract.sync(scope, { holder: holderOf(2), deadHolders: [holderOf(3)] });
      expect((await contract.catalog.beginSync(other)).kind).toBe('held');
      const reborn = { ...holderOf(1), startedMs: 1 };
      expect((await contract.catalog.beginSync({ ...other, deadHolders: [reborn] })).kind).toBe('held');
      const taken = await contract.catalog.beginSync({ ...other, deadHolders: [holderOf(3), holderOf(1)] });
      expect(taken).toMatchObject({ kind: 'begun', lease: { token: 2 }, resumes: { id: first.syncId } });
    });

    it('resumes the interrupted run of the same work, in whatever order its targets are named', async () => {
      const scope = await contract.openScope();
      const first = await begin(contract.sync(scope, { prefix: 'p/', targets: [scope.near, scope.far] }));
      await contract.catalog.endSync(first, 'interrupted', progress);
      const again = contract.sync(scope, { prefix: 'p/', targets: [scope.far, scope.near] });
      const begun = await contract.catalog.beginSync(again);
      expect(begun).toMatchObject({ kind: 'begun', resumes: { id: first.syncId, state: 'interrupted', progress } });
    });

    it('resumes nothing where the work differs, or the last run came to its end', async () => {
      const scope = await contract.openScope();
      const first = await begin(contract.sync(scope));
      await contract.catalog.endSync(first, 'interrupted', progress);
      for (const other of [{ prefix: 'p/' }, { targets: [scope.near, scope.far] }, { purpose: 'repair' as const }]) {
        const begun = await contract.catalog.beginSync(contract.sync(scope, other));
        expect(begun).toMatchObject({ kind: 'begun', resumes: undefined });
        if (begun.kind === 'begun') await contract.catalog.endSync(begun.lease, 'done', progress);
      }
      const second = await begin(contract.sync(scope));
      await contract.catalog.endSync(second, 'done', progress);
      expect(await contract.catalog.beginSync(contract.sync(scope))).toMatchObject({ resumes: undefined });
    });
  });

  describe("a sync's lease", () => {
    it('is kept by renewing, also a little late while nobody took it', async () => {
      const scope = await contract.openScope();
      const lease = await begin(contract.sync(scope, { leaseMs: 1 }));
      await sleep(20);
      expect((await contract.catalog.listSyncs(1))[0]).toMatchObject({ id: lease.syncId, state: 'interrupted' });
      expect(await contract.catalog.renewSync(lease, 60_000)).toBe(true);
      expect((await contract.catalog.beginSync(contract.sync(scope, { holder: holderOf(2) }))).kind).toBe('held');
    });

    it('that was taken over is lost for every target: nothing is recorded under it', async () => {
      const scope = await contract.openScope();
      const both = await begin(contract.sync(scope, { targets: [scope.near, scope.far], leaseMs: 1 }));
      await sleep(20);
      await begin(contract.sync(scope, { targets: [scope.far], holder: holderOf(2) }));
      expect(await contract.catalog.renewSync(both, 60_000)).toBe(false);
      const { counter } = await contract.catalog.site();
      const outcome = await contract.catalog.record({
        lease: both,
        changes: [contract.put(scope, 'a')],
        sync: progress,
        events: [{ kind: 'never-happened', scope: scope.name, detail: '' }],
      });
      expect(outcome).toEqual({ fenced: true, changes: [] });
      expect(await contract.catalog.readObject(scope.name, 'a')).toBeUndefined();
      expect((await contract.catalog.site()).counter).toBe(counter);
      expect(await contract.catalog.listEvents({ scope: scope.name, limit: 10 })).toEqual([]);
      await contract.catalog.endSync(both, 'done', progress);
      const lost = (await contract.catalog.listSyncs(10)).find(({ id }) => id === both.syncId);
      expect(lost).toMatchObject({ state: 'interrupted', progress: { objects: 0 } });
    });

    it('records, and notes how far the run is', async () => {
      const scope = await contract.openScope();
      const lease = await begin(contract.sync(scope));
      const outcome = await contract.catalog.record({ lease, changes: [contract.put(scope, 'a')], sync: progress });
      expect(outcome).toMatchObject({ fenced: false, changes: [{ kind: 'recorded' }] });
      await contract.catalog.record({ lease, replicas: [] });
      expect((await contract.catalog.listSyncs(1))[0]).toMatchObject({ id: lease.syncId, progress });
    });

    it('ends with the run, and frees the targets', async () => {
      const scope = await contract.openScope();
      const lease = await begin(contract.sync(scope));
      await contract.catalog.endSync(lease, 'done', progress);
      expect((await contract.catalog.listSyncs(1))[0]).toMatchObject({ state: 'done', progress });
      expect(await contract.catalog.record({ lease })).toEqual({ fenced: true, changes: [] });
      expect(await contract.catalog.renewSync(lease, 1000)).toBe(false);
      const next = await begin(contract.sync(scope, { holder: holderOf(2) }));
      expect(next.token).toBe(lease.token + 1);
    });

    it('of nobody fences all', async () => {
      const lease = { syncId: 'nobody', token: 1 };
      expect(await contract.catalog.record({ lease })).toEqual({ fenced: true, changes: [] });
      expect(await contract.catalog.renewSync(lease, 1000)).toBe(false);
    });
  });

  async function begin(sync: BeginSync): Promise<SyncLease> {
    const begun = await contract.catalog.beginSync(sync);
    if (begun.kind !== 'begun') throw new Error(`held by ${begun.syncId}`);
    return begun.lease;
  }
}
