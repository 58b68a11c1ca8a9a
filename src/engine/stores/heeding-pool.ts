import type { Clock } from '../../ports/clock.ts';
import type {
  CopyOutcome,
  CopyPage,
  CopyPool,
  HeldBackPart,
  OnMoved,
  ReadOutcome,
  ReadPage,
} from '../../ports/copy-pool.ts';
import type { StoreAvailability } from './store-availability.ts';

export interface HeedingPoolOptions {
  readonly clock: Clock;
  readonly availability: Pick<StoreAvailability, 'hear' | 'closedParts'>;
  /** Places, indexed by `CopyTarget.target`. */
  readonly targets: readonly string[];
}

/** How often what is said of stores is heard while pages are under way. */
const HEAR_EVERY_MS = 2_000;

/** A pool that publishes nothing where writes were stopped: what is said of stores while pages are under way is told to it. */
export class HeedingPool implements CopyPool {
  readonly #pool: CopyPool;
  readonly #o: HeedingPoolOptions;
  #pagesUnderWay = 0;
  #told = '[]';
  #listening = new AbortController();

  constructor(pool: CopyPool, options: HeedingPoolOptions) {
    this.#pool = pool;
    this.#o = options;
  }

  get slots(): number {
    return this.#pool.slots;
  }

  get pageItems(): number {
    return this.#pool.pageItems;
  }

  async run(page: CopyPage, onMoved: OnMoved, signal?: AbortSignal): Promise<readonly CopyOutcome[]> {
    await this.#hear();
    if (this.#pagesUnderWay++ === 0) void this.#listen();
    try {
      return await this.#pool.run(page, onMoved, signal);
    } finally {
      if (--this.#pagesUnderWay === 0) this.#listening.abort();
    }
  }

  read(page: ReadPage, onMoved: OnMoved): Promise<readonly ReadOutcome[]> {
    return this.#pool.read(page, onMoved);
  }

  extend(publishUntilMs: number): void {
    this.#pool.extend(publishUntilMs);
  }

  holdBack(parts: readonly HeldBackPart[]): void {
    this.#pool.holdBack(parts);
  }

  stop(): void {
    this.#pool.stop();
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#pool[Symbol.asyncDispose]();
  }

  /** Until no page is under way. */
  async #listen(): Promise<void> {
    const { signal } = (this.#listening = new AbortController());
    while (!signal.aborted) {
      await this.#o.clock.sleep(HEAR_EVERY_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.#hear();
    }
  }

  async #hear(): Promise<void> {
    const { availability, targets } = this.#o;
    await availability.hear();
    const parts = targets.flatMap((place, target) =>
      availability.closedParts(place, 'write').map((part) => ({ target, ...part })),
    );
    const told = JSON.stringify(parts);
    if (told === this.#told) return;
    this.#told = told;
    this.#pool.holdBack(parts);
  }
}
