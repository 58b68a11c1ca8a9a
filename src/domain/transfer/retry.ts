/** How an attempt at a store failed (docs/stores.md, "Errors"). */
export type FailureKind =
  | 'not-found'
  | 'precondition-failed'
  | 'blocked'
  | 'throttled'
  | 'denied'
  | 'unavailable'
  | 'timeout'
  | 'corrupt'
  | 'changed'
  | 'full'
  | 'read-only'
  | 'invalid-key'
  | 'unsupported'
  | 'aborted';

/** Whether the same attempt may succeed a moment later. What needs someone to do something first is not tried again. */
const RETRYABLE: Readonly<Record<FailureKind, boolean>> = {
  throttled: true,
  unavailable: true,
  timeout: true,
  'not-found': false,
  'precondition-failed': false,
  blocked: false,
  denied: false,
  corrupt: false,
  changed: false,
  full: false,
  'read-only': false,
  'invalid-key': false,
  unsupported: false,
  aborted: false,
};

/** How often an attempt is made, and how long is waited in between. */
export interface RetryPolicy {
  /** All attempts, the first one too. */
  readonly attemptsMax: number;
  /** Upper limit of the first wait; each later one is twice the one before. */
  readonly delayMs: number;
}

/** No wait is longer than this, however many attempts were made. */
export const RETRY_DELAY_MS_MAX = 30_000;

export function isRetryable(kind: FailureKind): boolean {
  return RETRYABLE[kind];
}

/** Whether attempt number `attempt` (the first is 1), which failed so, is followed by another. */
export function mayRetry(kind: FailureKind, attempt: number, policy: RetryPolicy): boolean {
  return isRetryable(kind) && attempt < policy.attemptsMax;
}

/**
 * `ms` of which half is left to chance: those who wait for the same thing do not come back together, and none of them at once, which
 * would be a loop. `fraction` is uniform in [0, 1).
 */
export function halfByChance(ms: number, fraction: number): number {
  return Math.floor(ms * (0.5 + fraction / 2));
}

/**
 * Milliseconds to wait after attempt number `attempt`: anything up to the doubled delay ("full jitter"), so that those who
 * failed together do not come back together. `fraction` is uniform in [0, 1).
 */
export function retryDelayMs(attempt: number, policy: RetryPolicy, fraction: number): number {
  const ceiling = Math.min(RETRY_DELAY_MS_MAX, policy.delayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.floor(ceiling * fraction);
}
