import type { Clock } from '../ports/clock.ts';
import { StorageError } from '../ports/storage.ts';

/**
 * How long a store may keep its caller waiting. Only waiting counts: it is paused while the store waits for the caller's
 * own bytes, and ends between the chunks of a body. One sleeper serves many waits.
 */
export class WaitingLimit {
  /** Aborts when the limit is reached, or the caller gives up. */
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #where: { readonly store: string; readonly key?: string };
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  /** No single sleep is longer: a limit that becomes shorter is noticed in time. */
  readonly #napMs: number;
  #limitMs: number;
  #sinceMs: number | undefined;
  #giveUp: ((reason: unknown) => void) | undefined;
  #stopWatching: (() => void) | undefined;
  #hasEnded = false;

  constructor(
    clock: Clock,
    limitMs: number,
    where: { readonly store: string; readonly key?: string },
    outer: AbortSignal | undefined,
  ) {
    this.#clock = clock;
    this.#napMs = limitMs;
    this.#limitMs = limitMs;
    this.#where = where;
    this.#outer = outer;
    this.signal = this.#controller.signal;
    if (outer?.aborted === true) this.#onOuterAbort();
    else outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  /** The outcome of `work`, or `timeout`. What `work` does when nobody waits for it any more is its own affair. */
  wait<T>(work: () => Promise<T>, limitMs = this.#limitMs): Promise<T> {
    this.#limitMs = limitMs;
    return new Promise<T>((resolve, reject) => {
      this.#giveUp = reject;
      this.#sinceMs = this.#clock.monotonicMs();
      work()
        .finally(() => this.pause())
        .then(resolve, reject);
      if (this.#stopWatching === undefined) this.#watch(limitMs);
    });
  }

  /** The store waits for the caller now. */
  pause(): void {
    this.#sinceMs = undefined;
  }

  /** The caller waits for the store again, for up to `limitMs`. */
  resume(limitMs = this.#limitMs): void {
    this.#limitMs = limitMs;
    this.#sinceMs = this.#clock.monotonicMs();
  }

  end(): void {
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
    this.#hasEnded = true;
    this.#stopWatching?.();
  }

  readonly #onOuterAbort = (): void => {
    this.#giveUp?.(new StorageError('aborted', this.#where, 'it was aborted', this.#outer?.reason));
    this.#controller.abort(this.#outer?.reason);
  };

  #watch(leftMs: number): void {
    if (this.#hasEnded) return;
    this.#stopWatching = this.#clock.alarm(Math.min(leftMs, this.#napMs), () => {
      const stillLeftMs = this.#leftMs();
      if (stillLeftMs > 0) this.#watch(stillLeftMs);
      else this.#expire();
    });
  }

  #expire(): void {
    const timeout = new StorageError('timeout', this.#where, `no answer within ${this.#limitMs} ms`);
    this.#giveUp?.(timeout);
    this.#controller.abort(timeout);
  }

  #leftMs(): number {
    if (this.#sinceMs === undefined) return this.#limitMs;
    return this.#limitMs - (this.#clock.monotonicMs() - this.#sinceMs);
  }
}
