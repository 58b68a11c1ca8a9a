import { nextOperationId, OPERATION_ID_RANDOM_BYTES, type OperationId } from '../domain/object/operation-id.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

/** Gives this process's operation ids, each later than the one before. */
export class OperationIds {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #random: Pick<Random, 'bytes'>;
  #last: OperationId | undefined;

  constructor(clock: Pick<Clock, 'nowMs'>, random: Pick<Random, 'bytes'>) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): OperationId {
    this.#last = nextOperationId(this.#last, this.#clock.nowMs(), this.#random.bytes(OPERATION_ID_RANDOM_BYTES));
    return this.#last;
  }
}
