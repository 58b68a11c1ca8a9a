import type { NewRequest } from '../../ports/catalog.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { keysOf } from './find-objects.ts';

/** A request that waits or runs stays as it is, but for its urgency; one that failed or was cancelled is wished for anew. */
const queue: SetStatement = {
  columns: {
    kind: 'text',
    scope: 'int',
    name: 'text',
    version: 'int',
    store: 'int',
    reason: 'text',
    priority: 'int',
  },
  text: (rows, { nowMs }) =>
    `insert into request (kind, scope, name, version, store, reason, priority, state, attempts, created_ms, due_ms,
       updated_ms, token)
     select r.kind, r.scope, r.name, r.version, r.store, r.reason, r.priority, 'QUEUED', 0, ${nowMs}, ${nowMs}, ${nowMs}, 0
     from ${rows} where true
     on conflict (version, store, kind) do update set
       priority = case when excluded.priority < request.priority then excluded.priority else request.priority end,
       lane = case when excluded.priority < request.priority and request.state <> 'SUBMITTED' then null else request.lane end,
       reason = case when request.due_ms is null then excluded.reason else request.reason end,
       attempts = case when request.due_ms is null then 0 else request.attempts end,
       state = case when request.due_ms is null then 'QUEUED' else request.state end,
       updated_ms = case when request.due_ms is null then excluded.updated_ms else request.updated_ms end,
       due_ms = coalesce(request.due_ms, excluded.due_ms)`,
};

/** Queues work; what is queued already is not queued twice. */
export async function queueRequests(session: Session, requests: readonly NewRequest[]): Promise<void> {
  if (requests.length === 0) return;
  const stores = await session.known.stores.requireIds(
    session,
    requests.map(({ store }) => store),
  );
  const keys = await keysOf(session, requests);
  const rows = new Map<string, SqlValue[]>();
  for (const [at, { kind, versionId, store, reason, priority }] of requests.entries()) {
    const [scope, name] = keys[at] as [number, string];
    const once = `${kind} ${versionId} ${store}`;
    const other = rows.get(once)?.at(-1);
    const urgent = other === undefined ? priority : Math.min(priority, Number(other));
    rows.set(once, [kind, scope, name, versionId, stores.get(store) ?? 0, reason, urgent]);
  }
  await session.run(queue, [...rows.values()]);
}
