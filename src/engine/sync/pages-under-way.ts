import type { CopyPool } from '../../ports/copy-pool.ts';

/** A page of many bytes goes to the pool before it is full: it is soon done, and little is lost when it is not. */
export const PAGE_BYTES = 64 * 1024 * 1024;
/** An object from this size on is a page of its own, so that slots share large objects evenly. */
export const ALONE_BYTES = 8 * 1024 * 1024;

/** The pages a pool was given and has not ended: one waits for each that is under way, so that no slot is ever idle. */
export class PagesUnderWay {
  readonly #slots: number;
  readonly #pages = new Set<Promise<void>>();
  #failure: unknown;

  constructor({ slots }: Pick<CopyPool, 'slots'>) {
    this.#slots = slots;
  }

  /** Begins a page; what it fails with is told by `room` and `drain`. */
  begin(carryOut: () => Promise<void>): void {
    const page = this.#run(carryOut).finally(() => this.#pages.delete(page));
    this.#pages.add(page);
  }

  /** Waits until the pool can take more. */
  async room(): Promise<void> {
    while (this.#pages.size > this.#slots * 2) await Promise.race(this.#pages);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits for all. */
  async drain(): Promise<void> {
    while (this.#pages.size > 0) await Promise.race(this.#pages);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(carryOut: () => Promise<void>): Promise<void> {
    try {
      await carryOut();
    } catch (error) {
      this.#failure ??= error;
    }
  }
}
