import { type RawBuilder, sql } from 'kysely';
import type { Lock } from '../../domain/rule/lock.ts';
import type { StuckReason } from '../../domain/rule/stuck-reason.ts';
import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { LockQuery, LockRecord } from '../../ports/rules.ts';
import { lockCode, lockName, stateName } from '../codes.ts';
import type { Session } from '../session.ts';
import { toldState } from '../softness.ts';

type LockRow = readonly [
  object: number,
  store: number,
  rule: number,
  scope: number,
  name: string,
  state: number,
  stuckMs: number,
  sinceMs: number | null,
  retryMs: number | null,
  reason: string | null,
  detail: string | null,
  replica: number | null,
  request: number | null,
  requestState: string | null,
  attempts: number | null,
  lastError: string | null,
  nextMs: number | null,
];

type Position = readonly [object: number, store: number, rule: number];

/** In the order of objects, stores, rules: by name or by rule along an index, otherwise through all there are. */
export async function listLocks(session: Session, query: LockQuery): Promise<readonly LockRecord[]> {
  const where = await conditionsOf(session, query);
  if (where === undefined) return [];
  const built = sql`
    select l.object, l.store, l.rule, o.scope, o.name, l.state, l.stuck_ms, l.since_ms, l.retry_ms, l.reason, l.detail,
      case when p.state is null then null else ${sql.raw(toldState('p', 'l.boot'))} end,
      q.id, q.state, q.attempts, q.last_error, coalesce(q.due_ms, l.retry_ms, q.updated_ms)
    from (select lock.*, cast(${session.known.boot} as text) as boot from lock where ${where}
      order by object, store, rule limit ${query.limit}) as l
      join object o on o.id = l.object
      left join replica p on p.object = l.object and p.store = l.store and p.version = o.current
      left join request q on q.version = o.current and q.store = l.store and q.kind = 'copy'
    order by l.object, l.store, l.rule`;
  const rows = await session.arrays<LockRow>({ compile: () => built.compile(session.db) });
  const records: LockRecord[] = [];
  for (const row of rows) records.push(await toRecord(session, row));
  return records;
}

/** Undefined: nothing can be found. */
async function conditionsOf(session: Session, query: LockQuery): Promise<RawBuilder<unknown> | undefined> {
  const { rule, name, state, after } = query;
  const parts = [sql`true`];
  if (name !== undefined) {
    const scope = await session.known.scopes.findId(session, name.scope);
    const object =
      scope === undefined
        ? undefined
        : await session.db
            .selectFrom('object')
            .select('id')
            .where('scope', '=', scope)
            .where('name', '=', name.name)
            .executeTakeFirst();
    if (object === undefined) return undefined;
    parts.push(sql`object = ${object.id}`);
  }
  if (rule !== undefined) parts.push(sql`rule = ${rule}`);
  // Written out: so the index of stuck locks is found.
  if (state !== undefined) parts.push(sql`state = ${sql.lit(lockCode(state))}`);
  if (after !== undefined) {
    const [object, store, afterRule] = JSON.parse(after) as Position;
    parts.push(sql`(object, store, rule) > (${object}, ${store}, ${afterRule})`);
  }
  return sql.join(parts, sql` and `);
}

async function toRecord(session: Session, row: LockRow): Promise<LockRecord> {
  const [object, store, rule, scope, name, , , , , , , replica, request, requestState, attempts, lastError, nextMs] =
    row;
  return {
    at: JSON.stringify([object, store, rule] satisfies Position),
    scope: await session.known.scopes.textOf(session, scope),
    name,
    rule,
    store: await session.known.stores.textOf(session, store),
    lock: decodeLock(row),
    replica: replica === null ? undefined : stateName(replica),
    request:
      request === null
        ? undefined
        : {
            id: request,
            state: requestState as RequestState,
            attempts: attempts ?? 0,
            lastError: lastError ?? undefined,
            nextAttemptMs: nextMs ?? 0,
          },
  };
}

function decodeLock([, , , , , code, stuckMs, sinceMs, retryMs, kind, detail]: LockRow): Lock {
  const state = lockName(code);
  if (state !== 'STUCK') return { state, stuckMs };
  const reason = { kind: kind as StuckReason['kind'], detail: detail ?? '' };
  return { state, stuckMs, reason, sinceMs: sinceMs ?? 0, retryMs: retryMs ?? Number.MAX_SAFE_INTEGER };
}
