import { CatalogError } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CopyItem, CopyOutcome, CopyPool } from '../../ports/copy-pool.ts';
import type { ClaimedPages, PageJob, PageLease, PageQueue } from '../../ports/page-queue.ts';
import type { Telling } from '../../ports/telling.ts';
import { decodeCopyPage, decodeReadPage, encodeOutcomes, encodeReads } from '../copy-messages.ts';

export interface CarryOutJobPorts {
  readonly queue: Pick<PageQueue, 'claimPages' | 'answerPage' | 'giveBackPages'>;
  readonly clock: Clock;
  readonly telling: Telling;
}

/** A job with its stores open here. */
export interface OpenedJob {
  readonly pool: CopyPool;
  /** What of a page was published too late, and nobody counts, goes again. */
  readonly takeBackLate: (items: readonly CopyItem[], outcomes: readonly CopyOutcome[]) => Promise<void>;
}

export interface CarryOutJob extends OpenedJob {
  readonly job: PageJob;
  /** Printable: who claims. */
  readonly owner: string;
  /** Aborted: what is staged is finished, the rest is given back. */
  readonly signal: AbortSignal;
}

/** At least so often a worker tells that it lives, and hears of a stop. */
const BEAT_MS_MAX = 1_000;
/** And so often within a lease. */
const BEATS_PER_LEASE = 6;
/** A worker with hands free asks for pages so often. */
const IDLE_MS = 300;
/** Short of the lease's end, so that what is begun in time is over in time. */
const PUBLISHABLE = 0.8;

/**
 * Carries out pages of one job until there are none to come (it does not stand any more, or was stopped), the signal, or the loss of a
 * lease. Returns how many were answered.
 *
 *     claim and renew all in one call ── pool ── answer ── claim …
 *
 * All leases of the job that are held here end at one moment, which is reckoned from before the call that renewed them, on this
 * process's own clock. So a process that slept publishes nothing, whatever it was in the middle of. Whoever loses one of the leases has lost
 * all: the pool is stopped for good, and what it had published too late is taken back.
 */
export async function carryOutJob(ports: CarryOutJobPorts, args: CarryOutJob): Promise<number> {
  const run = new JobRun(ports, args);
  return await run.carryOut();
}

class JobRun {
  readonly #ports: CarryOutJobPorts;
  readonly #a: CarryOutJob;
  readonly #held = new Map<number, { readonly lease: PageLease; bytesMoved: number }>();
  readonly #running = new Set<Promise<void>>();
  /** Not answered, and nothing of them is under way any more. */
  readonly #givenUp: PageLease[] = [];
  #publishUntilMs = 0;
  #isLost = false;
  #isStopped = false;
  #answered = 0;

  constructor(ports: CarryOutJobPorts, args: CarryOutJob) {
    this.#ports = ports;
    this.#a = args;
  }

