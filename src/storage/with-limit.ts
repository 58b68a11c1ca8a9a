import type { Clock } from '../ports/clock.ts';
import {
  type Body,
  type Got,
  type ListingPage,
  type ListOptions,
  type Staged,
  type StageOptions,
  type Storage,
  StorageError,
} from '../ports/storage.ts';
import { Bandwidth, type BandwidthLedger } from './bandwidth.ts';
import { overAnyBody } from './over-body.ts';
import { overPutTogether, overStorage } from './over-storage.ts';
import { Slots } from './slots.ts';

export interface LimitOptions {
  readonly clock: Clock;
  /** Requests at once, reading ones and writing ones each. */
  readonly concurrency: number;
  /** Bytes per second of all bodies together, in both directions; undefined: as fast as it goes. */
  readonly bandwidth?: number | undefined;
  /** Of those who share the bandwidth; by default it is this store's alone. */
  readonly ledger?: BandwidthLedger | undefined;
  /** Requests that may wait for a slot; more fail as `throttled`. */
  readonly queueMax?: number;
}

const QUEUE_MAX = 10_000;

/**
 * So many requests at once, and so many bytes per second. Reading and writing have slots of their own, because a copy within
 * a store does both; a `get` keeps its slot until its body has ended. `stage` takes none: one source may feed several stores
 * at once, and slots of several stores, taken in different orders, would wait for each other for ever. Whoever stages
 * bounds how many, and the adapter bounds its connections.
 */
export function withLimit(
  inner: Storage,
  { clock, concurrency, bandwidth, ledger, queueMax = QUEUE_MAX }: LimitOptions,
): Storage {
  const reading = new Slots(concurrency, queueMax);
  const writing = new Slots(concurrency, queueMax);
  const pipe = bandwidth === undefined ? undefined : new Bandwidth(clock, bandwidth, ledger);

  async function enter(slots: Slots, signal: AbortSignal | undefined, key?: string): Promise<() => void> {
    const where = { store: inner.name, ...(key === undefined ? {} : { key }) };
    const slot = slots.take(signal);
    if (slot === undefined) throw new StorageError('throttled', where, `more than ${queueMax} requests wait already`);
    return slot.catch((reason: unknown) => {
      throw new StorageError('aborted', where, 'it was aborted', reason);
    });
  }

  async function within<T>(slots: Slots, work: () => Promise<T>, signal?: AbortSignal, key?: string): Promise<T> {
    const leave = await enter(slots, signal, key);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  function paced(body: Body, key: string, signal: AbortSignal | undefined, end: () => void): Body {
    return overAnyBody(body, {
      end,
      async next(step) {
        const chunk = await step();
        if (chunk.done !== true) await pay(chunk.value.length, key, signal);
        return chunk;
      },
    });
  }

  async function pay(bytes: number, key: string, signal: AbortSignal | undefined): Promise<void> {
    await pipe?.take(bytes, signal).catch((reason: unknown) => {
      throw new StorageError('aborted', { store: inner.name, key }, 'it was aborted', reason);
    });
  }

  async function get(key: string, options?: Parameters<Storage['get']>[1]): Promise<Got> {
    const leave = await enter(reading, options?.signal, key);
    try {
      const got = await inner.get(key, options);
      if (got.body instanceof Uint8Array) await pay(got.body.length, key, options?.signal);
      return { head: got.head, body: paced(got.body, key, options?.signal, leave) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async function* list(prefix: string, options?: ListOptions): AsyncGenerator<ListingPage> {
    const pages = inner.list(prefix, options)[Symbol.asyncIterator]();
    try {
      while (true) {
        const page = await within(reading, () => pages.next(), options?.signal);
        if (page.done === true) return;
        yield page.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  async function stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    if (body instanceof Uint8Array) await pay(body.length, key, options.signal);
    return inner.stage(key, body instanceof Uint8Array ? body : paced(body, key, options.signal, () => {}), options);
  }

  return overStorage(inner, {
    get,
    list,
    stage,
    ...overPutTogether(inner, async (objects, put) => {
      for (const { key, bytes } of objects) await pay(bytes.length, key, undefined);
      return within(writing, put);
    }),
    head: (key, options) => within(reading, () => inner.head(key, options), options?.signal, key),
    delete: (key, options) => within(writing, () => inner.delete(key, options), options?.signal, key),
    flush: (staged) => within(writing, () => inner.flush(staged)),
    publish: (requests) => within(writing, () => inner.publish(requests)),
  });
}
