import { type RawBuilder, sql } from 'kysely';
import type { ClaimedRequest, NewRequest, RequestClaim } from '../../ports/catalog.ts';
import type { RequestState } from '../../domain/transfer/request-states.ts';
import { enterBarrier } from '../barrier.ts';
import { keepLostAttempts } from '../rules/attempts.ts';
import { chooseWithinLimits, leaveSources } from '../rules/claim-within-limits.ts';
import { putBackSorted } from '../rules/lanes.ts';
import { leftAlone } from './left-alone.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement } from '../session.ts';
import { firstPriority, nextPriority } from './due-priorities.ts';

/** One claim hands out so many at most. */
const CLAIM_MAX = 10_000;

interface DueRequest {
  readonly id: number;
  readonly kind: NewRequest['kind'];
  readonly scope: number;
  readonly name: string;
  readonly version: number;
  readonly store: number;
  readonly reason: NewRequest['reason'];
  readonly priority: number;
  readonly state: RequestState;
  /** Of copies that rules want; null otherwise. */
  readonly bytes: number | null;
  readonly activity: string | null;
  readonly source_expression: string | null;
  readonly times_stuck: number | null;
}

const lend: SetStatement = {
  columns: { id: 'int', owner: 'text', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'SUBMITTED', attempts = request.attempts + 1, token = request.token + 1,
       owner = r.owner, due_ms = ${nowMs} + r.lease, updated_ms = ${nowMs}
     from ${rows} where request.id = r.id returning request.id, request.token, request.attempts`,
};

const findCurrent: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text', version: 'int' },
  text: (rows) =>
    `select r.i from ${rows} join object o on o.scope = r.scope and o.name = r.name where o.current = r.version`,
};

const cancel: SetStatement = {
  columns: { id: 'int', why: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = 'CANCELLED', due_ms = null, owner = null, last_error = r.why, updated_ms = ${nowMs}
     from ${rows} where request.id = r.id`,
};

/**
 * Hands out what is due: the most urgent priority first, within it what has been due for longest. A request whose lease ran
 * out is due again. Copies of a version that is not current any more are cancelled on the way (I5).
 */
export async function claimRequests(session: Session, claim: RequestClaim): Promise<readonly ClaimedRequest[]> {
  await enterBarrier(session, 'moves');
  const limit = Math.min(claim.limit, CLAIM_MAX);
  if (claim.limits !== undefined)
    return claimWithin(session, claim, { limit, limits: claim.limits, left: await leftAlone(session, claim) });
  const filter = await filterOf(session, claim);
  if (filter === undefined) return [];
  const claimed: ClaimedRequest[] = [];
  let priority = await mostUrgent(session, claim);
  while (priority !== undefined && claimed.length < limit) {
    const wanted = limit - claimed.length;
    const due = await lockDue(session, { priority, wanted, filter });
    const current = await cancelOutdated(session, due);
    claimed.push(...(await lendTo(session, claim, current)));
    if (due.length < wanted) priority = await nextPriority(session, priority);
  }
  return claimed;
}

/** Where others sort, what they have sorted and not taken is everybody's. */
async function mostUrgent(session: Session, { work }: RequestClaim): Promise<number | undefined> {
  if (work === 'of-scopes' || work === 'other-deletes') return nextPriority(session, undefined);
  const { priority, isSorted } = await firstPriority(session);
  if (!isSorted) return priority;
  await putBackSorted(session);
  return nextPriority(session, undefined);
}

async function claimWithin(
  session: Session,
  claim: RequestClaim,
  given: Parameters<typeof chooseWithinLimits>[1],
): Promise<readonly ClaimedRequest[]> {
  for (;;) {
    const chosen = await chooseWithinLimits(session, given);
    const due = await lockChosen(
      session,
      chosen.map(({ id }) => id),
    );
    const locked = new Set(due.map(({ id }) => id));
    await leaveSources(
      session,
      chosen.filter(({ id }) => locked.has(id)),
    );
    const current = await cancelOutdated(session, due);
    // What was not current any more has made room for others.
    if (current.length > 0 || due.length === 0) return lendTo(session, claim, current);
  }
}

const lock: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { nowMs, skipLocked }) =>
    `select q.id, q.kind, q.scope, q.name, q.version, q.store, q.reason, q.priority, q.state, q.bytes, q.activity,
       q.source_expression, q.times_stuck
     from ${rows} join request q on q.id = r.id where q.due_ms <= ${nowMs} ${skipLocked}`,
};

type DueRow = readonly [
  id: number,
  kind: NewRequest['kind'],
  scope: number,
  name: string,
  version: number,
  store: number,
  reason: NewRequest['reason'],
  priority: number,
  state: RequestState,
  bytes: number | null,
  activity: string | null,
  sourceExpression: string | null,
  timesStuck: number | null,
];

