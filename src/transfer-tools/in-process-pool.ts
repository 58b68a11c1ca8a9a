import type {
  CopyOutcome,
  CopyPage,
  CopyPool,
  HeldBackPart,
  OnMoved,
  ReadOutcome,
  ReadPage,
} from '../ports/copy-pool.ts';
import type { PageWork } from './serve-copies.ts';

/** Pages carried out in the caller's own thread: for stores that live in it, and for simulations. */
export class InProcessPool implements CopyPool {
  readonly slots: number;
  readonly pageItems = 64;
  readonly #work: PageWork;
  readonly #stop = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #publishUntilMs = 0;
  #heldBack: readonly HeldBackPart[] = [];

  constructor(slots: number, work: PageWork) {
    this.slots = slots;
    this.#free = slots;
    this.#work = work;
  }

  run(page: CopyPage, onMoved: OnMoved, signal?: AbortSignal): Promise<readonly CopyOutcome[]> {
    return this.#inSlot(() => {
      this.#publishUntilMs = Math.max(this.#publishUntilMs, page.publishUntilMs);
      return this.#work.copy(page, {
        publishUntilMs: () => this.#publishUntilMs,
        heldBack: () => this.#heldBack,
        ...this.#guards(onMoved, signal),
      });
    });
  }

  read(page: ReadPage, onMoved: OnMoved): Promise<readonly ReadOutcome[]> {
    return this.#inSlot(() => this.#work.read(page, this.#guards(onMoved)));
  }

  extend(publishUntilMs: number): void {
    this.#publishUntilMs = publishUntilMs;
  }

  holdBack(parts: readonly HeldBackPart[]): void {
    this.#heldBack = parts;
  }

  stop(): void {
    this.#stop.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #guards(onMoved: OnMoved, given?: AbortSignal) {
    const stop = this.#stop.signal;
    return { signal: given === undefined ? stop : AbortSignal.any([stop, given]), onMoved };
  }

  async #inSlot<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
