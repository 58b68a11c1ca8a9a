import { type RawBuilder, sql } from 'kysely';
import type { Session } from '../session.ts';

/**
 * SQL expression over a row of `rule` that nobody has claimed: when it is due. What ends or is to be applied at once; the others
 * when they expire, or when placement is tried again for copies that have no place. A locked rule does not expire.
 */
export function dueWhen(session: Session): RawBuilder<number | null> {
  return sql<number | null>`${sql.raw(dueOf(session.engine.nowMs))}`;
}

function dueOf(now: string): string {
  const expires = 'case when locked = 1 then null else expires_ms end';
  return `case when ended_ms is not null or state = 'INJECT' then ${now}
    when state in ('SUSPENDED', 'WAITING_APPROVAL') or look_ms is null then ${expires}
    when ${expires} < look_ms then expires_ms else look_ms end`;
}