  async carryOut(): Promise<number> {
    const { pool, signal } = this.#a;
    const stopPool = (): void => pool.stop();
    signal.addEventListener('abort', stopPool, { once: true });
    if (signal.aborted) stopPool();
    try {
      while (await this.#turn());
    } finally {
      signal.removeEventListener('abort', stopPool);
      pool.stop();
      await Promise.all(this.#running);
    }
    // Those that are lost are not ours to give back, and are left as they are.
    if (this.#givenUp.length > 0) await this.#ports.queue.giveBackPages(this.#givenUp).catch(ignoreCatalog);
    return this.#answered;
  }

  /** False: there is nothing to come. */
  async #turn(): Promise<boolean> {
    const { pool, signal, job } = this.#a;
    const wanted = signal.aborted ? 0 : Math.max(0, pool.slots - this.#running.size);
    const isKnown = await this.#claim(wanted);
    if (this.#isLost) return false;
    if ((this.#isStopped || signal.aborted) && this.#running.size === 0) return false;
    const beatMs = Math.min(BEAT_MS_MAX, job.leaseMs / BEATS_PER_LEASE);
    const hasHandsFree = isKnown && this.#running.size < pool.slots;
    await this.#pause(hasHandsFree ? Math.min(beatMs, IDLE_MS) : beatMs);
    return !this.#isLost;
  }

  /** False: the catalog did not answer. */
  async #claim(limit: number): Promise<boolean> {
    const { queue, clock } = this.#ports;
    const { job, owner, pool } = this.#a;
    const askedMs = clock.monotonicMs();
    let claimed: ClaimedPages | undefined;
    try {
      claimed = await queue.claimPages({ job: job.id, owner, limit, held: [...this.#held.values()] });
    } catch (error) {
      ignoreCatalog(error);
      if (this.#running.size === 0 || clock.monotonicMs() >= this.#publishUntilMs) this.#lose('the catalog is silent');
      return false;
    }
    if (claimed === undefined) {
      this.#lose('a lease is lost, or the sync has ended');
      return true;
    }
    this.#publishUntilMs = askedMs + claimed.leaseMs * PUBLISHABLE;
    pool.extend(this.#publishUntilMs);
    this.#isStopped = claimed.isStopped;
    if (claimed.isStopped) pool.stop();
    for (const page of claimed.pages) {
      this.#held.set(page.lease.number, { lease: page.lease, bytesMoved: 0 });
      const running = this.#carryOut(page).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
    return true;
  }

  #lose(why: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (this.#running.size > 0)
      this.#ports.telling.info?.('pages are given up', { job: this.#a.job.id, pages: this.#running.size, why });
    this.#a.pool.stop();
  }

  async #carryOut({ lease, kind, text }: ClaimedPages['pages'][number]): Promise<void> {
    const { pool, takeBackLate } = this.#a;
    const onMoved = (bytes: number): void => {
      const held = this.#held.get(lease.number);
      if (held !== undefined) held.bytesMoved = bytes;
    };
    if (kind === 'read') {
      const outcomes = await pool.read(decodeReadPage(text), onMoved);
      const isWhole = !outcomes.some((one) => one.kind === 'failed' && one.failure.kind === 'aborted');
      await this.#answer(lease, isWhole, encodeReads(outcomes));
      return;
    }
    const page = { ...decodeCopyPage(text), publishUntilMs: this.#publishUntilMs };
    const outcomes = await pool.run(page, onMoved);
    const isWhole = !outcomes.some(({ targets }) =>
      targets.some((one) => one.kind === 'failed' && one.failure.kind === 'aborted'),
    );
    const answered = await this.#answer(lease, isWhole, encodeOutcomes(outcomes));
    if (answered === 'refused') await takeBackLate(page.items, outcomes).catch(ignoreCatalog);
  }

  /** A page that a stop of this worker left unfinished is given back; one that a stop of the sync left so is what it asked for. */
  async #answer(
    lease: PageLease,
    isWhole: boolean,
    outcomes: string,
  ): Promise<'taken' | 'refused' | 'given-up' | 'unknown'> {
    // From here on it is not renewed: a lease that ends with the answer must not look lost.
    this.#held.delete(lease.number);
    if (!isWhole && !this.#isStopped) {
      this.#givenUp.push(lease);
      return this.#isLost ? 'refused' : 'given-up';
    }
    const isTaken = await this.#tell(lease, outcomes);
    if (isTaken === true) {
      this.#answered++;
      return 'taken';
    }
    this.#lose('an answer was refused');
    return isTaken === false ? 'refused' : 'unknown';
  }

  /** Undefined: the catalog was silent, and may have it or not. */
  async #tell(lease: PageLease, outcomes: string): Promise<boolean | undefined> {
    const { queue, clock } = this.#ports;
    const untilMs = this.#publishUntilMs;
    for (let isFirst = true; ; isFirst = false) {
      try {
        const isTaken = await queue.answerPage(lease, outcomes);
        return isTaken || isFirst ? isTaken : undefined;
      } catch (error) {
        ignoreCatalog(error);
        if (clock.monotonicMs() >= untilMs) return undefined;
        await clock.sleep(IDLE_MS);
      }
    }
  }

  /** Until a page has ended, at the longest so long. */
  async #pause(ms: number): Promise<void> {
    const enough = new AbortController();
    const slept = this.#ports.clock.sleep(ms, enough.signal).catch(() => undefined);
    await Promise.race([slept, ...this.#running]);
    enough.abort();
  }
}

function ignoreCatalog(error: unknown): void {
  if (!(error instanceof CatalogError)) throw error;
}
