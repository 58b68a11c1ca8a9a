import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { Catalog, Lease, RequestKind, RequestOutcome, RequestRecord } from '../../ports/catalog.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';

const renew: SetStatement = {
  columns: { id: 'int', token: 'int', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update request set due_ms = ${nowMs} + r.lease, updated_ms = ${nowMs} from ${rows}
     where request.id = r.id and request.token = r.token and request.state = 'SUBMITTED' returning request.id`,
};

/** One boolean a lease: false where it is lost. */
export async function renewRequests(
  session: Session,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<readonly boolean[]> {
  const renewed: boolean[] = leases.map(() => false);
  for (const round of rounds([...leases.entries()], ([, lease]) => String(lease.requestId))) {
    const ids = new Set<number>();
    const rows = round.map(([, { requestId, token }]) => [requestId, token, leaseMs]);
    for (const [id] of await session.all<[number]>(renew, rows)) ids.add(id);
    for (const [at, { requestId }] of round) renewed[at] = ids.has(requestId);
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
  for (const round of rounds([...outcomes.entries()], ([, { lease }]) => String(lease.requestId))) {
    const rows: Record<'done' | 'retry' | 'end', SqlValue[][]> = { done: [], retry: [], end: [] };
    for (const [, outcome] of round) addRow(rows, outcome);
    const ids = new Set<number>();
    for (const [id] of await session.all<[number]>(done, rows.done)) ids.add(id);
    for (const [id] of await session.all<[number]>(retry, rows.retry)) ids.add(id);
    for (const [id] of await session.all<[number]>(end, rows.end)) ids.add(id);
    for (const [at, { lease }] of round) finished[at] = ids.has(lease.requestId);
  }
  return finished;
}

function addRow(rows: Record<'done' | 'retry' | 'end', SqlValue[][]>, outcome: RequestOutcome): void {
  const { requestId, token } = outcome.lease;
  switch (outcome.kind) {
    case 'done':
      rows.done.push([requestId, token]);
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
  const { state, after, limit } = query;
  const rows = await session.db
    .selectFrom('request')
    .innerJoin('scope', 'scope.id', 'request.scope')
    .innerJoin('store', 'store.id', 'request.store')
    .innerJoin('store as source', 'source.id', 'scope.source')
    .selectAll('request')
    .select(['scope.name as scope_name', 'store.place', 'source.place as source_place'])
    .$if(state !== undefined, (select) => select.where('request.state', '=', state ?? ''))
    .$if(after !== undefined, (select) => select.where('request.id', '>', after ?? 0))
    .orderBy('request.id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind as RequestKind,
    scope: row.scope_name,
    source: row.source_place,
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
