import type { Clock } from '../ports/clock.ts';
import {
  type Body,
  type Got,
  type ListingPage,
  type ListOptions,
  type Published,
  type PublishRequest,
  type Staged,
  type StageOptions,
  type Storage,
  StorageError,
} from '../ports/storage.ts';
import { overBody } from './over-body.ts';
import { overPutTogether, overStorage } from './over-storage.ts';
import { WaitingLimit } from './waiting-limit.ts';

export interface DeadlineOptions {
  readonly clock: Clock;
  /** For the answer to one call, one page of a listing, one object of a flush or publish. */
  readonly callMs: number;
  /** Between two chunks of a body; by default `callMs`. */
  readonly idleMs?: number;
}

/** Bytes handed over are given the time a link as slow as this needs for them; one that is slower counts as hung. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;

/** A store that does not answer in time fails with `timeout`, whatever it is doing: nobody waits for it any longer. */
export function withDeadline(inner: Storage, { clock, callMs, idleMs = callMs }: DeadlineOptions): Storage {
  const open = (key: string | undefined, signal?: AbortSignal): WaitingLimit =>
    new WaitingLimit(
      clock,
      Math.min(callMs, idleMs),
      { store: inner.name, ...(key === undefined ? {} : { key }) },
      signal,
    );

  async function within<T>(
    key: string | undefined,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
    limitMs = callMs,
  ): Promise<T> {
    const limit = open(key, signal);
    try {
      return await limit.wait(() => work(limit.signal), limitMs);
    } finally {
      limit.end();
    }
  }

  async function get(key: string, options: Parameters<Storage['get']>[1] = {}): Promise<Got> {
    const limit = open(key, options.signal);
    try {
      const got = await limit.wait(() => inner.get(key, { ...options, signal: limit.signal }), callMs);
      if (!(got.body instanceof Uint8Array)) return { head: got.head, body: limitBody(got.body, limit, idleMs) };
      limit.end();
      return got;
    } catch (error) {
      limit.end();
      throw error;
    }
  }

  async function* list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListingPage> {
    const limit = open(undefined, options.signal);
    const pages = inner.list(prefix, { ...options, signal: limit.signal })[Symbol.asyncIterator]();
    let isHung = false;
    try {
      while (true) {
        const page = await limit
          .wait(() => pages.next(), callMs)
          .catch((error: unknown) => {
            isHung = true;
            throw error;
          });
        if (page.done === true) return;
        yield page.value;
      }
    } finally {
      limit.end();
      const returned = pages.return?.();
      // A generator that hangs in `next` answers no `return` either.
      if (isHung) returned?.then(undefined, () => undefined);
      else await returned;
    }
  }

  async function stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    const limit = open(key, options.signal);
    let handedOver = body instanceof Uint8Array ? body.length : 0;
    const limitMs = (): number => idleMs + (handedOver / SLOWEST_BYTES_PER_SECOND) * 1000;
    const fed =
      body instanceof Uint8Array
        ? body
        : overBody(body, {
            async next(step) {
              limit.pause();
              const chunk = await step();
              handedOver += chunk.done === true ? 0 : chunk.value.length;
              limit.resume(limitMs());
              return chunk;
            },
          });
    try {
      return await limit.wait(() => inner.stage(key, fed, { ...options, signal: limit.signal }), limitMs());
    } finally {
      limit.end();
    }
  }

  async function publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]> {
    try {
      return await within(undefined, undefined, () => inner.publish(requests), callMs * Math.max(1, requests.length));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return requests.map(
        ({ staged }) =>
          new StorageError(
            error.kind,
            { store: inner.name, key: staged.key },
            'no answer in time; whether it was published is not known',
            error,
          ),
      );
    }
  }

  return overStorage(inner, {
    get,
    list,
    stage,
    publish,
    ...overPutTogether(inner, (objects, put) => {
      const bytes = objects.reduce((sum, one) => sum + one.bytes.length, 0);
      const limitMs = callMs * Math.max(1, objects.length) + (bytes / SLOWEST_BYTES_PER_SECOND) * 1000;
      return within(undefined, undefined, put, limitMs);
    }),
    head: (key, options) => within(key, options?.signal, (signal) => inner.head(key, { ...options, signal })),
    delete: (key, options) => within(key, options?.signal, (signal) => inner.delete(key, { ...options, signal })),
    flush: (staged) => within(undefined, undefined, () => inner.flush(staged), callMs * Math.max(1, staged.length)),
    discard: (staged) => within(undefined, undefined, () => inner.discard(staged), callMs * Math.max(1, staged.length)),
    lease: (claim) => within(undefined, undefined, () => inner.lease(claim)),
  });
}

function limitBody(body: AsyncIterable<Uint8Array>, limit: WaitingLimit, idleMs: number): AsyncIterable<Uint8Array> {
  return overBody(body, { next: (step) => limit.wait(step, idleMs), end: () => limit.end() });
}
