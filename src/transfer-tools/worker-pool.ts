import type {
  CopyOutcome,
  CopyPage,
  CopyPool,
  HeldBackPart,
  OnMoved,
  ReadOutcome,
  ReadPage,
} from '../ports/copy-pool.ts';
import {
  type CopyAnswer,
  type CopyCommand,
  decodeOutcomes,
  decodeReads,
  type EncodedOutcomes,
  type EncodedPage,
  encodePage,
} from './copy-messages.ts';
import { failCopies, failReads } from './fail-page.ts';
import type { OpenLink, WorkerLink } from './worker-link.ts';

/** A page that ended so many workers is given up: it would end the next one too. */
const WORKERS_PER_PAGE_MAX = 3;

/** Starts in a row that fail. */
const FAILED_STARTS_MAX = 3;

/** A page on its way through the pool, whichever kind it is. */
interface Job {
  readonly kind: 'copy' | 'read';
  /** As it is when it is sent: a lease moves while pages wait. */
  readonly encode: (publishUntilMs: number) => EncodedPage;
  readonly done: (outcomes: EncodedOutcomes) => void;
  readonly fail: (message: string) => void;
  readonly onMoved: OnMoved;
  readonly signal?: AbortSignal | undefined;
  workersLost: number;
}

interface Slot {
  link: WorkerLink | undefined;
  isReady: boolean;
  readonly jobs: Map<number, Job>;
}

export interface WorkerPoolOptions {
  readonly workers: number;
  /** Pages one worker carries out at once: more than one where it mostly waits for a store. */
  readonly pagesPerWorker: number;
  readonly pageItems: number;
  readonly open: OpenLink;
  readonly onWorkerLost: (why: string) => void;
  /** So many in a row ended before they could take a page that there is no hope for the next; told once. */
  readonly onCannotStart: (why: string) => void;
  /** A worker asked a store once more; `attempt` counts from 2. */
  readonly onRetry: (message: string, attempt: number) => void;
  /** What a worker that closes has asked of each store, source first, as it told it. */
  readonly onMetered?: ((counts: readonly unknown[]) => void) | undefined;
}

/**
 * A pool of workers, started with the first pages. One that ends is noticed at once, replaced, and its pages given to others.
 * What a dead worker had published and not told is found by the repeat, which publishes only onto what was there before.
 */
export class WorkerPool implements CopyPool {
  readonly slots: number;
  readonly pageItems: number;
  readonly #o: WorkerPoolOptions;
  readonly #workers: Slot[] = [];
  readonly #waiting: Job[] = [];
  #nextPageId = 0;
  #failedStarts = 0;
  #publishUntilMs = 0;
  #heldBack: readonly HeldBackPart[] = [];
  #stopped = false;
  #closing = false;

  constructor(options: WorkerPoolOptions) {
    this.#o = options;
    this.slots = options.workers * options.pagesPerWorker;
    this.pageItems = options.pageItems;
  }

