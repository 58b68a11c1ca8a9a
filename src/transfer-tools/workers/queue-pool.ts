import { CatalogError } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  CopyFailure,
  CopyOutcome,
  CopyPage,
  CopyPool,
  OnMoved,
  ReadOutcome,
  ReadPage,
} from '../../ports/copy-pool.ts';
import type { CollectedPages, NewPage, NewPageJob, PageQueue } from '../../ports/page-queue.ts';
import { decodeOutcomes, decodeReads, type EncodedOutcomes, encodePage } from '../copy-messages.ts';
import { failCopies, failReads } from '../fail-page.ts';

/**
 * Pages workers may have in hand. Twice as many wait beside them, so that none is ever idle; more would only be kept in memory and
 * in the catalog, at a hundred kilobytes or two each.
 */
const PAGES_AT_ONCE = 24;
/** How often answers are asked for: a page takes from tenths of a second on. */
const COLLECT_MS = 200;
/** Nobody takes a page for so long: somebody should know, and the pages are carried out here. */
const NO_WORKER_MS = 30_000;
/** A catalog that answers nothing for so long is given up, with the pages. */
const SILENCE_MS_MAX = 60_000;

export interface QueuePoolOptions {
  readonly queue: Pick<PageQueue, 'openPageJob' | 'addPage' | 'collectPages' | 'stopPageJob' | 'closePageJob'>;
  readonly clock: Clock;
  readonly job: NewPageJob;
  readonly pageItems: number;
  /** Another time than `NO_WORKER_MS`. */
  readonly noWorkerMs?: number | undefined;
  /** Nobody has taken a page for that long; told once. */
  readonly onNoWorker: (waitedMs: number) => void;
  /** Carries out pages of the job in this process, beside workers that may come, until the signal is aborted. */
  readonly carryOutHere: (signal: AbortSignal) => Promise<void>;
}

/** A page that waits for its outcomes. */
interface Pending {
  readonly done: (outcomes: EncodedOutcomes) => void;
  readonly fail: (failure: CopyFailure) => void;
  readonly crash: (error: unknown) => void;
  readonly onMoved: OnMoved;
}

const STOPPED: CopyFailure = { kind: 'aborted', message: 'the sync was stopped' };
const LOST: CopyFailure = { kind: 'fenced', message: 'the lease was over before the page was carried out' };

/**
 * Pages carried out by whoever takes them from the catalog's queue: the `pando worker`s of all machines, and this process where there
 * are none. Fencing is theirs: each knows from its claim until when it may publish, and the claim stands on the lease of the sync.
 */
export class QueuePool implements CopyPool {
  readonly slots = PAGES_AT_ONCE;
  readonly pageItems: number;
  readonly #o: QueuePoolOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #closing = new AbortController();
  #lastNumber = 0;
  /** Their outcomes have arrived, and the catalog may forget them. */
  #taken: number[] = [];
  #collecting: Promise<void> | undefined;
  #isCollecting = false;
  #stop: 'none' | 'asked' | 'told' = 'none';
  /** Since when pages wait and nobody has one in hand. */
  #idleSinceMs: number | undefined;
  #here: Promise<void> | undefined;

  private constructor(options: QueuePoolOptions) {
    this.#o = options;
    this.pageItems = options.pageItems;
  }

  /** Of a sync whose lease is lost by now every page is answered as fenced. */
  static async open(options: QueuePoolOptions): Promise<QueuePool> {
    await options.queue.openPageJob(options.job);
    return new QueuePool(options);
  }

