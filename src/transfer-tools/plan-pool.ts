/** How the copies under way are spread over workers, their pages, and the items of a page. */
export interface PoolPlan {
  readonly workers: number;
  readonly pagesPerWorker: number;
  readonly pageItems: number;
  /** In each page. */
  readonly itemsAtOnce: number;
}

export interface PoolNeeds {
  /** A store of it is on another machine. */
  readonly isRemote: boolean;
  /** Items under way at once over all workers, where a store is remote. */
  readonly transfers: number;
  /** Undefined: as many as suit the processors. */
  readonly workers: number | undefined;
  readonly processors: number;
}

/** Large enough that a flush and a transaction for each cost nothing, small enough that little is done again. */
const LOCAL_PAGE_ITEMS = 512;
/** What a disk takes of a larger file is waited for beside the next. */
const LOCAL_ITEMS_AT_ONCE = 3;
const PAGES_PER_REMOTE_WORKER = 4;

/**
 * Files are copied by blocking calls in as many workers as there are processors (two at least: one writes while the other waits for
 * a flush), a few at a time in each. A remote store is waited for: few workers, several pages each, so many items at once in all
 * (docs/sync.md, "Processes and threads").
 */
export function planPool({ isRemote, transfers, workers: wanted, processors }: PoolNeeds): PoolPlan {
  if (!isRemote) {
    const workers = wanted ?? Math.max(2, processors);
    return { workers, pagesPerWorker: 1, pageItems: LOCAL_PAGE_ITEMS, itemsAtOnce: LOCAL_ITEMS_AT_ONCE };
  }
  const workers = wanted ?? Math.max(1, processors - 1);
  const pagesPerWorker = Math.max(1, Math.min(PAGES_PER_REMOTE_WORKER, transfers));
  const itemsAtOnce = Math.max(1, Math.ceil(transfers / (workers * pagesPerWorker)));
  return { workers, pagesPerWorker, pageItems: 16 * itemsAtOnce, itemsAtOnce };
}