/** In the order given; without those that are not due any more, or that somebody has his hands on. */
async function lockChosen(session: Session, ids: readonly number[]): Promise<readonly DueRequest[]> {
  const rows = await session.all<DueRow>(
    lock,
    ids.map((id) => [id]),
  );
  const found = new Map(rows.map((row) => [row[0], row]));
  return ids.flatMap((id) => {
    const row = found.get(id);
    if (row === undefined) return [];
    const [, kind, scope, name, version, store, reason, priority, state, bytes, activity] = row;
    const [source_expression, times_stuck] = [row[11], row[12]];
    const known = { id, kind, scope, name, version, store, reason, priority, state, bytes, activity };
    return [{ ...known, source_expression, times_stuck }];
  });
}

/** Of a delete: by a rule or an upload, at a store that its scope need not know. */
const PLACED = sql`exists (select 1 from object o join replica p on p.object = o.id
  where o.scope = request.scope and o.name = request.name and p.store = request.store and p.version = request.version
    and p.placed is not null)`;

/** Which requests the claim is about, as a condition; undefined: none. */
async function filterOf(session: Session, claim: RequestClaim): Promise<RawBuilder<unknown> | undefined> {
  const ofWork = await filterOfWork(session, claim);
  return ofWork && sql`${ofWork} ${await leftAlone(session, claim)}`;
}

async function filterOfWork(
  session: Session,
  { work, scopes }: RequestClaim,
): Promise<RawBuilder<unknown> | undefined> {
  if (work === 'rule-copies') return sql`and activity is not null`;
  const ids = scopes === undefined ? undefined : await knownScopes(session, scopes);
  if (work === 'other-deletes') {
    const others =
      ids === undefined || ids.length === 0 ? sql`` : sql`and (scope not in (${sql.join(ids)}) or ${PLACED})`;
    return sql`and kind = 'delete' ${others}`;
  }
  if (ids?.length === 0) return undefined;
  const ofScopes = ids === undefined ? sql`` : sql`and scope in (${sql.join(ids)})`;
  return work === undefined ? ofScopes : sql`and activity is null and not (kind = 'delete' and ${PLACED}) ${ofScopes}`;
}

async function knownScopes(session: Session, names: readonly string[]): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const name of names) {
    const id = await session.known.scopes.findId(session, name);
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

async function lockDue(
  session: Session,
  wish: { readonly priority: number; readonly wanted: number; readonly filter: RawBuilder<unknown> },
): Promise<readonly DueRequest[]> {
  const { priority, wanted, filter } = wish;
  const { rows } = await sql<DueRequest>`
    select id, kind, scope, name, version, store, reason, priority, state, bytes, activity, source_expression, times_stuck
    from request
    where due_ms is not null and lane is null and priority = ${priority} and due_ms <= ${nowMs(session)}
      ${filter}
    order by due_ms, id limit ${wanted} ${sql.raw(session.engine.skipLocked)}`.execute(session.db);
  return rows;
}

async function cancelOutdated(session: Session, due: readonly DueRequest[]): Promise<readonly DueRequest[]> {
  const copies = due.filter(({ kind }) => kind === 'copy');
  const wanted = await session.all<[at: number]>(
    findCurrent,
    copies.map(({ scope, name, version }, at) => [at, scope, name, version]),
  );
  const current = new Set(wanted.map(([at]) => at));
  const outdated = new Set(copies.filter((_, at) => !current.has(at)));
  await session.run(
    cancel,
    [...outdated].map(({ id }) => [id, 'the object has changed since']),
  );
  return due.filter((request) => !outdated.has(request));
}

async function lendTo(
  session: Session,
  claim: RequestClaim,
  due: readonly DueRequest[],
): Promise<readonly ClaimedRequest[]> {
  const lost = due.filter(({ state, activity }) => state === 'SUBMITTED' && activity !== null);
  await keepLostAttempts(
    session,
    lost.map(({ id }) => id),
  );
  const lent = await session.all<[id: number, token: number, attempts: number]>(
    lend,
    due.map(({ id }) => [id, claim.owner, claim.leaseMs]),
  );
  const leases = new Map(lent.map(([id, token, attempts]) => [id, { token, attempts }]));
  const claimed: ClaimedRequest[] = [];
  for (const request of due) {
    const { id, kind, scope, name, version, store, reason, priority } = request;
    const lease = leases.get(id);
    if (lease === undefined) continue;
    claimed.push({
      kind,
      scope: await session.known.scopes.textOf(session, scope),
      name,
      versionId: version,
      store: await session.known.stores.textOf(session, store),
      reason,
      priority,
      lease: { requestId: id, token: lease.token },
      attempts: lease.attempts,
      ...ofRules(request),
    });
  }
  return claimed;
}

function ofRules({ bytes, activity, source_expression, times_stuck }: DueRequest): Pick<ClaimedRequest, 'ofRules'> {
  if (activity === null) return {};
  const sourceExpression = source_expression ?? undefined;
  return { ofRules: { bytes: bytes ?? 0, activity, sourceExpression, timesStuck: times_stuck ?? 0 } };
}
