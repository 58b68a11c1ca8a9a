import type { AttemptOutcome } from '../domain/transfer/attempt.ts';
import type { RequestClaim, RequestKind } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { StorageErrorKind } from '../ports/storage.ts';
import type { StoreAccess } from './stores/store-access.ts';

/** Told that a store did not answer, and why; `why` undefined: it answers again. */
export type OnAway = (store: string, why: string | undefined) => void;

/**
 * One run that ends when nothing is due any more. What it puts off is not waited for but for a moment, or a store that is away would keep
 * it for ever: while the last of what waits for it is tried, the first is due again. So what is put off is left to a later run, and a
 * store that did not answer is not asked again for the others that wait for it, unless something that was under way gets an answer.
 */
export class IdleRun {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #startedMs: number;
  readonly #onAway: OnAway | undefined;
  readonly #away: Readonly<Record<RequestKind, Set<string>>> = { copy: new Set(), delete: new Set() };

  constructor(clock: Pick<Clock, 'monotonicMs'>, onAway?: OnAway) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#onAway = onAway;
  }

  /** What a claim of this run leaves alone. */
  leaves(): Pick<RequestClaim, 'except' | 'putOffWithinMs'> {
    return {
      except: { copiesTo: [...this.#away.copy], deletesAt: [...this.#away.delete] },
      putOffWithinMs: this.#clock.monotonicMs() - this.#startedMs,
    };
  }

  /** A request at a store failed, by what the store said. */
  failed(
    kind: RequestKind,
    store: string,
    { kind: how, why }: { readonly kind: StorageErrorKind; readonly why: string },
  ): void {
    // What is refused is over, and comes back by itself no more often than it is put off.
    if (how !== 'unavailable' && how !== 'timeout') return;
    if (this.#away[kind].has(store)) return;
    this.#away[kind].add(store);
    this.#onAway?.(store, why);
  }

  /**
   * How an attempt at a copy ended. A source that does not answer keeps no other from its destination, and where one protocol of that fails
   * another may do.
   */
  heard(store: StoreAccess | undefined, outcome: AttemptOutcome): void {
    if (store === undefined) return;
    if (outcome.kind === 'arrived') this.done('copy', store.place);
    else if (outcome.kind === 'failed' && outcome.failure.at === 'destination' && store.protocols.length === 1)
      this.failed('copy', store.place, { kind: outcome.failure.kind, why: outcome.why });
  }

  done(kind: RequestKind, store: string): void {
    if (this.#away[kind].delete(store)) this.#onAway?.(store, undefined);
  }
}

/** Until a store that did not answer is asked again by a worker that goes on. */
const AWAY_MS = 10_000;

/** Of a worker that goes on: stores that did not answer are left alone for a while, so that what waits for them keeps no other from its slot. */
export class AwayForNow {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #run: IdleRun;
  #beganMs: number;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#run = new IdleRun(clock);
    this.#beganMs = clock.monotonicMs();
  }

  leaves(): Pick<RequestClaim, 'except'> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#beganMs >= AWAY_MS) {
      this.#run = new IdleRun(this.#clock);
      this.#beganMs = nowMs;
    }
    const { except } = this.#run.leaves();
    return except === undefined ? {} : { except };
  }

  heard(store: StoreAccess | undefined, outcome: AttemptOutcome): void {
    this.#run.heard(store, outcome);
  }
}
