import { sql } from 'kysely';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/** One walk to the next priority that has anything claimable at some time, so that requests not yet due are skipped at once. */
export async function nextPriority(session: Session, after: number | undefined): Promise<number | undefined> {
  const { next } = await session.db
    .selectFrom('request')
    .where('due_ms', 'is not', null)
    .where('lane', 'is', null)
    .$if(after !== undefined, (query) => query.where('priority', '>', after ?? 0))
    .select(({ fn }) => fn.min<number | null>('priority').as('next'))
    .executeTakeFirstOrThrow();
  return next ?? undefined;
}

/** `nextPriority` of all, and whether requests are due that are sorted into lanes: one question. */
export async function firstPriority(
  session: Session,
): Promise<{ readonly priority: number | undefined; readonly isSorted: boolean }> {
  const { rows } = await sql<{ next: number | null; sorted: number }>`
    select (select priority from request where due_ms is not null and lane is null order by priority limit 1) as next,
      case when exists (select 1 from request s where s.lane is not null and s.due_ms is not null
        and s.due_ms <= ${nowMs(session)}) then 1 else 0 end as sorted`.execute(session.db);
  return { priority: rows[0]?.next ?? undefined, isSorted: rows[0]?.sorted === 1 };
}
