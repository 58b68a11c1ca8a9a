import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import type { CopyItem, CopyOutcome, CopyPage, CopyPool, ReadOutcome } from '../../src/ports/copy-pool.ts';
import type { NewPageJob } from '../../src/ports/page-queue.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { carryOutJob } from '../../src/transfer-tools/workers/carry-out-job.ts';
import { QueuePool } from '../../src/transfer-tools/workers/queue-pool.ts';

const ID = '01920000-0000-7000-8000-000000000001';
const item = (key: string): CopyItem => ({ key, size: 1, targets: [], operation: key, known: undefined });
const outcomeOf = ({ key }: CopyItem, kind: 'same' | 'aborted' = 'same'): CopyOutcome => ({
  key,
  source: undefined,
  targets: [
    kind === 'same'
      ? { target: 0, kind: 'same', token: 't', verification: 'none' }
      : { target: 0, kind: 'failed', failure: { kind: 'aborted', message: '' } },
  ],
  attempts: 1,
});

/** A pool whose pages end when the test says so, or when it is stopped: then as aborted. */
class HandPool implements CopyPool {
  readonly slots = 2;
  readonly pageItems = 2;
  readonly extended: number[] = [];
  readonly waiting: { page: CopyPage; end: (kind?: 'aborted') => void }[] = [];
  isStopped = false;

  run(page: CopyPage): Promise<readonly CopyOutcome[]> {
    return new Promise((resolve) => {
      const end = (kind?: 'aborted'): void => resolve(page.items.map((one) => outcomeOf(one, kind)));
      this.waiting.push({ page, end });
    });
  }

  async read(): Promise<readonly ReadOutcome[]> {
    return [{ kind: 'failed', failure: { kind: 'not-found', message: 'nothing' } }];
  }

  extend(untilMs: number): void {
    this.extended.push(untilMs);
  }

  holdBack(): void {}

  stop(): void {
    this.isStopped = true;
    for (const { end } of this.waiting) end('aborted');
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

describe('pages through the catalog', () => {
  let catalog: Catalog;
  beforeEach(async () => {
    catalog = await openSqliteCatalog({ path: ':memory:', thread: false });
  });
  afterEach(() => catalog[Symbol.asyncDispose]());

  const job: NewPageJob = {
    id: ID,
    scope: 'data',
    stores: [],
    sync: undefined,
    holder: { host: 'h', pid: 1, startedMs: 1 },
    leaseMs: 5_000,
  };

  function openPool(options: Partial<NewPageJob> = {}): Promise<QueuePool> {
    return QueuePool.open({
      queue: catalog,
      clock: systemClock,
      job: { ...job, ...options },
      pageItems: 2,
      onNoWorker: () => undefined,
      carryOutHere: () => Promise.resolve(),
    });
  }

  function work(pool: CopyPool, signal: AbortSignal, takenBack: string[] = []): Promise<number> {
    const takeBackLate = async (items: readonly CopyItem[]): Promise<void> =>
      void takenBack.push(...items.map(({ key }) => key));
    const ports = { queue: catalog, clock: systemClock, telling: {} };
    return carryOutJob(ports, { pool, takeBackLate, job, owner: 'worker', signal });
  }

  const copy = (pool: QueuePool, key: string) =>
    pool.run({ items: [item(key)], publishUntilMs: 0, readBack: false }, () => undefined);
  const never = new AbortController().signal;

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await systemClock.sleep(5);
  }

  test('are answered, copies and reads, until the pool closes', async () => {
    const hand = new HandPool();
    let working: Promise<number>;
    {
      await using pool = await openPool();
      const read = pool.read({ items: [{ store: 0, key: 'r', token: undefined }] }, () => undefined);
      const copied = copy(pool, 'a');
      working = work(hand, never);
      expect(await read).toEqual([{ kind: 'failed', failure: { kind: 'not-found', message: 'nothing' } }]);
      await until(() => hand.waiting.length === 1);
      // The worker's own clock, and not the other machine's.
      const { page } = hand.waiting[0] as (typeof hand.waiting)[0];
      expect(page.publishUntilMs - systemClock.monotonicMs()).toBeGreaterThan(2_000);
      expect(page.publishUntilMs - systemClock.monotonicMs()).toBeLessThanOrEqual(4_000);
      hand.waiting[0]?.end();
      expect(await copied).toEqual([outcomeOf(item('a'))]);
    }
    expect(await working).toBe(2);
  });

  test('that a worker lost while it slept are never extended again, and what it did too late is taken back', async () => {
    await using pool = await openPool({ leaseMs: 400 });
    const hand = new HandPool();
    const takenBack: string[] = [];
    const copied = copy(pool, 'a');
    const sleeper = work(hand, never, takenBack);
    await until(() => hand.waiting.length === 1);
    // Blocks the thread, as a stop of the process does.
    const wakeMs = Date.now() + 700;
    while (Date.now() < wakeMs);
    const extended = hand.extended.length;
    expect(await sleeper).toBe(0);
    expect(hand.isStopped).toBe(true);
    expect(hand.extended.slice(extended)).toEqual([]);
    expect(takenBack).toEqual(['a']);
    const other = new HandPool();
    const working = work(other, never);
    await until(() => other.waiting.length === 1);
    other.waiting[0]?.end();
    expect(await copied).toEqual([outcomeOf(item('a'))]);
    await catalog.closePageJob(ID);
    expect(await working).toBe(1);
  });

  test('that a worker leaves unfinished are given back, never answered', async () => {
    await using pool = await openPool();
    const hand = new HandPool();
    const leave = new AbortController();
    const copied = copy(pool, 'a');
    const leaving = work(hand, leave.signal);
    await until(() => hand.waiting.length === 1);
    leave.abort();
    expect(await leaving).toBe(0);
    const next = new HandPool();
    void work(next, never);
    await until(() => next.waiting.length === 1);
    next.waiting[0]?.end();
    expect(await copied).toEqual([outcomeOf(item('a'))]);
  });

  test('that wait are withdrawn by a stop, and those under way are answered as they ended', async () => {
    await using pool = await openPool();
    const hand = new HandPool();
    const copies = ['a', 'b', 'c', 'd'].map((key) => copy(pool, key));
    const working = work(hand, never);
    await until(() => hand.waiting.length === 2);
    pool.stop();
    const aborted = { kind: 'failed', failure: { kind: 'aborted' } };
    for (const outcomes of await Promise.all(copies))
      expect(outcomes.flatMap(({ targets }) => targets).filter(({ kind }) => kind !== 'failed')).toEqual([]);
    expect(await copy(pool, 'e')).toMatchObject([{ key: 'e', targets: [] }]);
    expect((await copies[0])?.[0]?.targets).toMatchObject([aborted]);
    expect(await working).toBe(2);
  });
});
