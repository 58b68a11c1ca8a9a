import type { Clock } from '../ports/clock.ts';

/** What may be sent at once after a rest: a tenth of a second's worth. */
const BURST_MS = 100;

/** A limit of bytes per second, kept by making each taker wait until what it took is paid for. */
export class Bandwidth {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  #paidUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Returns when `bytes` may have passed. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs - BURST_MS) + (bytes / this.#bytesPerSecond) * 1000;
    const waitMs = this.#paidUntilMs - nowMs;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}
