import type { Catalog, NewEvent, NewRequest, ReplicaChange } from '../ports/catalog.ts';
import type { EventSink } from '../ports/events.ts';

/** What a read noticed in passing. */
export interface Notes {
  readonly replicas?: readonly ReplicaChange[];
  readonly requests?: readonly NewRequest[];
  readonly events?: readonly NewEvent[];
}

/**
 * Beyond this many notes not yet in the catalog (a stalled catalog, 10,000 misses at once) further ones are reported and let
 * go: each would take a few hundred bytes, and the next read of the same object notes it again.
 */
const PENDING_MAX = 10_000;

/** Rows of one transaction: long enough to share a commit, short enough not to keep others waiting. */
const BATCH_MAX = 500;

/**
 * Records what reads noticed (misses, hashes learnt) without a reader waiting for it: batches go to the catalog one after
 * another, as fast as it takes them. A failure is an event; nothing that was promised to anybody goes this way.
 */
export class LaterRecords {
  readonly #catalog: Pick<Catalog, 'record'>;
  readonly #events: EventSink;
  #replicas: ReplicaChange[] = [];
  #requests: NewRequest[] = [];
  #noted: NewEvent[] = [];
  #pump: Promise<void> | undefined;
  #requestCount = 0;

  constructor(catalog: Pick<Catalog, 'record'>, events: EventSink) {
    this.#catalog = catalog;
    this.#events = events;
  }

  /** How many requests were noted so far: more than before means that there is work. */
  get requestCount(): number {
    return this.#requestCount;
  }

  add(notes: Notes): void {
    this.#requestCount += notes.requests?.length ?? 0;
    if (this.#replicas.length + this.#requests.length + this.#noted.length >= PENDING_MAX) {
      for (const request of notes.requests ?? [])
        this.#reportDropped(request, `${PENDING_MAX} notes are waiting for the catalog`);
      return;
    }
    this.#replicas.push(...(notes.replicas ?? []));
    this.#requests.push(...(notes.requests ?? []));
    this.#noted.push(...(notes.events ?? []));
    this.#pump ??= this.#run();
  }

  /** Everything noted before is in the catalog, or was reported. */
  async drain(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async #run(): Promise<void> {
    // A turn's pause, so that misses of many concurrent reads share a transaction.
    await Promise.resolve();
    while (this.#replicas.length + this.#requests.length + this.#noted.length > 0) {
      const replicas = this.#replicas.splice(0, BATCH_MAX);
      const requests = this.#requests.splice(0, BATCH_MAX);
      const events = this.#noted.splice(0, BATCH_MAX);
      try {
        await this.#catalog.record({ replicas, requests, events });
      } catch (error) {
        for (const request of requests) this.#reportDropped(request, String(error));
        for (const event of events) this.#events.report(event);
      }
    }
    this.#pump = undefined;
  }

  #reportDropped({ scope, name, store }: NewRequest, why: string): void {
    this.#events.report({ kind: 'backfill-dropped', scope, name, store, detail: why });
  }
}
