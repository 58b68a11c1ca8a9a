import type { Catalog } from '../../ports/catalog.ts';
import type { CopyPool } from '../../ports/copy-pool.ts';
import type { CopyRecorder } from './copy-recorder.ts';
import { ALONE_BYTES, PAGE_BYTES, PagesUnderWay } from './pages-under-way.ts';
import type { PlannedItem } from './plan-object.ts';

export interface CopyQueueOptions {
  readonly pool: CopyPool;
  readonly readBack: boolean;
  readonly publishUntilMs: () => number;
  readonly catalog: Pick<Catalog, 'readMarks'>;
  /** Told of each page when it is sent, how far it is, and when it has ended; recording is part of the page. */
  readonly recorder: Pick<CopyRecorder, 'pageSent' | 'pageMoved' | 'recordPage'>;
}

/** Collects items into pages and keeps the pool busy. */
export class CopyQueue {
  readonly #o: CopyQueueOptions;
  readonly #underWay: PagesUnderWay;
  #items: PlannedItem[] = [];
  #bytes = 0;

  constructor(options: CopyQueueOptions) {
    this.#o = options;
    this.#underWay = new PagesUnderWay(options.pool);
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
  room(): Promise<void> {
    return this.#underWay.room();
  }

  /** Sends what was collected and waits for all. */
  drain(): Promise<void> {
    this.#sendCollected();
    return this.#underWay.drain();
  }

  #sendCollected(): void {
    if (this.#items.length > 0) this.#send(this.#items);
    this.#items = [];
    this.#bytes = 0;
  }

  #send(planned: readonly PlannedItem[]): void {
    const { pool, readBack, publishUntilMs, recorder } = this.#o;
    recorder.pageSent(planned);
    this.#underWay.begin(async () => {
      const marked = await this.#withMarks(planned);
      const items = marked.map(({ item }) => item);
      const page = { items, publishUntilMs: publishUntilMs(), readBack };
      const outcomes = await pool.run(page, (bytes) => recorder.pageMoved(planned, bytes));
      await recorder.recordPage({ sent: planned, planned: marked, outcomes });
    });
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
