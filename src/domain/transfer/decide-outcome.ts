import { type ReplicaEvent, transitionReplica } from '../replica/transition-replica.ts';
import type { LockEvent } from '../rule/lock.ts';
import type { StuckReason } from '../rule/stuck-reason.ts';
import { stuckWaitMs } from '../rule/stuck-retry.ts';
import type { AttemptFacts, OutcomeDecision, RequestAfter } from './attempt.ts';
import { chooseNextWay, isFutile, showsUnfitSource, type WayFailure } from './next-way.ts';
import { type RequestEvent, transitionRequest } from './request-states.ts';
import { halfByChance, retryDelayMs } from './retry.ts';

/** Until something that is held back is looked at again; who held it back lets it go sooner. */
const HELD_BACK_MS = 60_000;

/** What an attempt makes of its request, the replica and its locks (docs/states.md, "Attempts"). */
export function decideOutcome(facts: AttemptFacts): OutcomeDecision {
  const { outcome, replica, nowMs, fraction } = facts;
  // It came by another way meanwhile: whatever this attempt says, there is nothing left to do.
  if (replica === 'AVAILABLE' && outcome.kind !== 'not-needed') return decideArrival(facts);
  switch (outcome.kind) {
    case 'arrived':
      return decideArrival(facts);
    case 'not-needed':
      return decide(facts, 'cancelled', {
        request: { state: 'CANCELLED', why: outcome.why },
        replica: 'copy-withdrawn',
      });
    case 'interrupted':
      return decide(facts, 'interrupted', { request: goOn(facts, 'QUEUED', nowMs, 'its worker was stopped') });
    case 'relayed':
    case 'held-back': {
      const lookAgainMs = nowMs + halfByChance(HELD_BACK_MS, fraction);
      return decide(facts, 'held-back', { request: goOn(facts, 'WAITING', lookAgainMs, outcome.why) });
    }
    case 'no-source':
      return giveUp(facts, 'NO_SOURCES', { kind: 'no-source', detail: outcome.why });
    case 'failed':
      return decideFailure(facts, outcome.failure, outcome.why);
  }
}

function decideArrival(facts: AttemptFacts): OutcomeDecision {
  const { request, replica } = facts;
  if (request === 'DONE') return { kind: 'repeated' };
  const isUnwanted = replica === 'BEING_DELETED' || (replica === undefined && request === 'CANCELLED');
  if (!isUnwanted) {
    return decide(facts, 'arrived', { request: { state: 'DONE' }, replica: 'copied', lock: { kind: 'satisfied' } });
  }
  const why = 'it arrived when nobody wanted it any more';
  return {
    kind: 'decided',
    request: { state: 'CANCELLED', why },
    replica,
    lock: undefined,
    doubtedSource: undefined,
    isCopyUnwanted: true,
  };
}

function decideFailure(facts: AttemptFacts, failure: WayFailure, why: string): OutcomeDecision {
  const { ways, failures, attempts, timesStuck, policy, nowMs, fraction } = facts;
  const unfitSource = showsUnfitSource(failure) ? failure.source : undefined;
  const next = chooseNextWay(ways, failures);
  if (next === undefined || attempts >= policy.attemptsMax) {
    const isWithoutSource = ways.every(({ source, protocol }) =>
      failures.some((one) => one.source === source && one.protocol === protocol && showsUnfitSource(one)),
    );
    const kind = isWithoutSource ? 'no-source' : stuckKindOf(failure);
    const reason = { kind, detail: why } as const;
    return giveUp(facts, isWithoutSource ? 'NO_SOURCES' : 'FAILED', reason, unfitSource);
  }
  // A way that was not tried yet need not wait for the one that failed; what the destination lacks, every way lacks.
  const waits = failure.at === 'destination' ? attempts : next.timesFailed;
  const nextAttemptMs = waits === 0 ? nowMs : nowMs + retryDelayMs(waits, policy, fraction);
  const request = { state: 'QUEUED', attempts, timesStuck, nextAttemptMs, way: next.way, why } as const;
  // What one protocol shows is not held against a source that is asked by another one next.
  const doubtedSource = next.way.source === unfitSource ? undefined : unfitSource;
  return decide(facts, 'attempt-failed', { request, doubtedSource });
}

function giveUp(
  facts: AttemptFacts,
  state: 'FAILED' | 'NO_SOURCES',
  reason: StuckReason,
  doubtedSource?: string,
): OutcomeDecision {
  const { attempts, nowMs, fraction } = facts;
  const timesStuck = facts.timesStuck + 1;
  const retryMs = nowMs + stuckWaitMs(timesStuck, fraction);
  return decide(facts, state === 'FAILED' ? 'attempts-used-up' : 'sources-used-up', {
    request: { state, attempts, timesStuck, nextAttemptMs: retryMs, way: undefined, why: reason.detail },
    replica: 'copy-given-up',
    lock: { kind: 'got-stuck', reason, retryMs },
    doubtedSource,
  });
}

function decide(
  { request: before, replica }: AttemptFacts,
  event: RequestEvent,
  made: {
    readonly request: RequestAfter;
    readonly replica?: ReplicaEvent;
    readonly lock?: LockEvent;
    readonly doubtedSource?: string | undefined;
  },
): OutcomeDecision {
  const transition = transitionRequest(before, event);
  if (transition.kind === 'refused') return transition;
  if (transition.kind === 'unchanged') return { kind: 'repeated' };
  const changed = made.replica === undefined ? undefined : transitionReplica(replica, made.replica);
  return {
    kind: 'decided',
    request: made.request,
    // Something else was learnt of it meanwhile: that stands.
    replica: changed === undefined || changed.kind === 'refused' ? replica : changed.to,
    lock: made.lock,
    doubtedSource: made.doubtedSource,
    isCopyUnwanted: false,
  };
}

/** The attempt says nothing against the request, and is not counted. */
function goOn(facts: AttemptFacts, state: 'QUEUED' | 'WAITING', nextAttemptMs: number, why: string): RequestAfter {
  return {
    state,
    attempts: Math.max(0, facts.attempts - 1),
    timesStuck: facts.timesStuck,
    nextAttemptMs,
    way: undefined,
    why,
  };
}

function stuckKindOf(failure: WayFailure): StuckReason['kind'] {
  if (failure.at !== 'destination') return 'sources-fail';
  if (failure.kind === 'full') return 'destination-full';
  return isFutile(failure) || failure.kind === 'denied' || failure.kind === 'unsupported'
    ? 'destination-refuses'
    : 'destination-fails';
}
