import { adviseOn, type Circuit, type CircuitAdvice, CLOSED, transitionCircuit } from '../domain/store/circuit.ts';
import type { Clock } from '../ports/clock.ts';
import type { StorageError } from '../ports/storage.ts';

/** A store that did not answer is not asked again so long by who can do without; twice as long each time it still does not. */
const AWAY_MS_MIN = 30_000;
const AWAY_MS_MAX = 300_000;

interface Away {
  readonly why: string;
  readonly untilMs: number;
  readonly pauseMs: number;
}

/**
 * What this process met at its stores, by place: the circuits, which say with which of them reads should begin and which they should leave
 * for last, and which did not answer at all.
 */
export class StoreHealth {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #circuits = new Map<string, Circuit>();
  readonly #away = new Map<string, Away>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  adviseOn(store: string): CircuitAdvice {
    return adviseOn(this.#circuit(store), this.#clock.monotonicMs());
  }

  probeBegan(store: string): void {
    this.#set(store, transitionCircuit(this.#circuit(store), 'probe-began', this.#clock.monotonicMs()));
  }

  answered(store: string): void {
    this.#away.delete(store);
    this.#set(store, CLOSED);
  }

  /** How a request to a store failed. Refusals ("not found", "denied") are answers. */
  failed(store: string, { kind, why }: Pick<StorageError, 'kind' | 'why'>): void {
    if (kind === 'aborted') return;
    if (kind === 'unavailable' || kind === 'timeout') this.#failedToAnswer(store, why);
    else this.#away.delete(store);
    const event = kind === 'timeout' ? 'hung' : kind === 'unavailable' || kind === 'throttled' ? 'failed' : 'answered';
    this.#set(store, transitionCircuit(this.#circuit(store), event, this.#clock.monotonicMs()));
  }

  /**
   * Why it did not answer when it was asked last, a moment ago. For what loses nothing by being put off, such as a delete: one such
   * question is enough for many objects.
   */
  whyAway(store: string): string | undefined {
    const away = this.#away.get(store);
    return away !== undefined && this.#clock.monotonicMs() < away.untilMs ? away.why : undefined;
  }

  #failedToAnswer(store: string, why: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#away.get(store);
    // Of those that were asked at once only the first says anything new.
    if (before !== undefined && nowMs < before.untilMs) return;
    const pauseMs = before === undefined ? AWAY_MS_MIN : Math.min(before.pauseMs * 2, AWAY_MS_MAX);
    this.#away.set(store, { why, untilMs: nowMs + pauseMs, pauseMs });
  }

  #circuit(store: string): Circuit {
    return this.#circuits.get(store) ?? CLOSED;
  }

  #set(store: string, circuit: Circuit): void {
    if (circuit === CLOSED) this.#circuits.delete(store);
    else this.#circuits.set(store, circuit);
  }
}
