import type { CopyOutcome, CopyPage, CopyPool } from '../ports/copy-pool.ts';
import { type CopyAnswer, type CopyCommand, decodeOutcomes, encodePage } from './copy-messages.ts';
import type { OpenLink, WorkerLink } from './worker-link.ts';

/** A page that ended so many workers is given up: it would end the next one too. */
const WORKERS_PER_PAGE_MAX = 3;

interface Job {
  readonly page: CopyPage;
  readonly resolve: (outcomes: readonly CopyOutcome[]) => void;
  workersLost: number;
}

interface Slot {
  link: WorkerLink | undefined;
  readonly jobs: Map<number, Job>;
}

export interface WorkerPoolOptions {
  readonly workers: number;
  /** Pages one worker carries out at once: more than one where it mostly waits for a store. */
  readonly pagesPerWorker: number;
  readonly pageItems: number;
  readonly open: OpenLink;
  readonly onWorkerLost: (why: string) => void;
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
  #publishUntilMs = 0;
  #stopped = false;
  #closing = false;

  constructor(options: WorkerPoolOptions) {
    this.#o = options;
    this.slots = options.workers * options.pagesPerWorker;
    this.pageItems = options.pageItems;
  }

  run(page: CopyPage): Promise<readonly CopyOutcome[]> {
    return new Promise((resolve) => {
      this.#waiting.push({ page, resolve, workersLost: 0 });
      this.#dispatch();
    });
  }

  extend(publishUntilMs: number): void {
    this.#publishUntilMs = publishUntilMs;
    this.#tellAll({ kind: 'extend', publishUntilMs });
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

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#freeSlot();
      if (slot === undefined) return;
      const job = this.#waiting.shift() as Job;
      const id = ++this.#nextPageId;
      slot.jobs.set(id, job);
      slot.link ??= this.#openLink(slot);
      const publishUntilMs = Math.max(job.page.publishUntilMs, this.#publishUntilMs);
      slot.link.send({ kind: 'page', id, page: encodePage({ ...job.page, publishUntilMs }) });
    }
  }

  /** The least busy worker; another one is started only when all have something to do. */
  #freeSlot(): Slot | undefined {
    const [least] = this.#workers.toSorted((a, b) => a.jobs.size - b.jobs.size);
    if (least?.jobs.size === 0) return least;
    if (this.#workers.length < this.#o.workers) {
      const slot: Slot = { link: undefined, jobs: new Map() };
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
    if (this.#stopped) link.send({ kind: 'stop' });
    return link;
  }

  #answered(slot: Slot, answer: CopyAnswer): void {
    if (answer.kind === 'ready') return;
    const job = slot.jobs.get(answer.id);
    if (!slot.jobs.delete(answer.id)) return;
    job?.resolve(answer.kind === 'done' ? decodeOutcomes(answer.outcomes) : failPage(job.page, answer.message));
    this.#dispatch();
  }

  #lost(slot: Slot, why: string): void {
    const jobs = [...slot.jobs.values()];
    slot.link = undefined;
    slot.jobs.clear();
    if (this.#closing) return;
    this.#o.onWorkerLost(why);
    for (const job of jobs) {
      if (++job.workersLost >= WORKERS_PER_PAGE_MAX)
        job.resolve(failPage(job.page, `${job.workersLost} workers were lost over it; the last: ${why}`));
      else this.#waiting.unshift(job);
    }
    this.#dispatch();
  }
}

function failPage({ items }: CopyPage, message: string): readonly CopyOutcome[] {
  return items.map(({ key, targets }) => ({
    key,
    source: undefined,
    targets: targets.map(({ target }) => ({ target, kind: 'failed', failure: { kind: 'unavailable', message } })),
    attempts: 1,
  }));
}
