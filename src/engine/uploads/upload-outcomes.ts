import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import { decideOutcome } from '../../domain/transfer/decide-outcome.ts';
import type { WayFailure } from '../../domain/transfer/next-way.ts';
import type { Lease } from '../../ports/catalog.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import type { Arrived } from '../transfers/confirm-arrival.ts';
import { UPLOAD_INTERRUPTED } from '../transfers/plan-transfer.ts';

interface Ended {
  readonly lease: Lease;
  readonly protocol: string | undefined;
  readonly place: string;
}

const NOTHING = { soft: false, stuck: undefined, doubtedSources: [], bytes: 0, busyMs: 0 } as const;

export function arrivalOutcome(
  { lease, protocol, place }: Ended,
  { token, verification }: Arrived,
  { isSoft, size, busyMs }: { readonly isSoft: boolean; readonly size: number; readonly busyMs: number },
): TransferOutcome {
  return {
    ...NOTHING,
    lease,
    request: { state: 'DONE' },
    attempt: { source: undefined, protocol, outcome: 'arrived', failure: undefined, error: undefined },
    replica: { state: 'AVAILABLE', place, token, verification },
    soft: isSoft,
    bytes: size,
    busyMs,
  };
}

/** A protocol failed, and another one is tried under the same request. */
export function retryOutcome({ lease }: Ended, failure: WayFailure, why: string): TransferOutcome {
  return {
    ...NOTHING,
    lease,
    request: { state: 'QUEUED', attempts: 0, timesStuck: 0, afterMs: 0, why },
    attempt: attemptOf(failure, why),
    replica: undefined,
  };
}

/** Every protocol failed, or the file is not what it was: the copy is given up and its locks are stuck until the upload is resumed. */
export function failureOutcome(
  ended: Ended,
  failure: WayFailure,
  told: { readonly why: string; readonly nowMs: number; readonly fraction: number },
): TransferOutcome {
  const why = `${told.why} (to try again: pando upload --resume)`;
  return { ...giveUp(ended, { kind: 'failed', failure, why }, told), attempt: attemptOf(failure, told.why) };
}

/** The uploader stops. */
export function interruptedOutcome(
  ended: Ended,
  told: { readonly nowMs: number; readonly fraction: number },
): TransferOutcome {
  const given = giveUp(ended, { kind: 'no-source', why: UPLOAD_INTERRUPTED }, told);
  const { protocol } = ended;
  const attempt = {
    source: undefined,
    protocol,
    outcome: 'interrupted',
    failure: undefined,
    error: undefined,
  } as const;
  return { ...given, attempt };
}

function attemptOf(failure: WayFailure, error: string): TransferOutcome['attempt'] {
  return { source: undefined, protocol: failure.protocol, outcome: 'failed', failure, error };
}

function giveUp(
  { lease, protocol = '', place }: Ended,
  outcome: AttemptOutcome,
  { nowMs, fraction }: { readonly nowMs: number; readonly fraction: number },
): TransferOutcome {
  const decision = decideOutcome({
    outcome,
    request: 'SUBMITTED',
    replica: 'COPYING',
    attempts: 1,
    timesStuck: 0,
    ways: [{ source: '', protocol }],
    failures: outcome.kind === 'failed' ? [outcome.failure] : [],
    // The uploader has tried every protocol by now.
    policy: { attemptsMax: 1, delayMs: 0 },
    nowMs,
    fraction,
  });
  if (decision.kind !== 'decided' || !('nextAttemptMs' in decision.request))
    throw new Error('an upload that ends without its bytes has to be given up');
  const { state, attempts, timesStuck, nextAttemptMs, why } = decision.request;
  return {
    ...NOTHING,
    lease,
    request: { state, attempts, timesStuck, afterMs: Math.max(0, nextAttemptMs - nowMs), why },
    attempt: undefined,
    replica: { state: 'UNAVAILABLE', place, token: undefined, verification: 'none' },
    stuck: decision.lock?.kind === 'got-stuck' ? decision.lock.reason : undefined,
  };
}
