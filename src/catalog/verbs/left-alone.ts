import { type RawBuilder, sql } from 'kysely';
import type { NewRequest, RequestClaim } from '../../ports/catalog.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/** What is put off for less is waited for: who has a copy in hand leaves it, the next way is tried. Each wait is longer than the last. */
const MOMENT_MS = 2_000;

/** As a condition on the requests that are due: those that a claim does not leave alone. */
export async function leftAlone(
  session: Session,
  { except = { copiesTo: [], deletesAt: [] }, putOffWithinMs }: Pick<RequestClaim, 'except' | 'putOffWithinMs'>,
): Promise<RawBuilder<unknown>> {
  const stores = sql`${await exceptAt(session, 'copy', except.copiesTo)} ${await exceptAt(session, 'delete', except.deletesAt)}`;
  if (putOffWithinMs === undefined) return stores;
  // The run's clock was read before the database's: it has a moment more, in which nothing was put off that was due when it began.
  const sinceMs = sql`${nowMs(session)} - ${sql.lit(Math.ceil(putOffWithinMs) + MOMENT_MS)}`;
  const isPutOff = sql`state in ('QUEUED', 'WAITING') and due_ms > updated_ms + ${sql.lit(MOMENT_MS)}`;
  return sql`${stores} and not (${isPutOff} and updated_ms >= ${sinceMs})`;
}

async function exceptAt(
  session: Session,
  kind: NewRequest['kind'],
  places: readonly string[],
): Promise<RawBuilder<unknown>> {
  const ids: number[] = [];
  for (const place of places) {
    const id = await session.known.stores.findId(session, place);
    if (id !== undefined) ids.push(id);
  }
  return ids.length === 0 ? sql`` : sql`and not (kind = ${sql.lit(kind)} and store in (${sql.join(ids)}))`;
}