  run(page: CopyPage, onMoved: OnMoved): Promise<readonly CopyOutcome[]> {
    // Another machine's clock says nothing here.
    const text = encodePage({ ...page, publishUntilMs: 0 });
    return new Promise((resolve, crash) => {
      this.#add('copy', text, {
        done: (outcomes) => resolve(decodeOutcomes(outcomes)),
        fail: (failure) => resolve(failCopies(page, failure)),
        crash,
        onMoved,
      });
    });
  }

  read(page: ReadPage, onMoved: OnMoved): Promise<readonly ReadOutcome[]> {
    return new Promise((resolve, crash) => {
      this.#add('read', encodePage(page), {
        done: (outcomes) => resolve(decodeReads(outcomes)),
        fail: (failure) => resolve(failReads(page, failure)),
        crash,
        onMoved,
      });
    });
  }

  /** Workers learn from the catalog how long the lease is held. */
  extend(): void {}

  /** And from there what is said of stores: each goes by what it hears itself. */
  holdBack(): void {}

  stop(): void {
    if (this.#stop === 'none') this.#stop = 'asked';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#collecting;
    await this.#here;
    this.#failAll(STOPPED);
    // What cannot be removed now goes with its sync, or when it is old.
    await this.#o.queue.closePageJob(this.#o.job.id).catch(() => undefined);
  }

  #add(kind: NewPage['kind'], text: string, pending: Pending): void {
    if (this.#stop !== 'none' || this.#closing.signal.aborted) return pending.fail(STOPPED);
    const number = ++this.#lastNumber;
    this.#pending.set(number, pending);
    void this.#queue({ job: this.#o.job.id, number, kind, text });
    if (!this.#isCollecting) this.#collecting = this.#collectAll();
  }

  async #queue(page: NewPage): Promise<void> {
    try {
      if (!(await this.#o.queue.addPage(page))) this.#settle(page.number, ({ fail }) => fail(LOST));
    } catch (error) {
      this.#settle(page.number, ({ crash }) => crash(error));
    }
  }

  async #collectAll(): Promise<void> {
    const { clock, queue, job } = this.#o;
    let heardMs = clock.monotonicMs();
    this.#isCollecting = true;
    while ((this.#pending.size > 0 || this.#taken.length > 0) && !this.#closing.signal.aborted) {
      const taken = this.#taken;
      try {
        if (this.#stop === 'asked') {
          await queue.stopPageJob(job.id);
          this.#stop = 'told';
        }
        const collected = await queue.collectPages({ job: job.id, taken });
        heardMs = clock.monotonicMs();
        this.#taken = this.#taken.slice(taken.length);
        this.#take(collected);
      } catch (error) {
        if (!(error instanceof CatalogError) || clock.monotonicMs() - heardMs > SILENCE_MS_MAX) this.#crashAll(error);
      }
      if (this.#pending.size > 0) await clock.sleep(COLLECT_MS, this.#closing.signal).catch(() => undefined);
    }
    // In one step with the look at what is pending: a page that is added next begins it anew.
    this.#isCollecting = false;
  }

  #take(collected: CollectedPages): void {
    for (const { number, outcomes } of collected.answered) this.#takeOne(number, ({ done }) => done(outcomes));
    for (const { number, claims } of collected.givenUp) {
      const message = `${claims} workers were lost over it`;
      const failure: CopyFailure = this.#stop === 'none' ? { kind: 'unavailable', message } : STOPPED;
      this.#takeOne(number, ({ fail }) => fail(failure));
    }
    for (const { number, bytes } of collected.moved) this.#pending.get(number)?.onMoved(bytes);
    // A lease that ran out may be renewed yet; whoever renews it stops this pool where it is lost.
    if (!collected.stands) {
      if (this.#stop !== 'none') this.#failAll(LOST);
      return;
    }
    const isIdle = collected.waiting > 0 && collected.claimed === 0 && collected.answered.length === 0;
    this.#watchIdle(isIdle);
  }

  #watchIdle(isIdle: boolean): void {
    const { clock, noWorkerMs = NO_WORKER_MS, onNoWorker, carryOutHere } = this.#o;
    this.#idleSinceMs = isIdle ? (this.#idleSinceMs ?? clock.monotonicMs()) : undefined;
    if (this.#here !== undefined || this.#idleSinceMs === undefined) return;
    if (clock.monotonicMs() - this.#idleSinceMs < noWorkerMs) return;
    onNoWorker(noWorkerMs);
    this.#here = carryOutHere(this.#closing.signal).catch((error: unknown) => this.#crashAll(error));
  }

  #takeOne(number: number, settle: (pending: Pending) => void): void {
    this.#taken.push(number);
    this.#settle(number, settle);
  }

  #settle(number: number, settle: (pending: Pending) => void): void {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    if (pending !== undefined) settle(pending);
  }

  #failAll(failure: CopyFailure): void {
    for (const number of this.#pending.keys()) this.#settle(number, ({ fail }) => fail(failure));
  }

  #crashAll(error: unknown): void {
    this.#taken = [];
    for (const number of this.#pending.keys()) this.#settle(number, ({ crash }) => crash(error));
  }
}
