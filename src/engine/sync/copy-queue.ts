import type { Catalog } from '../../ports/catalog.ts';
import type { CopyPool } from '../../ports/copy-pool.ts';
import type { CopyRecorder } from './copy-recorder.ts';
import type { PlannedItem } from './plan-object.ts';

/** A page of many bytes goes to the pool before it is full: it is soon done, and little is lost when it is not. */
const PAGE_BYTES = 64 * 1024 * 1024;
/** An object from this size on is a page of its own, so that slots share large objects evenly. */
const ALONE_BYTES = 8 * 1024 * 1024;

export interface CopyQueueOptions {
  readonly pool: CopyPool;
  readonly readBack: boolean;
  readonly publishUntilMs: () => number;
  readonly catalog: Pick<Catalog, 'readMarks'>;
  /** Told of each page when it is sent, how far it is, and when it has ended; recording is part of the page. */
  readonly recorder: Pick<CopyRecorder, 'pageSent' | 'pageMoved' | 'recordPage'>;
}

/** Collects items into pages and keeps the pool busy: one page waiting for each that is under way. */
export class CopyQueue {
  readonly #o: CopyQueueOptions;
  readonly #underWay = new Set<Promise<void>>();
  #items: PlannedItem[] = [];
  #bytes = 0;
  #failure: unknown;

  constructor(options: CopyQueueOptions) {
    this.#o = options;
  }

  add(planned: PlannedItem): void {
    if (planned.item.size >= ALONE_BYTES) {
      this.#send([planned]);
      return;
    }
    this.#items.push(planned);
    this.#bytes += planned.item.size;
    if (this.#items.length >= this.#o.pool.pageItems || this.#bytes >= PAGE_BYTES) this.#sendCollected();
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

  #sendCollected(): void {
    if (this.#items.length > 0) this.#send(this.#items);
    this.#items = [];
    this.#bytes = 0;
  }

  #send(planned: readonly PlannedItem[]): void {
    const { pool, readBack, publishUntilMs, recorder } = this.#o;
    recorder.pageSent(planned);
    const run = async (): Promise<void> => {
      try {
        const marked = await this.#withMarks(planned);
        const items = marked.map(({ item }) => item);
        const page = { items, publishUntilMs: publishUntilMs(), readBack };
        const outcomes = await pool.run(page, (bytes) => recorder.pageMoved(planned, bytes));
        await recorder.recordPage({ sent: planned, planned: marked, outcomes });
      } catch (error) {
        this.#failure ??= error;
      }
    };
    const promise = run().finally(() => this.#underWay.delete(promise));
    this.#underWay.add(promise);
  }

  /** What the catalog knows of the versions at hand: the same bytes are the same version, and are marked as it. */
  async #withMarks(planned: readonly PlannedItem[]): Promise<readonly PlannedItem[]> {
    const ids = planned.flatMap(({ known }) => (known?.isTombstone === false ? [known.versionId] : []));
    if (ids.length === 0) return planned;
    const marks = (await this.#o.catalog.readMarks(ids)).values();
    return planned.map((one) => {
      if (one.known?.isTombstone !== false) return one;
      const mark = marks.next().value;
      if (mark?.sha256 === undefined) return one;
      const { operation, sha256 } = mark;
      return { ...one, item: { ...one.item, known: { operation, sha256 } }, known: one.known.withHash(sha256) };
    });
  }
}
