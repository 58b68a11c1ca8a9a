import { type RawBuilder, sql } from 'kysely';
import type { Session } from './session.ts';

/** The database's clock, in a built query. */
export function nowMs(session: Pick<Session, 'engine'>): RawBuilder<number> {
  return sql<number>`${sql.raw(session.engine.nowMs)}`;
}
