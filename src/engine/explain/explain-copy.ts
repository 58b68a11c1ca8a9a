import { stuckMsOf } from '../../domain/rule/lock.ts';
import type { RequestRecord } from '../../ports/catalog.ts';
import type { AttemptRecord, LockRecord, TransferRow } from '../../ports/rules.ts';
import { judgeSources, planTransfer } from '../transfers/plan-transfer.ts';
import { transferFacts } from '../transfers/transfer-facts.ts';
import type { ExplainPorts, StoresSeen } from './explain-ports.ts';
import type { CopyExplained } from './explanation.ts';

/** One copy that is asked for, with all that is known of it. */
export interface CopyFacts {
  /** Place of its store. */
  readonly store: string;
  /** Rules' claims on it. */
  readonly locks: readonly LockRecord[];
  readonly request: RequestRecord | undefined;
  readonly row: TransferRow | undefined;
  readonly attempts: readonly AttemptRecord[];
  readonly sourceExpression: string | undefined;
}

export function explainCopy(ports: ExplainPorts, seen: StoresSeen, facts: CopyFacts): CopyExplained {
  const { store, locks, request, row, attempts } = facts;
  const [lock] = locks.toSorted((a, b) => Number(b.lock.state === 'STUCK') - Number(a.lock.state === 'STUCK'));
  const judged =
    row === undefined || request === undefined ? undefined : judge(ports, seen, { ...facts, row, request });
  const wait = lock === undefined ? describeRequest(request) : describeWait(lock, seen);
  return {
    store: seen.nameOf(store),
    rules: locks.map(({ rule }) => rule),
    lock: lock?.lock.state,
    request: request === undefined ? undefined : { id: request.id, state: request.state, attempts: request.attempts },
    why: wait.isFresh && judged?.notNow !== undefined ? judged.notNow : wait.why,
    nextMs: wait.nextMs,
    stuckMs: Math.max(0, ...locks.map((one) => stuckMsOf(one.lock, seen.nowMs))),
    sources: judged?.ranked ?? [],
    rejected: judged?.rejected ?? [],
    attempts: attempts.map((one) => ({
      ...one,
      source: one.source === undefined ? undefined : seen.nameOf(one.source),
    })),
  };
}

interface Wait {
  readonly why: string;
  readonly nextMs: number | undefined;
  /** Nobody has tried yet. */
  readonly isFresh: boolean;
}

/** What a claim that has no copy yet waits for. */
export function describeWait({ lock, request, store }: LockRecord, seen: StoresSeen): Wait {
  const { stores, useOf, nowMs } = seen;
  if (lock.state === 'STUCK') {
    // Not by itself: its store is away, or its rule is suspended.
    const nextMs = lock.retryMs === Number.MAX_SAFE_INTEGER ? undefined : lock.retryMs;
    return { why: lock.reason.detail, nextMs, isFresh: false };
  }
  if (request === undefined) return { why: 'it is about to be asked for', nextMs: undefined, isFresh: false };
  const wait = describeRequest(request);
  const limit = request.state === 'QUEUED' && request.nextAttemptMs <= nowMs ? seen.whyNotTo(store) : undefined;
  if (limit !== undefined) return { ...wait, why: limit, isFresh: false };
  if (!wait.isFresh || stores.has(store)) return wait;
  return { ...wait, why: `no profile here names the store ${useOf(store)?.title ?? store}` };
}

function describeRequest(
  request: Pick<RequestRecord, 'state' | 'attempts' | 'lastError' | 'nextAttemptMs'> | undefined,
): Wait {
  if (request === undefined) return { why: 'it is about to be asked for', nextMs: undefined, isFresh: false };
  const { state, attempts, lastError, nextAttemptMs: nextMs } = request;
  switch (state) {
    case 'SUBMITTED':
      return { why: 'a worker is copying it', nextMs: undefined, isFresh: false };
    case 'QUEUED':
      if (lastError === undefined) return { why: 'it waits for a worker (pando worker)', nextMs, isFresh: true };
      return { why: attempts === 0 ? lastError : `attempt ${attempts} failed: ${lastError}`, nextMs, isFresh: false };
    case 'WAITING':
      return { why: lastError ?? 'what lies there has to go first', nextMs, isFresh: false };
    case 'FAILED':
    case 'NO_SOURCES':
    case 'CANCELLED':
    case 'DONE':
      return { why: lastError ?? `it is ${state}`, nextMs: undefined, isFresh: false };
  }
}

function judge(
  { topology, clientSite }: ExplainPorts,
  { stores, closed, useOf, nameOf }: StoresSeen,
  facts: CopyFacts & { readonly row: TransferRow; readonly request: RequestRecord },
) {
  const { store, request, row, sourceExpression } = facts;
  const wanted = { ...request, ofRules: { sourceExpression } };
  const planned = transferFacts(wanted, row, useOf(store));
  const surroundings = { stores, closed, clientSite, topology, fraction: 0 };
  const { ranked, rejected } = judgeSources(planned, surroundings);
  const plan = planTransfer(planned, surroundings);
  const notNow = plan.kind === 'not-now' && 'why' in plan.outcome ? plan.outcome.why : undefined;
  // A store that nobody here knows is told by its place.
  return { ranked, rejected: rejected.map((one) => ({ ...one, store: nameOf(one.store) })), notNow };
}
