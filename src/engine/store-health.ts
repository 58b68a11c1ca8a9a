import { adviseOn, type Circuit, type CircuitAdvice, CLOSED, transitionCircuit } from '../domain/store/circuit.ts';
import type { Clock } from '../ports/clock.ts';
import type { StorageErrorKind } from '../ports/storage.ts';

/** The circuits of this process's stores, by place: which of them reads should begin with, and which they should leave for last. */
export class StoreHealth {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #circuits = new Map<string, Circuit>();

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
    this.#set(store, CLOSED);
  }

  /** How a request to a store failed. Refusals ("not found", "denied") are answers. */
  failed(store: string, kind: StorageErrorKind): void {
    if (kind === 'aborted') return;
    const event = kind === 'timeout' ? 'hung' : kind === 'unavailable' || kind === 'throttled' ? 'failed' : 'answered';
    this.#set(store, transitionCircuit(this.#circuit(store), event, this.#clock.monotonicMs()));
  }

  #circuit(store: string): Circuit {
    return this.#circuits.get(store) ?? CLOSED;
  }

  #set(store: string, circuit: Circuit): void {
    if (circuit === CLOSED) this.#circuits.delete(store);
    else this.#circuits.set(store, circuit);
  }
}
