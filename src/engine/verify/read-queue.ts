import type { CopyPool, ReadItem, ReadOutcome } from '../../ports/copy-pool.ts';
import type { Token } from '../../ports/storage.ts';
import { ALONE_BYTES, PAGE_BYTES, PagesUnderWay } from '../sync/pages-under-way.ts';
import type { MergedObject } from '../sync/merge-listings.ts';
import type { ReadCopies } from './verify-object.ts';

/** A copy to be read; without a token what is there is read as it is. */
export interface CopyToRead {
  readonly key: string;
  /** Bytes, as listed; only to plan with. */
  readonly size: number;
  readonly token: Token | undefined;
}

export interface ReadQueueOptions {
  readonly pool: CopyPool;
  /** Called once for each object, when all its copies were read; not for those a stop left unread. */
  readonly onRead: (object: MergedObject, copies: ReadCopies) => void;
  /** Bytes read so far of large objects that are under way. */
  readonly onMoved: (bytes: number) => void;
}

/** One object whose copies are being read. */
interface Reading {
  readonly object: MergedObject;
  readonly copies: (ReadOutcome | undefined)[];
  left: number;
  isStopped: boolean;
}

interface Asked {
  readonly item: ReadItem;
  readonly reading: Reading;
}

/** Collects the copies to be read into pages and keeps the pool busy. */
export class ReadQueue {
  readonly #o: ReadQueueOptions;
  readonly #underWay: PagesUnderWay;
  /** Bytes of pages that have not ended, by page. */
  readonly #moved = new Map<object, number>();
  #page: Asked[] = [];
  #bytes = 0;

  constructor(options: ReadQueueOptions) {
    this.#o = options;
    this.#underWay = new PagesUnderWay(options.pool);
  }

  /** `copies`: by store, the source first; what is undefined is not read. */
  add(object: MergedObject, copies: readonly (CopyToRead | undefined)[]): void {
    const listed = [...copies.entries()].flatMap(([store, one]) => (one === undefined ? [] : { store, one }));
    const reading: Reading = { object, copies: copies.map(() => undefined), left: listed.length, isStopped: false };
    if (listed.length === 0) this.#o.onRead(object, reading.copies);
    for (const { store, one } of listed) {
      const asked = { item: { store, key: one.key, token: one.token }, reading };
      if (one.size >= ALONE_BYTES) this.#send([asked]);
      else this.#collect(asked, one.size);
    }
  }

  /** Waits until the pool can take more. */
  room(): Promise<void> {
    return this.#underWay.room();
  }

  /** Sends what was collected and waits for all. */
  drain(): Promise<void> {
    this.#sendCollected();
    return this.#underWay.drain();
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
    this.#underWay.begin(async () => {
      const outcomes = await pool.read({ items: page.map(({ item }) => item) }, (bytes) =>
        this.#tellMoved(page, bytes),
      );
      this.#moved.delete(page);
      for (const [i, { item, reading }] of page.entries()) this.#note(reading, item.store, outcomes[i] as ReadOutcome);
    });
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
