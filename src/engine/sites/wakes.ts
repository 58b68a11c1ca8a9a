import type { Clock } from '../../ports/clock.ts';
import type { DueBell } from '../../ports/due-bell.ts';

/** The waits of one that answers at once: until something was committed, somebody rang, or the time is over. A ring before the wait counts. */
export class Wakes implements Disposable {
  readonly #restMs: number;
  readonly #clock: Pick<Clock, 'alarm'>;
  readonly #silence: () => void;
  #isRung = true;
  #wake: (() => void) | undefined;

  /** After a ring it is waited for `restMs` more, so that one look answers all that was committed by then. */
  constructor(bell: DueBell, clock: Pick<Clock, 'alarm'>, restMs = 0) {
    this.#clock = clock;
    this.#restMs = restMs;
    this.#silence = bell.onDue(() => this.ring());
  }

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** The first wait is none. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isRung && !signal.aborted) {
      await this.#sleep(ms, signal, (end) => (this.#wake = end));
      this.#wake = undefined;
      if (this.#isRung && this.#restMs > 0 && !signal.aborted) await this.#sleep(this.#restMs, signal);
    }
    this.#isRung = false;
  }

  async #sleep(ms: number, signal: AbortSignal, listen?: (end: () => void) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    listen?.(end);
    signal.addEventListener('abort', end, { once: true });
    const takeBack = this.#clock.alarm(ms, end);
    await promise;
    takeBack();
    signal.removeEventListener('abort', end);
  }

  [Symbol.dispose](): void {
    this.#silence();
  }
}
