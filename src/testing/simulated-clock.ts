import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  wake(): void;
}

/**
 * A clock that stands still until it is told to go on. Sleepers wake in the order of their times, ties in the order they
 * lay down, and what each of them sets off runs before the next one wakes.
 */
export class SimulatedClock implements Clock {
  #ms: number;
  readonly #startMs: number;
  #order = 0;
  #sleepers: Sleeper[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#ms = startMs;
    this.#startMs = startMs;
  }

  /** How many wait for this clock. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  nowMs(): number {
    return this.#ms;
  }

  monotonicMs(): number {
    return this.#ms - this.#startMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        atMs: this.#ms + Math.max(0, ms),
        order: this.#order++,
        wake() {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  alarm(ms: number, ring: () => void): () => void {
    const sleeper: Sleeper = { atMs: this.#ms + Math.max(0, ms), order: this.#order++, wake: ring };
    this.#sleepers.push(sleeper);
    return () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    };
  }

  /** Lets `ms` go by. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#ms + ms;
    await settle();
    for (let next = this.#nextUntil(untilMs); next !== undefined; next = this.#nextUntil(untilMs)) {
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#ms = next.atMs;
      next.wake();
      await settle();
    }
    this.#ms = untilMs;
  }

  /** Lets time go by as far as it takes for `promise` to end, and gives its outcome. */
  async run<T>(promise: Promise<T>, limitMs = 24 * 3600_000): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    promise.then(end, end);
    const untilMs = this.#ms + limitMs;
    await settle();
    while (!ended) {
      const next = this.#nextUntil(untilMs);
      if (next === undefined)
        throw new Error(`nothing more happens by itself, ${this.#sleepers.length} sleepers beyond ${limitMs} ms`);
      await this.advance(next.atMs - this.#ms);
    }
    return promise;
  }

  #nextUntil(untilMs: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.atMs > untilMs) continue;
      if (
        first === undefined ||
        sleeper.atMs < first.atMs ||
        (sleeper.atMs === first.atMs && sleeper.order < first.order)
      )
        first = sleeper;
    }
    return first;
  }
}

/** All microtasks, and the immediates of streams, have run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}
