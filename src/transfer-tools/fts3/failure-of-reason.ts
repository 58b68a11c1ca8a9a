import type { FailureKind } from '../../domain/transfer/retry.ts';
import type { FailedSource } from '../../ports/transfer-tool.ts';

/** The number of a system error, as FTS puts it into brackets. */
const KINDS: Readonly<Record<number, FailureKind>> = {
  1: 'denied',
  2: 'not-found',
  13: 'denied',
  16: 'throttled',
  17: 'precondition-failed',
  28: 'full',
  30: 'read-only',
  36: 'invalid-key',
  95: 'unsupported',
  93: 'unsupported',
  110: 'timeout',
  122: 'full',
  125: 'aborted',
};

const ENDS = { SOURCE: 'source', DESTINATION: 'destination' } as const;

/** FTS says in words at which end a transfer failed, and with which system error: `SOURCE [2] No such file`. */
export function failureOfReason(reason: string): Pick<FailedSource, 'at' | 'kind'> {
  const end = /^\s*(SOURCE|DESTINATION)\b/.exec(reason)?.[1] as keyof typeof ENDS | undefined;
  const at = end === undefined ? 'between' : ENDS[end];
  // Bytes that arrive damaged say nothing against either end.
  if (isMismatch(reason)) return { at: at === 'source' ? 'source' : 'between', kind: 'corrupt' };
  return { at, kind: KINDS[Number(/\[(\d+)\]/.exec(reason)?.[1])] ?? 'unavailable' };
}

/** The destination is occupied, and was not to be replaced. Newer servers say so only of files on tape. */
export function isDestinationOccupied(reason: string): boolean {
  return /destination file exists and (?:overwrite is not enabled|is on tape)/i.test(reason);
}

function isMismatch(reason: string): boolean {
  return /checksum.*(?:mismatch|do not match|does not match)|mismatch.*(?:checksum|size)|size mismatch/i.test(reason);
}
