import type { Pando } from '../compose.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import type { RequestRecord } from '../ports/catalog.ts';
import { cancelRequests, listRequests, type RequestsAsked, retryRequests } from './request-desk.ts';

/** Copies and deletes that are asked for and not done (docs/rules.md, "Requests"). */
export class Requests {
  readonly #pando: Pando;

  constructor(pando: Pando) {
    this.#pando = pando;
  }

  /** By their numbers. */
  async *list({ state }: { readonly state?: RequestState } = {}): AsyncGenerator<RequestRecord> {
    yield* listRequests(await this.#pando.catalog(), state);
  }

  /** Tries them now: those named, those a rule is stuck on, those that wait for a store. */
  async retry(wanted: {
    readonly ids?: readonly number[];
    readonly rule?: number;
    readonly store?: string;
  }): Promise<RequestsAsked> {
    return await retryRequests(this.#pando, { ids: [], ...wanted });
  }

  /** Copies that a rule wants are cancelled with the rule. */
  async cancel(ids: readonly number[]): Promise<RequestsAsked> {
    return await cancelRequests(this.#pando, ids);
  }
}
