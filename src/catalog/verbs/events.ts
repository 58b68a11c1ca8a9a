import type { Catalog, EventRecord, NewEvent } from '../../ports/catalog.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/** The newest events are kept, up to this number. */
export const EVENTS_MAX = 100_000;

/** So many at once are written by one statement. */
const EVENTS_BATCH = 500;

export async function recordEvents(session: Session, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  let newest = 0;
  for (let from = 0; from < events.length; from += EVENTS_BATCH) {
    const made = await session.db
      .insertInto('event')
      .values(
        events.slice(from, from + EVENTS_BATCH).map(({ kind, scope, name, store, detail }) => ({
          kind,
          scope,
          name: name ?? null,
          store: store ?? null,
          detail,
          at_ms: nowMs(session),
        })),
      )
      .returning('id')
      .execute();
    newest = Math.max(newest, ...made.map(({ id }) => id));
  }
  await session.db
    .deleteFrom('event')
    .where('id', '<=', newest - EVENTS_MAX)
    .execute();
}

export async function listEvents(
  session: Session,
  query: Parameters<Catalog['listEvents']>[0],
): Promise<readonly EventRecord[]> {
  const { after, limit, scope } = query;
  const rows = await session.db
    .selectFrom('event')
    .selectAll()
    .$if(after !== undefined, (select) => select.where('id', '>', after ?? 0))
    .$if(scope !== undefined, (select) => select.where('scope', '=', scope ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id, at_ms, kind, scope, name, store, detail }) => ({
    id,
    atMs: at_ms,
    kind,
    scope,
    ...(name === null ? {} : { name }),
    ...(store === null ? {} : { store }),
    detail,
  }));
}
