import type { Clock } from '../../ports/clock.ts';
import type { OnMoved } from '../../ports/copy-pool.ts';
import { StorageError } from '../../ports/storage.ts';

export interface PulseOptions {
  readonly clock: Clock;
  readonly onMoved: OnMoved;
  readonly signal: AbortSignal;
}

/** A few times a second: often enough for a person who looks on, too seldom to cost anything. */
const BEAT_MS = 300;

/**
 * What a page that is under way says and hears between the chunks of its large objects. Where file calls block, a page would
 * otherwise hear nothing of a stop before its end. Small objects do not touch it.
 */
export class Pulse {
  readonly #o: PulseOptions;
  #bytes = 0;
  #beatMs: number;

  constructor(options: PulseOptions) {
    this.#o = options;
    this.#beatMs = options.clock.monotonicMs();
  }

  /** After each chunk. Fails as `aborted` when the page was told to stop meanwhile. */
  async moved(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const { clock, onMoved, signal } = this.#o;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#beatMs < BEAT_MS) return;
    this.#beatMs = nowMs;
    onMoved(this.#bytes);
    await clock.sleep(0);
    if (signal.aborted) throw new StorageError('aborted', { store: 'copy worker' }, 'it was told to stop');
  }

  /** An attempt came to nothing and is made again. */
  takeBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}
