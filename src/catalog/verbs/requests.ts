import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { Catalog, Lease, RequestKind, RequestOutcome, RequestRecord } from '../../ports/catalog.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import { stuckWaitMs } from '../../domain/rule/stuck-retry.ts';
import { settleTransfers } from '../rules/settle-transfers.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';

const renew: SetStatement = {
  columns: { id: 'int', token: 'int', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update request set due_ms = ${nowMs} + r.lease, updated_ms = ${nowMs} from ${rows}
     where request.id = r.id and request.token = r.token and request.state = 'SUBMITTED' returning request.id, request.priority`,
};

/** The priority of each: undefined where its lease is lost. */
export async function renewRequests(
  session: Session,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<readonly (number | undefined)[]> {
  const renewed = leases.map((): number | undefined => undefined);
  for (const round of rounds([...leases.entries()], ([, lease]) => String(lease.requestId))) {
    const rows = round.map(([, { requestId, token }]) => [requestId, token, leaseMs]);
    const priorities = new Map(await session.all<[id: number, priority: number]>(renew, rows));
    for (const [at, { requestId }] of round) renewed[at] = priorities.get(requestId);
  }
  return renewed;
}

const held = "request.id = r.id and request.token = r.token and request.state = 'SUBMITTED'";

const done: SetStatement = {
  columns: { id: 'int', token: 'int' },
  text: (rows) =>
    `delete from request where state = 'SUBMITTED' and (id, token) in (select r.id, r.token from ${rows}) returning id`,
};

const retry: SetStatement = {
  columns: { id: 'int', token: 'int', after: 'int', error: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs} + r.after, last_error = r.error, owner = null,
       updated_ms = ${nowMs}
     from ${rows} where ${held} returning request.id`,
};

const holdBack: SetStatement = {
  columns: { id: 'int', token: 'int', after: 'int', error: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs} + r.after, last_error = r.error, owner = null,
       updated_ms = ${nowMs}, attempts = case when request.attempts > 0 then request.attempts - 1 else 0 end
     from ${rows} where ${held} returning request.id`,
};

const giveBack: SetStatement = {
  columns: { id: 'int', token: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, owner = null, updated_ms = ${nowMs},
       attempts = case when request.attempts > 0 then request.attempts - 1 else 0 end
     from ${rows} where ${held} returning request.id`,
};

const end: SetStatement = {
  columns: { id: 'int', token: 'int', state: 'text', error: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = r.state, due_ms = null, last_error = coalesce(r.error, request.last_error), owner = null,
       updated_ms = ${nowMs}
     from ${rows} where ${held} returning request.id`,
};

/** One boolean an outcome: false where its lease is lost, and nothing was changed. */
export async function finishRequests(
  session: Session,
  outcomes: readonly RequestOutcome[],
): Promise<readonly boolean[]> {
  const finished: boolean[] = outcomes.map(() => false);
  const ofRules = await settleOfRules(session, outcomes, finished);
  const others = [...outcomes.entries()].filter(([at]) => !ofRules.has(at));
  for (const round of rounds(others, ([, { lease }]) => String(lease.requestId))) {
    const rows: OutcomeRows = { done: [], giveBack: [], holdBack: [], retry: [], end: [] };
    for (const [, outcome] of round) addRow(rows, outcome);
    const ids = new Set<number>();
    for (const [id] of await session.all<[number]>(done, rows.done)) ids.add(id);
    for (const [id] of await session.all<[number]>(giveBack, rows.giveBack)) ids.add(id);
    for (const [id] of await session.all<[number]>(holdBack, rows.holdBack)) ids.add(id);
    for (const [id] of await session.all<[number]>(retry, rows.retry)) ids.add(id);
    for (const [id] of await session.all<[number]>(end, rows.end)) ids.add(id);
    for (const [at, { lease }] of round) finished[at] = ids.has(lease.requestId);
  }
  return finished;
}

const findOfRules: SetStatement = {
  columns: { i: 'int', id: 'int', token: 'int' },
  text: (rows) =>
    `select r.i, q.attempts, q.times_stuck from ${rows} join request q on q.id = r.id
     where q.token = r.token and q.state = 'SUBMITTED' and q.object is not null`,
};

/** Copies that rules want: what becomes of them concerns their locks. Indexes of the outcomes that were settled so. */
async function settleOfRules(
  session: Session,
  outcomes: readonly RequestOutcome[],
  finished: boolean[],
): Promise<ReadonlySet<number>> {
  const found = await session.all<[at: number, attempts: number, timesStuck: number | null]>(
    findOfRules,
    outcomes.map(({ lease }, i) => [i, lease.requestId, lease.token]),
  );
  const transfers = found.map(([at, attempts, timesStuck]) =>
    toTransfer(
      outcomes[at] as RequestOutcome,
      { attempts, timesStuck: timesStuck ?? 0 },
      session.known.random.fraction(),
    ),
  );
  const settled = await settleTransfers(session, transfers);
  for (const [index, [at]] of found.entries()) finished[at] = settled[index] === true;
  return new Set(found.map(([at]) => at));
}

function toTransfer(
  outcome: RequestOutcome,
  { attempts, timesStuck }: { readonly attempts: number; readonly timesStuck: number },
  fraction: number,
): TransferOutcome {
  const { lease } = outcome;
  const nothing = { lease, attempt: undefined, soft: false, doubtedSources: [], bytes: 0, busyMs: 0 } as const;
  const kept = { ...nothing, replica: undefined, stuck: undefined };
  switch (outcome.kind) {
    case 'done':
      return { ...kept, request: { state: 'DONE' } };
    case 'cancelled':
      return { ...kept, request: { state: 'CANCELLED', why: 'it is not needed any more' }, replica: 'drop' };
    case 'given-back': {
      const before = Math.max(0, attempts - 1);
      return {
        ...kept,
        request: { state: 'QUEUED', attempts: before, timesStuck, afterMs: 0, why: 'its worker was stopped' },
      };
    }
    case 'held-back': {
      const { afterMs, error: why } = outcome;
      const before = Math.max(0, attempts - 1);
      return { ...kept, request: { state: 'QUEUED', attempts: before, timesStuck, afterMs, why } };
    }
    case 'retry': {
      const { afterMs, error: why } = outcome;
      return { ...kept, request: { state: 'QUEUED', attempts, timesStuck, afterMs, why } };
    }
    case 'failed': {
      const { error: why } = outcome;
      const times = timesStuck + 1;
      const afterMs = stuckWaitMs(times, fraction);
      return {
        ...nothing,
        request: { state: 'FAILED', attempts, timesStuck: times, afterMs, why },
        replica: { state: 'UNAVAILABLE', place: '', token: undefined, verification: 'none' },
        stuck: { kind: 'sources-fail', detail: why },
      };
    }
  }
}

type OutcomeRows = Record<'done' | 'giveBack' | 'holdBack' | 'retry' | 'end', SqlValue[][]>;

function addRow(rows: OutcomeRows, outcome: RequestOutcome): void {
  const { requestId, token } = outcome.lease;
  switch (outcome.kind) {
    case 'done':
      rows.done.push([requestId, token]);
      break;
    case 'given-back':
      rows.giveBack.push([requestId, token]);
      break;
    case 'held-back':
      rows.holdBack.push([requestId, token, Math.ceil(outcome.afterMs), outcome.error]);
      break;
    case 'retry':
      rows.retry.push([requestId, token, Math.ceil(outcome.afterMs), outcome.error]);
      break;
    case 'cancelled':
      rows.end.push([requestId, token, 'CANCELLED', null]);
      break;
    case 'failed':
      rows.end.push([requestId, token, 'FAILED', outcome.error]);
      break;
  }
}

/** By id, from after `after`. Requests that were done are gone. */
export async function listRequests(
  session: Session,
  query: Parameters<Catalog['listRequests']>[0],
): Promise<readonly RequestRecord[]> {
  const { state, versionId, after, limit } = query;
  const rows = await session.db
    .selectFrom('request')
    .innerJoin('scope', 'scope.id', 'request.scope')
    .innerJoin('store', 'store.id', 'request.store')
    .leftJoin('store as source', 'source.id', 'scope.source')
    .selectAll('request')
    .select(['scope.name as scope_name', 'store.place', 'source.place as source_place'])
    .$if(state !== undefined, (select) => select.where('request.state', '=', state ?? ''))
    .$if(versionId !== undefined, (select) => select.where('request.version', '=', versionId ?? 0))
    .$if(after !== undefined, (select) => select.where('request.id', '>', after ?? 0))
    .orderBy('request.id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind as RequestKind,
    scope: row.scope_name,
    source: row.source_place ?? undefined,
    name: row.name,
    versionId: row.version,
    store: row.place,
    reason: row.reason as RequestRecord['reason'],
    priority: row.priority,
    state: row.state as RequestState,
    attempts: row.attempts,
    lastError: row.last_error ?? undefined,
    createdMs: row.created_ms,
    nextAttemptMs: row.due_ms ?? row.updated_ms,
  }));
}
