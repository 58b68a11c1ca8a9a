import type { CopyPool, ReadItem, ReadOutcome } from '../../ports/copy-pool.ts';
import type { Listed } from '../../ports/storage.ts';
import type { ListedObject, ReadCopies } from './verify-object.ts';

/** A page of many bytes goes to the pool before it is full: it is soon read, and what was found is soon told. */
const PAGE_BYTES = 64 * 1024 * 1024;
/** A copy from this size on is a page of its own, so that slots share large objects evenly. */
const ALONE_BYTES = 8 * 1024 * 1024;

export interface ReadQueueOptions {
  readonly pool: CopyPool;
  /** Called once for each object, when all its copies were read; not for those a stop left unread. */
  readonly onRead: (object: ListedObject, copies: ReadCopies) => void;
  /** Bytes read so far of large objects that are under way. */
  readonly onMoved: (bytes: number) => void;
}

/** One object whose copies are being read. */
interface Reading {
  readonly object: ListedObject;
  readonly copies: (ReadOutcome | undefined)[];
  left: number;
  isStopped: boolean;
}

interface Asked {
  readonly item: ReadItem;
  readonly reading: Reading;
}

/** Collects the copies to be read into pages and keeps the pool busy: one page waiting for each that is under way. */
export class ReadQueue {
  readonly #o: ReadQueueOptions;
  readonly #underWay = new Set<Promise<void>>();
  /** Bytes of pages that have not ended, by page. */
  readonly #moved = new Map<object, number>();
  #page: Asked[] = [];
  #bytes = 0;
  #failure: unknown;

  constructor(options: ReadQueueOptions) {
    this.#o = options;
  }

  /** `copies`: the object as the stores listed it, the source first; what is undefined is not read. */
  add(object: ListedObject, copies: readonly (Listed | undefined)[]): void {
    const listed = [...copies.entries()].flatMap(([store, one]) => (one === undefined ? [] : { store, one }));
    const reading: Reading = { object, copies: copies.map(() => undefined), left: listed.length, isStopped: false };
    for (const { store, one } of listed) {
      const asked = { item: { store, key: one.key, token: one.token }, reading };
      if (one.size >= ALONE_BYTES) this.#send([asked]);
      else this.#collect(asked, one.size);
    }
  }

  /** Waits until the pool can take more. */
  async room(): Promise<void> {
    while (this.#underWay.size > this.#o.pool.slots * 2) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Sends what was collected and waits for all. */
  async drain(): Promise<void> {
    this.#sendCollected();
    while (this.#underWay.size > 0) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #collect(asked: Asked, bytes: number): void {
    this.#page.push(asked);
    this.#bytes += bytes;
    if (this.#page.length >= this.#o.pool.pageItems || this.#bytes >= PAGE_BYTES) this.#sendCollected();
  }

  #sendCollected(): void {
    if (this.#page.length > 0) this.#send(this.#page);
    this.#page = [];
    this.#bytes = 0;
  }

  #send(page: readonly Asked[]): void {
    const { pool } = this.#o;
    const run = async (): Promise<void> => {
      try {
        const outcomes = await pool.read({ items: page.map(({ item }) => item) }, (bytes) =>
          this.#tellMoved(page, bytes),
        );
        this.#moved.delete(page);
        for (const [i, { item, reading }] of page.entries())
          this.#note(reading, item.store, outcomes[i] as ReadOutcome);
      } catch (error) {
        this.#failure ??= error;
      }
    };
    const promise = run().finally(() => this.#underWay.delete(promise));
    this.#underWay.add(promise);
  }

  #note(reading: Reading, store: number, outcome: ReadOutcome): void {
    reading.copies[store] = outcome;
    reading.isStopped ||= outcome.kind === 'failed' && outcome.failure.kind === 'aborted';
    if (--reading.left === 0 && !reading.isStopped) this.#o.onRead(reading.object, reading.copies);
  }

  #tellMoved(page: object, bytes: number): void {
    this.#moved.set(page, bytes);
    this.#o.onMoved(this.#moved.values().reduce((sum, one) => sum + one, 0));
  }
}
