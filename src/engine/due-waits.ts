import type { Clock } from '../ports/clock.ts';
import type { DueBell } from '../ports/due-bell.ts';

/** After a wake the next one is heard so much later, unless the look found something: others may commit all the time. */
const DEAF_MS = 200;

/**
 * The waits of a loop that looks for what is due: until there may be something, or it is time to look anyway. What is told between a
 * look and the wait after it is not lost.
 */
export class DueWaits implements Disposable {
  readonly #bell: DueBell;
  readonly #clock: Pick<Clock, 'alarm' | 'monotonicMs'>;
  #silence: (() => void) | undefined;
  #isRung = false;
  #wake: (() => void) | undefined;
  #hearsFromMs = Number.NEGATIVE_INFINITY;

  constructor(bell: DueBell, clock: Pick<Clock, 'alarm' | 'monotonicMs'>) {
    this.#bell = bell;
    this.#clock = clock;
  }

  /** The look found something: the next wake is heard at once. */
  found(): void {
    this.#hearsFromMs = Number.NEGATIVE_INFINITY;
  }

  /** Resolves after `lookMs` at the latest, and when `stop` is aborted. The first wait is none: nobody has listened before it. */
  async wait(lookMs: number, stop: AbortSignal | undefined): Promise<void> {
    if (this.#silence === undefined) {
      this.#silence = this.#bell.onDue(() => this.#ring());
      return;
    }
    await this.#waitFor(lookMs, stop);
    if (this.#isRung) this.#hearsFromMs = this.#clock.monotonicMs() + DEAF_MS;
    this.#isRung = false;
  }

  [Symbol.dispose](): void {
    this.#silence?.();
  }

  async #waitFor(lookMs: number, stop: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    const listen = (): void => {
      if (this.#isRung) end();
      else this.#wake = end;
    };
    const takeBack = [this.#clock.alarm(lookMs, end)];
    stop?.addEventListener('abort', end, { once: true });
    const deafMs = this.#hearsFromMs - this.#clock.monotonicMs();
    if (stop?.aborted === true) end();
    else if (deafMs <= 0) listen();
    else takeBack.push(this.#clock.alarm(deafMs, listen));
    await promise;
    for (const quiet of takeBack) quiet();
    stop?.removeEventListener('abort', end);
    this.#wake = undefined;
  }

  #ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }
}
