import { describe, expect, it } from 'vitest';
import type { SyncLease } from '../../ports/catalog-syncs.ts';
import { type ClaimedPages, CLAIMS_PER_PAGE_MAX, type NewPageJob, type PageLease } from '../../ports/page-queue.ts';
import { type CatalogContract, holderOf, sleep, type TestScope } from './harness.ts';

const progress = { position: '', objects: 0, bytes: 0 };

/** Duties of the queue of pages: `openPageJob` … `giveBackPages`, and of the verbs of syncs towards it. */
export function describePageQueue(contract: CatalogContract): void {
  describe('a job of pages', () => {
    it('tells workers whose stores it is about, while it stands', async () => {
      const job = await open({ leaseMs: 5_000 });
      const [listed] = await findJobs(job.id);
      expect(listed).toEqual({
        id: job.id,
        scope: job.scope,
        stores: job.stores,
        holder: holderOf(1),
        leaseMs: 5_000,
      });
      await contract.catalog.closePageJob(job.id);
      expect(await findJobs(job.id)).toEqual([]);
    });

    it('is opened under the lease of a sync that is held, and under no other', async () => {
      const lease = await beginSync(await contract.openScope());
      expect(await contract.catalog.openPageJob(jobOf({ sync: { ...lease, token: lease.token + 1 } }))).toBe(false);
      const job = jobOf({ sync: lease });
      expect(await contract.catalog.openPageJob(job)).toBe(true);
      expect(await contract.catalog.openPageJob(job)).toBe(true);
      expect(await findJobs(job.id)).toHaveLength(1);
    });

    it('goes with its sync, and its pages too', async () => {
      const lease = await beginSync(await contract.openScope());
      const job = await open({ sync: lease });
      await add(job, 1);
      const [page] = (await claim(job)).pages;
      await contract.catalog.endSync(lease, 'done', progress);
      expect(await findJobs(job.id)).toEqual([]);
      expect(await contract.catalog.answerPage(page?.lease as PageLease, 'too late')).toBe(false);
      expect(await contract.catalog.claimPages(claimOf(job))).toBeUndefined();
      expect(await contract.catalog.addPage(pageOf(job, 2))).toBe(false);
      expect((await collect(job)).stands).toBe(false);
    });

    it('that stands on its own stands while its pool collects', async () => {
      const job = await open({ leaseMs: 200 });
      for (let turn = 0; turn < 5; turn++) {
        await sleep(150);
        expect((await collect(job)).stands).toBe(true);
      }
      expect(await findJobs(job.id)).toHaveLength(1);
      await sleep(700);
      expect(await findJobs(job.id)).toEqual([]);
      expect(await contract.catalog.claimPages(claimOf(job))).toBeUndefined();
      await add(job, 1);
      expect((await claim(job)).pages).toHaveLength(1);
    });
  });

  describe('a page', () => {
    it('is claimed once, carried out and answered, and goes when its outcomes have arrived', async () => {
      const job = await open();
      await add(job, 1);
      await add(job, 2);
      await add(job, 2);
      const first = await claim(job, { limit: 1 });
      expect(first).toEqual({
        leaseMs: 60_000,
        isStopped: false,
        pages: [{ lease: { job: job.id, number: 1, token: 1 }, kind: 'copy', text: 'page 1' }],
      });
      expect((await claim(job)).pages.map(({ lease }) => lease.number)).toEqual([2]);
      expect((await claim(job)).pages).toEqual([]);
      expect(await contract.catalog.answerPage(first.pages[0]?.lease as PageLease, 'outcomes 1')).toBe(true);
      const collected = await collect(job);
      expect(collected).toEqual({
        stands: true,
        answered: [{ number: 1, outcomes: 'outcomes 1' }],
        givenUp: [],
        moved: [{ number: 2, bytes: 0 }],
        waiting: 0,
        claimed: 1,
      });
      expect((await collect(job)).answered).toEqual(collected.answered);
      expect((await collect(job, [1])).answered).toEqual([]);
      expect(await contract.catalog.answerPage(first.pages[0]?.lease as PageLease, 'again')).toBe(false);
    });

    it('keeps its text to the last byte', async () => {
      const job = await open();
      const text = JSON.stringify({ key: 'ä\u0000\n\ud800𝄞\uffff', more: 'x'.repeat(100_000) });
      await contract.catalog.addPage({ ...pageOf(job, 1), kind: 'read', text });
      const [page] = (await claim(job)).pages;
      expect(page).toMatchObject({ kind: 'read', text });
      await contract.catalog.answerPage(page?.lease as PageLease, text);
      expect((await collect(job)).answered).toEqual([{ number: 1, outcomes: text }]);
    });

    it('whose lease ran out is claimed again with a larger token, and the old answer is refused', async () => {
      const job = await open({ leaseMs: 200 });
      await add(job, 1);
      const [old] = (await claim(job)).pages;
      await sleep(250);
      expect(await collect(job)).toMatchObject({ waiting: 1, claimed: 0 });
      const [taken] = (await claim(job)).pages;
      expect(taken?.lease.token).toBe(2);
      expect(await contract.catalog.answerPage(old?.lease as PageLease, 'old')).toBe(false);
      expect((await collect(job)).answered).toEqual([]);
    });

    it('whose lease ran out is lost also where nobody has taken it', async () => {
      const job = await open({ leaseMs: 200 });
      await add(job, 1);
      const [page] = (await claim(job)).pages;
      await sleep(250);
      await collect(job);
      const held = [{ lease: page?.lease as PageLease, bytesMoved: 0 }];
      expect(await contract.catalog.claimPages({ ...claimOf(job), held })).toBeUndefined();
      expect(await contract.catalog.answerPage(page?.lease as PageLease, 'late')).toBe(false);
    });

    it('is kept by renewing, and tells how far it is', async () => {
      const job = await open({ leaseMs: 1_500 });
      await add(job, 1);
      const [page] = (await claim(job)).pages;
      for (let turn = 1; turn <= 5; turn++) {
        await sleep(400);
        const held = [{ lease: page?.lease as PageLease, bytesMoved: turn * 100 }];
        expect((await claim(job, { held })).pages).toEqual([]);
        expect(await collect(job)).toMatchObject({ moved: [{ number: 1, bytes: turn * 100 }], waiting: 0, claimed: 1 });
      }
      expect(await contract.catalog.answerPage(page?.lease as PageLease, 'done')).toBe(true);
    });

    it('that is lost among others claims nothing for who held it', async () => {
      const job = await open();
      for (const number of [1, 2, 3]) await add(job, number);
      const { pages } = await claim(job, { limit: 2 });
      const held = pages.map(({ lease }) => ({ lease, bytesMoved: 0 }));
      await contract.catalog.giveBackPages([held[0]?.lease as PageLease]);
      const other = await claim(job, { limit: 1 });
      expect(other.pages.map(({ lease }) => lease.number)).toEqual([1]);
      expect(await contract.catalog.claimPages({ ...claimOf(job), held })).toBeUndefined();
      expect(await collect(job)).toMatchObject({ waiting: 1, claimed: 2 });
    });

    it('that is given back is free at once, and is not counted against it', async () => {
      const job = await open();
      await add(job, 1);
      for (let turn = 1; turn <= CLAIMS_PER_PAGE_MAX + 2; turn++) {
        const [page] = (await claim(job)).pages;
        expect(page?.lease.token).toBe(turn);
        await contract.catalog.giveBackPages([page?.lease as PageLease]);
        await contract.catalog.giveBackPages([{ ...(page?.lease as PageLease), token: turn - 1 }]);
      }
    });

    it(`is given up when ${CLAIMS_PER_PAGE_MAX} claims of it ran out`, async () => {
      const job = await open({ leaseMs: 100 });
      await add(job, 1);
      for (let turn = 1; turn <= CLAIMS_PER_PAGE_MAX; turn++) {
        expect((await collect(job)).givenUp).toEqual([]);
        expect((await claim(job)).pages).toHaveLength(1);
        await sleep(130);
      }
      expect(await collect(job)).toMatchObject({
        givenUp: [{ number: 1, claims: CLAIMS_PER_PAGE_MAX }],
        waiting: 0,
        claimed: 0,
      });
      expect((await claim(job)).pages).toEqual([]);
      expect((await collect(job, [1])).givenUp).toEqual([]);
    });

    it('that waits is given up by a stop; one under way is answered still, and its worker hears of the stop', async () => {
      const job = await open();
      await add(job, 1);
      await add(job, 2);
      const { pages } = await claim(job, { limit: 1 });
      await contract.catalog.stopPageJob(job.id);
      expect(await findJobs(job.id)).toEqual([]);
      expect(await collect(job)).toMatchObject({ givenUp: [{ number: 2, claims: 0 }], waiting: 0, claimed: 1 });
      const held = pages.map(({ lease }) => ({ lease, bytesMoved: 0 }));
      expect(await claim(job, { held })).toMatchObject({ isStopped: true, pages: [] });
      expect(await contract.catalog.answerPage(pages[0]?.lease as PageLease, 'done')).toBe(true);
    });

    it('is claimed by one of many at once', async () => {
      const job = await open();
      for (let number = 1; number <= 20; number++) await add(job, number);
      const turns = await Promise.all(Array.from({ length: 10 }, () => claim(job, { limit: 4 })));
      const numbers = turns.flatMap(({ pages }) => pages.map(({ lease }) => lease.number));
      expect(new Set(numbers).size).toBe(numbers.length);
      const rest = (await claim(job, { limit: 20 })).pages.map(({ lease }) => lease.number);
      expect([...numbers, ...rest].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    });
  });

  describe("a page of a sync's", () => {
    it('is held no longer than the sync', async () => {
      const lease = await beginSync(await contract.openScope(), { leaseMs: 400 });
      const job = await open({ sync: lease });
      await add(job, 1);
      const { leaseMs, pages } = await claim(job);
      expect(leaseMs).toBeLessThanOrEqual(400);
      const held = pages.map((page) => ({ lease: page.lease, bytesMoved: 0 }));
      await contract.catalog.renewSync(lease, 10_000);
      expect((await claim(job, { held })).leaseMs).toBeGreaterThan(5_000);
      await contract.catalog.renewSync(lease, 1);
      await sleep(20);
      expect(await contract.catalog.claimPages({ ...claimOf(job), held })).toBeUndefined();
      expect(await contract.catalog.answerPage(pages[0]?.lease as PageLease, 'late')).toBe(false);
    });

    it('that is under way when its holder dies: who takes over is told for how long it may still be published', async () => {
      const scope = await contract.openScope();
      const both = { targets: [scope.near, scope.far] };
      const lease = await beginSync(scope, both);
      const job = await open({ sync: lease, leaseMs: 5_000 });
      await add(job, 1);
      const [page] = (await claim(job)).pages;
      const wanted = { holder: holderOf(2), deadHolders: [holderOf(1)] };
      const next = await contract.catalog.beginSync(contract.sync(scope, { ...wanted, targets: [scope.far] }));
      expect(next).toMatchObject({ kind: 'begun' });
      if (next.kind !== 'begun') return;
      expect(next.settlesMs).toBeGreaterThan(3_000);
      expect(next.settlesMs).toBeLessThanOrEqual(5_000);
      expect(await contract.catalog.answerPage(page?.lease as PageLease, 'late')).toBe(false);
      expect(await contract.catalog.claimPages(claimOf(job))).toBeUndefined();
      // Whoever takes over from that one, or takes the other target, waits for the same page.
      for (const target of [scope.near, scope.far]) {
        const third = contract.sync(scope, { targets: [target], holder: holderOf(3), deadHolders: [holderOf(2)] });
        const begun = await contract.catalog.beginSync(third);
        expect(begun).toMatchObject({ kind: 'begun', settlesMs: expect.any(Number) as number });
        if (begun.kind === 'begun') expect(begun.settlesMs).toBeGreaterThan(2_000);
      }
    });

    it('holds nobody up who comes when the sync has ended', async () => {
      const scope = await contract.openScope();
      const lease = await beginSync(scope);
      const job = await open({ sync: lease });
      await add(job, 1);
      await contract.catalog.endSync(lease, 'interrupted', progress);
      expect(await contract.catalog.beginSync(contract.sync(scope))).toMatchObject({ kind: 'begun', settlesMs: 0 });
    });
  });

  function jobOf(options: Partial<NewPageJob> = {}): NewPageJob {
    const store = (title: string) =>
      ({ title, place: `test:${title}/`, identity: undefined, symlinks: 'follow' }) as const;
    return {
      id: contract.operation(),
      scope: 'any',
      stores: [{ ...store('source'), identity: '42' }, store('near')],
      sync: undefined,
      holder: holderOf(1),
      leaseMs: 60_000,
      ...options,
    };
  }

  async function open(options: Partial<NewPageJob> = {}): Promise<NewPageJob> {
    const job = jobOf(options);
    expect(await contract.catalog.openPageJob(job)).toBe(true);
    return job;
  }

  async function findJobs(id: string) {
    return (await contract.catalog.listPageJobs()).filter((job) => job.id === id);
  }

  function pageOf(job: NewPageJob, number: number) {
    return { job: job.id, number, kind: 'copy', text: `page ${number}` } as const;
  }

  async function add(job: NewPageJob, number: number): Promise<void> {
    expect(await contract.catalog.addPage(pageOf(job, number))).toBe(true);
  }

  function claimOf(job: NewPageJob) {
    return { job: job.id, owner: 'worker', limit: 100, held: [] };
  }

  async function claim(
    job: NewPageJob,
    options: { limit?: number; held?: { lease: PageLease; bytesMoved: number }[] } = {},
  ): Promise<ClaimedPages> {
    const claimed = await contract.catalog.claimPages({ ...claimOf(job), ...options });
    if (claimed === undefined) throw new Error('the job does not stand, or a lease is lost');
    return claimed;
  }

  function collect(job: NewPageJob, taken: readonly number[] = []) {
    return contract.catalog.collectPages({ job: job.id, taken });
  }

  async function beginSync(scope: TestScope, options: Parameters<CatalogContract['sync']>[1] = {}): Promise<SyncLease> {
    const begun = await contract.catalog.beginSync(contract.sync(scope, options));
    if (begun.kind !== 'begun') throw new Error(`held by ${begun.syncId}`);
    return begun.lease;
  }
}
