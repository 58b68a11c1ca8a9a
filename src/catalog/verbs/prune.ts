import { sql } from 'kysely';
import { nowMs } from '../now.ts';
import { forgetAttempts } from '../rules/attempts.ts';
import type { Session } from '../session.ts';
import { prunePageJobs } from './page-jobs.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Outcomes of operations are kept so long for repeats. */
const OPERATION_RETENTION_MS = 7 * DAY_MS;

/** Requests that were cancelled are shown so long. */
const CANCELLED_RETENTION_MS = DAY_MS;

/** How transfers went on a route is told of for a day. */
const ROUTE_RETENTION_MS = 7 * DAY_MS;

/** What lost a conflict is kept for a day after its end, and known as such for two. */
const CONFLICT_RETENTION_MS = 2 * DAY_MS;

/** Ended syncs are shown so long; a run can be resumed no later. */
const SYNC_RETENTION_MS = 90 * DAY_MS;

/**
 * Forgets up to `limit` versions that another one followed and no store holds any more, and what is kept for a time only.
 * Returns how many versions went.
 */
export async function prune(session: Session, limit: number): Promise<number> {
  const { db } = session;
  const now = nowMs(session);
  const { rows } = await sql<{ id: number }>`
    delete from version where id in (
      select v.id from version v where v.superseded = 1
        and not exists (select 1 from replica p where p.object = v.object and p.version = v.id)
        and not exists (select 1 from sibling s where s.object = v.object and s.version = v.id)
        and not exists (select 1 from journal j where j.version = v.id)
      limit ${limit})
    returning id`.execute(db);
  await sql`delete from operation where created_ms < ${now} - ${OPERATION_RETENTION_MS}`.execute(db);
  const { rows: cancelled } = await sql<{ id: number }>`
    delete from request where state = 'CANCELLED' and updated_ms < ${now} - ${CANCELLED_RETENTION_MS} returning id`.execute(
    db,
  );
  await forgetAttempts(
    session,
    cancelled.map(({ id }) => id),
  );
  await sql`delete from route_result where hour < (${now} - ${ROUTE_RETENTION_MS}) / ${HOUR_MS}`.execute(db);
  await sql`delete from ended_conflict where ended_ms < ${now} - ${CONFLICT_RETENTION_MS}`.execute(db);
  await sql`delete from sync where state <> 'running' and updated_ms < ${now} - ${SYNC_RETENTION_MS}`.execute(db);
  await prunePageJobs(session);
  return rows.length;
}
