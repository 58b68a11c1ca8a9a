import type { Clock } from '../ports/clock.ts';
import { StorageError } from '../ports/storage.ts';

/**
 * How long one store may keep a reader waiting: for its answer, and then for each chunk. Only waiting counts, not the time
 * the reader takes between chunks. `signal` tells the store that nobody waits any more; a store that does not listen is
 * left behind all the same.
 */
export class Deadline implements Disposable {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #where: { readonly store: string; readonly key: string };
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  #waitingSinceMs: number | undefined;
  #giveUp: ((reason: StorageError) => void) | undefined;
  #stopWatching: (() => void) | undefined;
  #hasEnded = false;

  constructor(clock: Clock, ms: number, where: { readonly store: string; readonly key: string }, outer?: AbortSignal) {
    this.#clock = clock;
    this.#ms = ms;
    this.#where = where;
    this.#outer = outer;
    outer?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The outcome of `work`, or a `timeout`, or `aborted` when the caller gave up. */
  within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#outer?.aborted === true) return reject(this.#aborted());
      this.#giveUp = reject;
      this.#waitingSinceMs = this.#clock.monotonicMs();
      const ended = (): void => {
        this.#waitingSinceMs = undefined;
      };
      work(this.signal).finally(ended).then(resolve, reject);
      if (this.#stopWatching === undefined) this.#watch(this.#ms);
    });
  }

  [Symbol.dispose](): void {
    this.#outer?.removeEventListener('abort', this.#onAbort);
    this.#hasEnded = true;
    this.#stopWatching?.();
  }

  readonly #onAbort = (): void => this.#stop(this.#aborted());

  #aborted(): StorageError {
    return new StorageError('aborted', this.#where, 'the caller gave up', this.#outer?.reason);
  }

  #stop(reason: StorageError): void {
    this.#giveUp?.(reason);
    this.#controller.abort(reason);
  }

  /** One alarm for many chunks: it rings when the wait that is on would be too long, and is set again for what is left. */
  #watch(leftMs: number): void {
    if (this.#hasEnded) return;
    this.#stopWatching = this.#clock.alarm(leftMs, () => {
      const stillLeftMs = this.#leftMs();
      if (stillLeftMs > 0) this.#watch(stillLeftMs);
      else this.#stop(new StorageError('timeout', this.#where, `no answer within ${this.#ms} ms`));
    });
  }

  #leftMs(): number {
    if (this.#waitingSinceMs === undefined) return this.#ms;
    return this.#ms - (this.#clock.monotonicMs() - this.#waitingSinceMs);
  }
}
