import {
  countListed,
  type Got,
  type ListingPage,
  type ListOptions,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from '../ports/storage.ts';
import { overAnyBody } from './over-body.ts';
import { overPutTogether, overStorage } from './over-storage.ts';

export type MeteredVerb =
  | 'get'
  | 'head'
  | 'list'
  | 'delete'
  | 'stage'
  | 'flush'
  | 'publish'
  | 'discard'
  | 'clean'
  | 'lease';

export interface VerbCounts {
  /** Calls; of a listing its pages, of `flush` and `publish` the objects. */
  readonly calls: number;
  readonly failures: Readonly<Partial<Record<StorageErrorKind, number>>>;
}

export interface MeterSnapshot {
  readonly verbs: Readonly<Record<MeteredVerb, VerbCounts>>;
  /** Bytes of bodies that reached the reader. */
  readonly bytesRead: number;
  /** Bytes of bodies that the store took. */
  readonly bytesWritten: number;
  readonly objectsListed: number;
}

const VERBS: readonly MeteredVerb[] = [
  'get',
  'head',
  'list',
  'delete',
  'stage',
  'flush',
  'publish',
  'discard',
  'clean',
  'lease',
];

/** What was asked of a store, and how it answered. Several stores may share one meter. */
export class StorageMeter {
  readonly #verbs = new Map<MeteredVerb, { calls: number; failures: Partial<Record<StorageErrorKind, number>> }>(
    VERBS.map((verb) => [verb, { calls: 0, failures: {} }]),
  );
  bytesRead = 0;
  bytesWritten = 0;
  objectsListed = 0;

  count(verb: MeteredVerb, calls = 1): void {
    this.#of(verb).calls += calls;
  }

  fail(verb: MeteredVerb, error: unknown): void {
    if (!(error instanceof StorageError)) return;
    const { failures } = this.#of(verb);
    failures[error.kind] = (failures[error.kind] ?? 0) + 1;
  }

  /** What another meter of the same store has counted, as one in a worker. */
  add({ verbs, bytesRead, bytesWritten, objectsListed }: MeterSnapshot): void {
    for (const verb of VERBS) {
      this.count(verb, verbs[verb].calls);
      const { failures } = this.#of(verb);
      for (const [kind, count] of Object.entries(verbs[verb].failures) as [StorageErrorKind, number][])
        failures[kind] = (failures[kind] ?? 0) + count;
    }
    this.bytesRead += bytesRead;
    this.bytesWritten += bytesWritten;
    this.objectsListed += objectsListed;
  }

  /** Everything so far; later calls do not change it. */
  snapshot(): MeterSnapshot {
    const { bytesRead, bytesWritten, objectsListed } = this;
    const verbs = Object.fromEntries(VERBS.map((verb) => [verb, structuredClone(this.#of(verb))]));
    return { verbs: verbs as Record<MeteredVerb, VerbCounts>, bytesRead, bytesWritten, objectsListed };
  }

  #of(verb: MeteredVerb) {
    return this.#verbs.get(verb) as { calls: number; failures: Partial<Record<StorageErrorKind, number>> };
  }
}

/** Counts what passes. */
export function withMeter(inner: Storage, meter: StorageMeter): Storage {
  async function metered<T>(verb: MeteredVerb, work: () => Promise<T>, calls = 1): Promise<T> {
    meter.count(verb, calls);
    try {
      return await work();
    } catch (error) {
      meter.fail(verb, error);
      throw error;
    }
  }

  async function get(key: string, options?: Parameters<Storage['get']>[1]): Promise<Got> {
    const { head, body } = await metered('get', () => inner.get(key, options));
    if (body instanceof Uint8Array) {
      meter.bytesRead += body.length;
      return { head, body };
    }
    const counted = overAnyBody(body, {
      end: (failure) => meter.fail('get', failure?.error),
      async next(step) {
        const chunk = await step();
        if (chunk.done !== true) meter.bytesRead += chunk.value.length;
        return chunk;
      },
    });
    return { head, body: counted };
  }

  async function* list(prefix: string, options?: ListOptions): AsyncGenerator<ListingPage> {
    try {
      for await (const page of inner.list(prefix, options)) {
        meter.count('list');
        meter.objectsListed += countListed(page);
        yield page;
      }
    } catch (error) {
      meter.fail('list', error);
      throw error;
    }
  }

  return overStorage(inner, {
    get,
    list,
    ...overPutTogether(inner, async (objects, put) => {
      for (const verb of ['stage', 'flush'] as const) meter.count(verb, objects.length);
      const outcomes = await metered('publish', put, objects.length);
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome instanceof StorageError) meter.fail('publish', outcome);
        else meter.bytesWritten += objects[at]?.bytes.length ?? 0;
      }
      return outcomes;
    }),
    head: (key, options) => metered('head', () => inner.head(key, options)),
    delete: (key, options) => metered('delete', () => inner.delete(key, options)),
    async stage(key, body, options) {
      const staged = await metered('stage', () => inner.stage(key, body, options));
      meter.bytesWritten += staged.size;
      return staged;
    },
    flush: (staged) => metered('flush', () => inner.flush(staged), staged.length),
    async publish(requests) {
      const outcomes = await metered('publish', () => inner.publish(requests), requests.length);
      for (const outcome of outcomes) if (outcome instanceof StorageError) meter.fail('publish', outcome);
      return outcomes;
    },
    discard: (staged) => metered('discard', () => inner.discard(staged), staged.length),
    clean: (options) => metered('clean', () => inner.clean(options)),
    lease: (claim) => metered('lease', () => inner.lease(claim)),
  });
}
