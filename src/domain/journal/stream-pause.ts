/** The pause before a peer that could not be reached, or took nothing, is asked again: half-open, one question at a time. */
const PAUSE_MS_MAX = 60_000;

/** `failures` in a row, 1 or more; `fraction` in [0, 1) makes two sites that lost each other not ask in step. */
export function streamPauseMs(retryDelayMs: number, failures: number, fraction: number): number {
  const grown = Math.min(retryDelayMs * 2 ** Math.min(failures - 1, 16), Math.max(retryDelayMs, PAUSE_MS_MAX));
  return Math.ceil(grown * (0.75 + fraction / 2));
}
