import type { Clock } from '../../ports/clock.ts';
import type { ReleasedAfter, ReleasedPosition, ReleasedRecord } from '../../ports/rules.ts';

/** Until what had to stay is looked at again: each look asks other stores. */
const AGAIN_MS = 60_000;
/** Where so many have to stay that a look at them takes long, the next waits for so many times as long, */
const TIMES_AS_LONG = 10;
/** and no longer than this after the last began. */
const AGAIN_MS_MAX = 3_600_000;

interface Look {
  readonly after: ReleasedAfter;
  readonly againMs: number;
  readonly latestMs: number;
}

/**
 * How far the released copies of each store were looked at. Of those before that, none is left that would go and may, so they keep nobody
 * behind them waiting, however many they are. What is released later comes behind.
 */
export class ReleaseLooks {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #looks = new Map<string, Look>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Where the look at a store goes on; undefined: at the beginning. */
  after(store: string): ReleasedAfter | undefined {
    const look = this.#looks.get(store);
    if (look === undefined || look.againMs > this.#clock.monotonicMs()) return look?.after;
    this.#looks.delete(store);
    return undefined;
  }

  /** These were looked at, in the order in which the catalog lists them; so many of them stay. */
  passed(
    store: string,
    copies: readonly ReleasedRecord[],
    { tookMs, staying }: { readonly tookMs: number; readonly staying: number },
  ): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#looks.get(store) ?? { after: {}, againMs: nowMs + AGAIN_MS, latestMs: nowMs + AGAIN_MS_MAX };
    const purged = copies.findLast(({ purge }) => purge);
    const others = copies.findLast(({ purge }) => !purge);
    const after = {
      ...before.after,
      ...(purged === undefined ? {} : { purged: positionOf(purged) }),
      ...(others === undefined ? {} : { others: positionOf(others) }),
    };
    const waitMs = TIMES_AS_LONG * tookMs * (staying / copies.length);
    this.#looks.set(store, { ...before, after, againMs: Math.min(before.againMs + waitMs, before.latestMs) });
  }
}

function positionOf({ lastUsedMs, objectId, versionId }: ReleasedRecord): ReleasedPosition {
  return { lastUsedMs, objectId, versionId };
}
