import type { AttemptRecord, TransferOutcome } from '../../ports/rules.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

/** Attempts kept of one request that fails for ever. */
const KEPT_MAX = 50;

const insert: SetStatement = {
  columns: {
    request: 'int',
    number: 'int',
    source: 'int',
    protocol: 'text',
    outcome: 'text',
    at: 'text',
    error_kind: 'text',
    error: 'text',
  },
  text: (rows, { nowMs }) =>
    `insert into attempt (request, number, at_ms, source, protocol, outcome, at, error_kind, error)
     select r.request, r.number, ${nowMs}, r.source, r.protocol, r.outcome, r.at, r.error_kind, r.error from ${rows} where true
     on conflict (request, number) do nothing`,
};

const forgetOld: SetStatement = {
  columns: { request: 'int', upto: 'int' },
  text: (rows) =>
    `delete from attempt where (request, number) in
       (select a.request, a.number from ${rows} join attempt a on a.request = r.request and a.number <= r.upto)`,
};

/** An attempt that did not bring its bytes, with its number: the token of its lease. */
export async function keepAttempts(
  session: Session,
  settled: readonly { readonly outcome: TransferOutcome }[],
): Promise<void> {
  const rows: SqlValue[][] = [];
  for (const { outcome } of settled) {
    const { attempt, lease, request } = outcome;
    if (attempt === undefined || request.state === 'DONE') continue;
    const { source, protocol, outcome: how, failure, error } = attempt;
    const store = source === undefined ? null : await session.known.stores.requireId(session, source);
    const where = [failure?.at ?? null, failure?.kind ?? null, error ?? null] as const;
    rows.push([lease.requestId, lease.token, store, protocol ?? null, how, ...where]);
  }
  await session.run(insert, rows);
  const old = rows.filter(([, token]) => Number(token) > KEPT_MAX);
  await session.run(
    forgetOld,
    old.map(([request = 0, token]) => [request, Number(token) - KEPT_MAX]),
  );
}

const lose: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { nowMs }) =>
    `insert into attempt (request, number, at_ms, source, protocol, outcome)
     select q.id, q.token, ${nowMs}, q.source, q.protocol, 'lost' from ${rows} join request q on q.id = r.id where true
     on conflict (request, number) do nothing`,
};

/** Their leases ran out, and nothing was heard of them. Told before they are lent again. */
export async function keepLostAttempts(session: Session, requests: readonly number[]): Promise<void> {
  await session.run(
    lose,
    requests.map((id) => [id]),
  );
}

const forget: SetStatement = {
  columns: { request: 'int' },
  text: (rows) => `delete from attempt where request in (select r.request from ${rows})`,
};

export async function forgetAttempts(session: Session, requests: readonly number[]): Promise<void> {
  await session.run(
    forget,
    requests.map((id) => [id]),
  );
}

const read: SetStatement = {
  columns: { request: 'int' },
  text: (rows) =>
    `select a.request, a.number, coalesce(q.asked_token, 0), a.at_ms, a.source, a.protocol, a.outcome, a.at, a.error_kind, a.error
     from ${rows} join attempt a on a.request = r.request join request q on q.id = a.request order by a.request, a.number`,
};

type AttemptRow = readonly [
  request: number,
  number: number,
  asked: number,
  atMs: number,
  source: number | null,
  protocol: string | null,
  outcome: AttemptRecord['outcome'],
  at: NonNullable<AttemptRecord['failure']>['at'] | null,
  kind: NonNullable<AttemptRecord['failure']>['kind'] | null,
  error: string | null,
];

/** In the order in which they were made. */
export async function readAttempts(session: Session, requestIds: readonly number[]): Promise<readonly AttemptRecord[]> {
  const rows = await session.all<AttemptRow>(
    read,
    requestIds.map((id) => [id]),
  );
  const records: AttemptRecord[] = [];
  for (const [request, number, asked, atMs, sourceId, protocol, outcome, at, kind, error] of rows) {
    const source = sourceId === null ? undefined : await session.known.stores.textOf(session, sourceId);
    const failure =
      at === null || kind === null ? undefined : { source: source ?? '', protocol: protocol ?? '', at, kind };
    records.push({
      request,
      number,
      isEarlier: number <= asked,
      atMs,
      source,
      protocol: protocol ?? undefined,
      outcome,
      failure,
      error: error ?? undefined,
    });
  }
  return records;
}
