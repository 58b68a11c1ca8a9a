import { halfByChance } from '../transfer/retry.ts';
import { type FactChange, isHelpedBy, type StuckReason } from './stuck-reason.ts';

/** What failed for ten minutes of attempts is not mended by the eleventh. */
const WAIT_MS_MIN = 600_000;
/** Three times a day: often enough for a disk that somebody swaps, rare enough for a million locks. */
const WAIT_MS_MAX = 28_800_000;
/** A store that comes back is not met by all who waited for it at once. */
const SPREAD_MS = 60_000;

/**
 * Milliseconds until somebody who is stuck for the `timesStuck`th time (the first is 1) is tried again: doubled each time, of which
 * half is left to chance. `fraction` is uniform in [0, 1).
 */
export function stuckWaitMs(timesStuck: number, fraction: number): number {
  const ceiling = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** Math.min(timesStuck - 1, 30));
  return halfByChance(ceiling, fraction);
}

export interface StuckFacts {
  readonly reason: StuckReason['kind'];
  /** When it is tried again if nothing changes. */
  readonly retryMs: number;
}

/** When somebody who is stuck is tried again after a fact changed that concerns it: never later than before. */
export function hastenRetryMs(
  { reason, retryMs }: StuckFacts,
  change: FactChange,
  { nowMs, fraction }: { readonly nowMs: number; readonly fraction: number },
): number {
  if (!isHelpedBy(reason, change)) return retryMs;
  const soonMs = change === 'asked' ? nowMs : nowMs + Math.floor(SPREAD_MS * fraction);
  return Math.min(retryMs, soonMs);
}
