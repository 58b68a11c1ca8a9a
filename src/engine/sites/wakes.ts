import type { Clock } from '../../ports/clock.ts';
import type { DueBell } from '../../ports/due-bell.ts';

/** The waits of one that answers at once: until something was committed, somebody rang, or the time is over. A ring before the wait counts. */
export class Wakes implements Disposable {
  readonly #clock: Pick<Clock, 'alarm'>;
  readonly #silence: () => void;
  #isRung = true;
  #wake: (() => void) | undefined;

  constructor(bell: DueBell, clock: Pick<Clock, 'alarm'>) {
    this.#clock = clock;
    this.#silence = bell.onDue(() => this.ring());
  }

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** The first wait is none. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isRung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const end = (): void => resolve();
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
      const takeBack = this.#clock.alarm(ms, end);
      await promise;
      takeBack();
      signal.removeEventListener('abort', end);
      this.#wake = undefined;
    }
    this.#isRung = false;
  }

  [Symbol.dispose](): void {
    this.#silence();
  }
}