  /** Starts a worker before there is anything to do, so that the first page need not wait for it. */
  warm(): void {
    if (this.#workers.length > 0) return;
    const slot: Slot = { link: undefined, isReady: false, jobs: new Map() };
    slot.link = this.#openLink(slot);
    this.#workers.push(slot);
  }

  run(page: CopyPage, onMoved: OnMoved, signal?: AbortSignal): Promise<readonly CopyOutcome[]> {
    return new Promise((resolve) => {
      this.#add({
        signal,
        kind: 'copy',
        encode: (leaseMs) => encodePage({ ...page, publishUntilMs: Math.max(page.publishUntilMs, leaseMs) }),
        done: (outcomes) => resolve(decodeOutcomes(outcomes)),
        fail: (message) => resolve(failCopies(page, { kind: 'unavailable', message })),
        onMoved,
        workersLost: 0,
      });
    });
  }

  read(page: ReadPage, onMoved: OnMoved): Promise<readonly ReadOutcome[]> {
    return new Promise((resolve) => {
      this.#add({
        kind: 'read',
        encode: () => encodePage(page),
        done: (outcomes) => resolve(decodeReads(outcomes)),
        fail: (message) => resolve(failReads(page, { kind: 'unavailable', message })),
        onMoved,
        workersLost: 0,
      });
    });
  }

  extend(publishUntilMs: number): void {
    this.#publishUntilMs = publishUntilMs;
    this.#tellAll({ kind: 'extend', publishUntilMs });
  }

  holdBack(parts: readonly HeldBackPart[]): void {
    this.#heldBack = parts;
    this.#tellAll({ kind: 'hold-back', parts });
  }

  stop(): void {
    this.#stopped = true;
    this.#tellAll({ kind: 'stop' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#workers.flatMap(({ link }) => link?.close() ?? []));
  }

  #tellAll(command: CopyCommand): void {
    for (const { link } of this.#workers) link?.send(command);
  }

  #add(job: Job): void {
    this.#waiting.push(job);
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#freeSlot();
      if (slot === undefined) return;
      const job = this.#waiting.shift() as Job;
      const id = ++this.#nextPageId;
      slot.jobs.set(id, job);
      slot.link ??= this.#openLink(slot);
      slot.link.send({ kind: job.kind, id, page: job.encode(this.#publishUntilMs) });
      this.#heed(slot, id, job);
    }
  }

  /** What is to be given up is begun all the same, so that its outcomes are of one kind. */
  #heed({ link, jobs }: Slot, id: number, { signal }: Job): void {
    const cancel = (): void => {
      if (jobs.has(id)) link?.send({ kind: 'cancel', id });
    };
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  }

  /** The least busy worker; another one is started only when all have something to do. */
  #freeSlot(): Slot | undefined {
    const [least] = this.#workers.toSorted((a, b) => a.jobs.size - b.jobs.size);
    if (least?.jobs.size === 0) return least;
    if (this.#workers.length < this.#o.workers) {
      const slot: Slot = { link: undefined, isReady: false, jobs: new Map() };
      this.#workers.push(slot);
      return slot;
    }
    return least !== undefined && least.jobs.size < this.#o.pagesPerWorker ? least : undefined;
  }

  #openLink(slot: Slot): WorkerLink {
    const link = this.#o.open({
      onAnswer: (answer) => this.#answered(slot, answer),
      onEnd: (why) => {
        if (slot.link === link) this.#lost(slot, why);
      },
    });
    if (this.#heldBack.length > 0) link.send({ kind: 'hold-back', parts: this.#heldBack });
    if (this.#stopped) link.send({ kind: 'stop' });
    return link;
  }

  #answered(slot: Slot, answer: CopyAnswer): void {
    if (answer.kind === 'ready') {
      slot.isReady = true;
      this.#failedStarts = 0;
      return;
    }
    if (answer.kind === 'retried') return this.#o.onRetry(answer.message, answer.attempt);
    if (answer.kind === 'metered') return this.#o.onMetered?.(answer.counts);
    const job = slot.jobs.get(answer.id);
    if (job === undefined) return;
    if (answer.kind === 'moved') return job.onMoved(answer.bytes);
    slot.jobs.delete(answer.id);
    if (answer.kind === 'done') job.done(answer.outcomes);
    else job.fail(answer.message);
    this.#dispatch();
  }

  #lost(slot: Slot, why: string): void {
    const jobs = [...slot.jobs.values()];
    slot.link = undefined;
    slot.jobs.clear();
    if (this.#closing) return;
    this.#o.onWorkerLost(why);
    if (!slot.isReady && ++this.#failedStarts === FAILED_STARTS_MAX) this.#o.onCannotStart(why);
    slot.isReady = false;
    for (const job of jobs) {
      if (++job.workersLost >= WORKERS_PER_PAGE_MAX)
        job.fail(`${job.workersLost} workers were lost over it; the last: ${why}`);
      else {
        job.onMoved(0);
        this.#waiting.unshift(job);
      }
    }
    this.#dispatch();
  }
}
