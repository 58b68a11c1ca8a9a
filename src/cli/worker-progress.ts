import type { CarriedOut } from '../engine/carry-out-requests.ts';
import type { StoreUse } from '../ports/store-use.ts';
import { formatClock, joinParts } from './describe-progress.ts';
import type { ProgressLine } from './progress-line.ts';

/** How often the catalog is asked what is left. */
const LOOK_MS = 2_000;

/** What a worker has done, what its rules still want copied, and for how long at this pace. */
export class WorkerProgress implements Disposable {
  readonly #line: ProgressLine;
  readonly #readUse: () => Promise<readonly StoreUse[]>;
  readonly #counts = { done: 0, moot: 0, postponed: 0, failed: 0 };
  readonly #startedMs = Date.now();
  readonly #timer: NodeJS.Timeout;
  #pending = 0;
  #away: readonly string[] = [];
  #isLooking = false;

  constructor(line: ProgressLine, readUse: () => Promise<readonly StoreUse[]>) {
    this.#line = line;
    this.#readUse = readUse;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  count(kind: keyof CarriedOut): void {
    this.#counts[kind]++;
    this.#show();
  }

  /** Stores that do not answer, by name. */
  tellAway(stores: Iterable<string>): void {
    this.#away = [...stores];
    this.#show();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#pending = (await this.#readUse()).reduce((sum, { pendingRequests }) => sum + pendingRequests, 0);
      this.#show();
    } catch {
      // The catalog does not answer: the worker itself says so.
    } finally {
      this.#isLooking = false;
    }
  }

  #show(): void {
    this.#line.show(
      describeWork(this.#counts, { pending: this.#pending, away: this.#away }, Date.now() - this.#startedMs),
    );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#line.end();
  }
}

/** `1204 done  3 to be tried again  310/s  88000 copies wait  4m44s left`. */
export function describeWork(
  counts: CarriedOut,
  { pending, away = [] }: { readonly pending: number; readonly away?: readonly string[] },
  elapsedMs: number,
): string {
  const perSecond = counts.done / Math.max(0.001, elapsedMs / 1000);
  const isMoving = pending > 0 && counts.done > 0;
  return joinParts([
    `${counts.done} done`,
    counts.postponed > 0 ? `${counts.postponed} to be tried again` : undefined,
    counts.failed > 0 ? `${counts.failed} failed` : undefined,
    counts.done > 0 ? `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s` : undefined,
    pending > 0 ? `${pending} copies wait` : undefined,
    away.length > 0 ? `no answer from ${away.join(', ')}` : undefined,
    isMoving ? `${formatClock(pending / perSecond)} left` : undefined,
  ]);
}
