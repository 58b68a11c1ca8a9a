import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import type { LockOwner, SeenObject } from './seen.ts';

/** Until a request that waits for a delete is looked at again; the delete lets it go sooner. */
const WAITING_MS = 60_000;

/** A copy that locks ask for. */
export interface CopyWish {
  readonly object: SeenObject;
  readonly store: number;
  readonly owner: Pick<LockOwner, 'activity' | 'sourceExpression'>;
  /** `relay`: no lock asks for it, but a request that goes on from there. */
  readonly reason: 'rule' | 'relay';
  readonly priority: number;
  /** What was there before is on its way out: first its bytes have to go. */
  readonly waits: boolean;
}

const ask: SetStatement = {
  columns: {
    scope: 'int',
    name: 'text',
    version: 'int',
    store: 'int',
    priority: 'int',
    state: 'text',
    after: 'int',
    object: 'int',
    bytes: 'int',
    activity: 'text',
    source_expression: 'text',
    reason: 'text',
  },
  text: (rows, { nowMs }) =>
    `insert into request (kind, scope, name, version, store, reason, priority, state, attempts, created_ms, due_ms,
       updated_ms, token, object, bytes, activity, source_expression, times_stuck, asked_token)
     select 'copy', r.scope, r.name, r.version, r.store, r.reason, r.priority, r.state, 0, ${nowMs}, ${nowMs} + r.after,
       ${nowMs}, 0, r.object, r.bytes, r.activity, r.source_expression, 0, 0 from ${rows} where true
     on conflict (version, store, kind) do update set
       object = excluded.object, bytes = excluded.bytes,
       activity = coalesce(request.activity, excluded.activity),
       source_expression = case when request.object is null then excluded.source_expression else request.source_expression end,
       times_stuck = coalesce(request.times_stuck, 0),
       asked_token = case when request.due_ms is null then request.token else request.asked_token end,
       priority = case when excluded.priority < request.priority then excluded.priority else request.priority end,
       reason = case when request.reason = 'relay' or (request.due_ms is null and request.reason <> 'upload')
         then excluded.reason else request.reason end,
       attempts = case when request.due_ms is null then 0 else request.attempts end,
       state = case when request.due_ms is null then excluded.state else request.state end,
       updated_ms = case when request.due_ms is null then excluded.updated_ms else request.updated_ms end,
       lane = case when request.due_ms is null or (excluded.priority < request.priority and request.state <> 'SUBMITTED')
         then null else request.lane end,
       due_ms = coalesce(request.due_ms, excluded.due_ms)`,
};

/** Queued once, however often it is asked for; one that is over is asked for anew. */
export async function askForCopies(session: Session, wishes: readonly CopyWish[]): Promise<void> {
  await session.run(
    ask,
    wishes.map(({ object, store, owner, reason, priority, waits }): SqlValue[] => [
      object.scope,
      object.name,
      object.current,
      store,
      priority,
      (waits ? 'WAITING' : 'QUEUED') satisfies RequestState,
      waits ? WAITING_MS : 0,
      object.id,
      object.bytes,
      owner.activity,
      owner.sourceExpression,
      reason,
    ]),
  );
}

const cancel: SetStatement = {
  columns: { version: 'int', store: 'int', why: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = 'CANCELLED', due_ms = null, last_error = r.why, updated_ms = ${nowMs},
       owner = case when request.state = 'SUBMITTED' and request.activity is not null then request.owner end
     from ${rows} where request.version = r.version and request.store = r.store and request.kind = 'copy'
       and request.state <> 'CANCELLED'`,
};

/** By version and store. Who works on one has lost its lease; of a copy for a rule he stays known until he has left it. */
export async function cancelCopies(
  session: Session,
  copies: readonly (readonly [version: number, store: number])[],
  why: string,
): Promise<void> {
  await session.run(
    cancel,
    copies.map(([version, store]) => [version, store, why]),
  );
}

const cancelOfRules: SetStatement = {
  columns: cancel.columns,
  text: (rows, engine) => `${cancel.text(rows, engine)} and request.reason in ('rule', 'upload')`,
};

/** Only what rules and uploads asked for: somebody else may still want the others. */
export async function cancelCopiesOfRules(
  session: Session,
  copies: readonly (readonly [version: number, store: number])[],
  why: string,
): Promise<void> {
  await session.run(
    cancelOfRules,
    copies.map(([version, store]) => [version, store, why]),
  );
}

const findTried: SetStatement = {
  columns: { i: 'int', version: 'int', store: 'int' },
  text: (rows) =>
    `select r.i from ${rows} join request q on q.version = r.version and q.store = r.store and q.kind = 'copy'
     where q.token > 0 and q.reason in ('rule', 'relay')`,
};

/** Indexes of the copies for rules that somebody has had in hand: bytes may lie at the store, though nobody has told so. */
export async function findTriedCopies(
  session: Session,
  copies: readonly (readonly [version: number, store: number])[],
): Promise<ReadonlySet<number>> {
  const tried = await session.all<[number]>(
    findTried,
    copies.map(([version, store], i) => [i, version, store]),
  );
  return new Set(tried.map(([at]) => at));
}

const arrive: SetStatement = {
  columns: { version: 'int', store: 'int' },
  text: (rows) =>
    `delete from request where kind = 'copy' and state not in ('SUBMITTED', 'CANCELLED')
       and (version, store) in (select r.version, r.store from ${rows})`,
};

/** The bytes came by another way. Who works on a request finds that out by itself. */
export async function endArrivedCopies(
  session: Session,
  copies: readonly (readonly [version: number, store: number])[],
): Promise<void> {
  await session.run(arrive, copies);
}

const letGo: SetStatement = {
  columns: { version: 'int', store: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs} from ${rows}
     where request.version = r.version and request.store = r.store and request.kind = 'copy' and request.state = 'WAITING'`,
};

/** What they waited for has happened. */
export async function letCopiesGo(
  session: Session,
  copies: readonly (readonly [version: number, store: number])[],
): Promise<void> {
  await session.run(letGo, copies);
}
