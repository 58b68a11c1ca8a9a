import { sql } from 'kysely';
import type { StoreHeld } from '../../ports/store-places.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/**
 * Who has to do with stores now: a process that runs knows them by their places, so what it does at one of them would be recorded of
 * another, or of none. `ids` are the numbers of those places that have one.
 */
export async function findAtWork(
  session: Session,
  places: readonly string[],
  ids: readonly number[],
): Promise<StoreHeld | undefined> {
  const sync = await findSync(session, places, ids);
  if (sync !== undefined) return { kind: 'held', by: 'sync', sinceMs: sync };
  const worker = (await findRequest(session, ids)) ?? (await findPages(session, places));
  return worker === undefined ? undefined : { kind: 'held', by: 'worker', sinceMs: worker };
}

async function findSync(
  session: Session,
  places: readonly string[],
  ids: readonly number[],
): Promise<number | undefined> {
  const running = await session.db
    .selectFrom('sync')
    .where('state', '=', 'running')
    .where('until_ms', '>', nowMs(session))
    .where(({ or, eb, exists, selectFrom }) =>
      or([
        eb('scope', 'in', (query) =>
          query
            .selectFrom('scope')
            .select('name')
            .where('source', 'in', [...ids, NO_STORE]),
        ),
        eb('source', 'in', places),
        exists(
          selectFrom('sync_target')
            .select('sync')
            .whereRef('sync_target.sync', '=', 'sync.id')
            .where('target', 'in', places),
        ),
      ]),
    )
    .select('started_ms')
    .executeTakeFirst();
  return running?.started_ms;
}

/** No store has this number. */
const NO_STORE = -1;

async function findRequest(session: Session, ids: readonly number[]): Promise<number | undefined> {
  if (ids.length === 0) return undefined;
  const claimed = await session.db
    .selectFrom('request')
    .where('state', '=', 'SUBMITTED')
    .where('due_ms', '>', nowMs(session))
    .where(({ or, eb }) => or([eb('store', 'in', ids), eb('source', 'in', ids)]))
    .select('updated_ms')
    .executeTakeFirst();
  return claimed?.updated_ms;
}

/** Pages that workers carry out for no sync: of a verify. */
async function findPages(session: Session, places: readonly string[]): Promise<number | undefined> {
  const { rows } = await sql<{ stores: string; created_ms: number }>`
    select stores, created_ms from page_job where sync is null and until_ms > ${nowMs(session)}`.execute(session.db);
  return rows.find(({ stores }) => places.some((place) => stores.includes(JSON.stringify(place))))?.created_ms;
}
