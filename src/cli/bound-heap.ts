import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Of the young generation, for each of the two halves it copies between, from the start of a thread on. Left alone it begins with 1, which
 * is collected four times as often, and grows to 64.
 */
const SEMI_SPACE_MIB = 4;
/** How far the old generation may grow beyond what was alive before it is collected. Left alone: up to 300. */
const GROWTH_PERCENT = 70;
/**
 * Calls of a function before it is compiled by the last compiler; left alone 3,000. Each thread compiles for itself what it soon
 * has done with: of the CPU time of a sync of 20,000 small files that was 7 %.
 */
const CALLS_BEFORE_LAST_COMPILER = 100_000;
const MIB = 1024 * 1024;

/**
 * A sync is six threads that let objects pass through by the million: each collects its garbage late, and together they keep
 * half a gigabyte of it. Bounded so, a million files take 260 MB and about the same time.
 * Only for a process of our own; threads begun later inherit the limits. This thread's own young generation had its limit when it
 * started, so it is stopped growing once it has reached it.
 */
export function boundHeap(): void {
  setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MIB}`);
  setFlagsFromString(`--min-semi-space-size=${SEMI_SPACE_MIB}`);
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString(`--invocation-count-for-turbofan=${CALLS_BEFORE_LAST_COMPILER}`);
  const collections = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    if (young === undefined || young.space_size < 2 * SEMI_SPACE_MIB * MIB) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    collections.disconnect();
  });
  collections.observe({ entryTypes: ['gc'] });
}
