import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import { decideOutcome } from '../../domain/transfer/decide-outcome.ts';
import { showsUnfitSource, type WayFailure } from '../../domain/transfer/next-way.ts';
import type { RetryPolicy } from '../../domain/transfer/retry.ts';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import type { TransferOutcome, TransferRow } from '../../ports/rules.ts';
import type { CarriedOut } from '../carry-out-requests.ts';
import type { Arrived } from './confirm-arrival.ts';
import { type PlannedTransfer, wayFrom } from './plan-transfer.ts';

/** Attempts of one turn; then the copy is stuck, and tried again after minutes and hours. */
const POLICY: RetryPolicy = { attemptsMax: 6, delayMs: 1_000 };

/** One attempt that ended. */
export interface EndedAttempt {
  readonly request: ClaimedRequest;
  readonly row: TransferRow | undefined;
  readonly planned: PlannedTransfer | undefined;
  readonly outcome: AttemptOutcome;
  readonly arrived: Arrived | undefined;
  /** Of the same attempt: sources that failed before the one its outcome speaks of. */
  readonly tried: readonly WayFailure[];
  readonly busyMs: number;
  /** What it was read from, if that is verified by it. */
  readonly readSource?: TransferOutcome['readSource'];
  /** The destination is not flushed. */
  readonly isSoft: boolean;
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly fraction: number;
}

export interface TransferDecision {
  /** For the catalog. */
  readonly outcome: TransferOutcome;
  readonly kind: keyof CarriedOut;
  /** What was written must go again. */
  readonly isCopyUnwanted: boolean;
}

const KINDS = {
  DONE: 'done',
  CANCELLED: 'moot',
  QUEUED: 'postponed',
  WAITING: 'postponed',
  FAILED: 'failed',
  NO_SOURCES: 'failed',
} as const;

/** What an attempt's end makes of its request, replica and locks, as the catalog is told it (docs/states.md, "Attempts"). */
export function decideTransfer(ended: EndedAttempt): TransferDecision {
  const { request, row, planned, outcome, arrived, tried, busyMs, isSoft: soft, nowMs, fraction } = ended;
  const decision = decideOutcome({
    outcome,
    request: 'SUBMITTED',
    replica: row?.replica,
    attempts: request.attempts,
    timesStuck: request.ofRules?.timesStuck ?? 0,
    ways: planned?.ways ?? [],
    failures: [...(row?.failures ?? []), ...tried, ...(outcome.kind === 'failed' ? [outcome.failure] : [])],
    policy: POLICY,
    nowMs,
    fraction,
  });
  const common = {
    lease: request.lease,
    attempt: attemptOf(planned, outcome, arrived),
    bytes: arrived === undefined ? 0 : (row?.content.size ?? 0),
    busyMs,
    soft,
  };
  if (decision.kind !== 'decided') {
    // Nobody else tells outcomes under this lease, so an answer that is refused says that it is over.
    const why = decision.kind === 'refused' ? decision.why : 'it was told before';
    const nothing = { replica: undefined, stuck: undefined, doubtedSources: [] };
    const cancelled = { ...common, ...nothing, request: { state: 'CANCELLED', why } as const };
    return { outcome: cancelled, kind: 'moot', isCopyUnwanted: false };
  }
  const { lock, doubtedSource, isCopyUnwanted } = decision;
  const sha256 = arrived?.checksums['sha256'];
  const unfit = new Set([...tried.filter(showsUnfitSource).map(({ source }) => source), doubtedSource]);
  // By another protocol it gave what was wanted.
  if (arrived?.source !== undefined) unfit.delete(arrived.source);
  const doubted = row?.replicas.filter(({ store, versionId }) => unfit.has(store) && versionId === request.versionId);
  const doubtedSources = (doubted ?? []).map(({ store, token }) => ({ store, token }));
  // A copy on the way that is given up is not tried again by itself: who waits for it hears of it, and looks for another way.
  const isOver = decision.request.state === 'FAILED' || decision.request.state === 'NO_SOURCES';
  if (request.reason === 'relay' && isOver) {
    const given = { request: { state: 'CANCELLED', why: whyOf(decision.request) }, replica: 'drop' } as const;
    return {
      kind: 'failed',
      isCopyUnwanted,
      outcome: { ...common, ...given, stuck: undefined, doubtedSources },
    };
  }
  return {
    kind: KINDS[decision.request.state],
    isCopyUnwanted,
    outcome: {
      ...common,
      request: requestAfter(decision.request, nowMs),
      replica: replicaAfter(row, decision.replica, arrived),
      ...(sha256 === undefined ? {} : { sha256 }),
      readSource: ended.readSource,
      ...(outcome.kind === 'relayed' ? { relay: outcome.relay } : {}),
      stuck: lock?.kind === 'got-stuck' ? lock.reason : undefined,
      doubtedSources,
    },
  };
}

const RECORDED = {
  arrived: 'arrived',
  interrupted: 'interrupted',
  'not-needed': 'interrupted',
  failed: 'failed',
  'no-source': 'no-source',
  'held-back': 'held-back',
  relayed: 'held-back',
} as const satisfies Record<AttemptOutcome['kind'], NonNullable<TransferOutcome['attempt']>['outcome']>;

function attemptOf(
  planned: PlannedTransfer | undefined,
  outcome: AttemptOutcome,
  arrived: Arrived | undefined,
): TransferOutcome['attempt'] {
  const failed = outcome.kind === 'failed' ? outcome.failure : undefined;
  const way = planned === undefined ? undefined : (failed ?? wayFrom(planned, arrived?.source));
  return {
    source: way?.source,
    protocol: way?.protocol,
    outcome: RECORDED[outcome.kind],
    failure: outcome.kind === 'failed' ? outcome.failure : undefined,
    error: 'why' in outcome ? outcome.why : undefined,
  };
}

function whyOf(after: RequestAfter): string {
  return 'why' in after ? after.why : after.state;
}

type RequestAfter = Extract<ReturnType<typeof decideOutcome>, { readonly kind: 'decided' }>['request'];

function requestAfter(after: RequestAfter, nowMs: number): TransferOutcome['request'] {
  if (after.state === 'DONE' || after.state === 'CANCELLED') return after;
  const { state, attempts, timesStuck, nextAttemptMs, why } = after;
  return { state, attempts, timesStuck, afterMs: Math.max(0, nextAttemptMs - nowMs), why };
}

function replicaAfter(
  row: TransferRow | undefined,
  state: TransferRow['replica'],
  arrived: Arrived | undefined,
): TransferOutcome['replica'] {
  if (row === undefined || state === row.replica) return undefined;
  if (state === undefined) return 'drop';
  const { token, verification } = arrived ?? { token: undefined, verification: 'none' as const };
  return { state, place: row.place, token, verification };
}
