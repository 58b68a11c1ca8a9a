/**
 * Hybrid logical clock: wall milliseconds and a counter for changes within one (docs/versions.md, "Order").
 * Orders concurrent versions; causality is decided by dots and contexts, never by this.
 */
export interface HybridTime {
  readonly ms: number;
  readonly n: number;
}

/** A remote time further ahead than this is used to break ties but not merged into our clock. */
export const CLOCK_DRIFT_MS_MAX = 60_000;

export const HYBRID_ZERO: HybridTime = { ms: 0, n: 0 };

export function compareHybrid(a: HybridTime, b: HybridTime): number {
  return a.ms - b.ms || a.n - b.n;
}

/** The next time of a clock that stood at `last`, when the wall shows `nowMs`: always later than `last`. */
export function tickHybrid(last: HybridTime, nowMs: number): HybridTime {
  return nowMs > last.ms ? { ms: nowMs, n: 0 } : { ms: last.ms, n: last.n + 1 };
}

/** Our clock after it met `remote`; a remote beyond the drift limit leaves it alone. */
export function mergeHybrid(last: HybridTime, remote: HybridTime, nowMs: number): HybridTime {
  if (remote.ms > nowMs + CLOCK_DRIFT_MS_MAX) return last;
  return compareHybrid(remote, last) > 0 ? remote : last;
}
