import type { CopyOutcome, CopyPage, CopyPool } from '../ports/copy-pool.ts';
import type { CopyGuards } from './serve-copies.ts';

/** Pages carried out in the caller's own thread: for stores that live in it, and for simulations. */
export class InProcessPool implements CopyPool {
  readonly slots: number;
  readonly pageItems = 64;
  readonly #carryOut: (page: CopyPage, guards: CopyGuards) => Promise<readonly CopyOutcome[]>;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #publishUntilMs = 0;
  #stopped = false;

  constructor(slots: number, carryOut: (page: CopyPage, guards: CopyGuards) => Promise<readonly CopyOutcome[]>) {
    this.slots = slots;
    this.#free = slots;
    this.#carryOut = carryOut;
  }

  async run(page: CopyPage): Promise<readonly CopyOutcome[]> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      this.#publishUntilMs = Math.max(this.#publishUntilMs, page.publishUntilMs);
      return await this.#carryOut(page, { publishUntilMs: () => this.#publishUntilMs, isStopped: () => this.#stopped });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  extend(publishUntilMs: number): void {
    this.#publishUntilMs = publishUntilMs;
  }

  stop(): void {
    this.#stopped = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
