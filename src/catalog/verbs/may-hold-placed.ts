import { sql } from 'kysely';
import type { Session } from '../session.ts';

/** What takes up space, is claimed, or waits to go: each by one look, where going through the replicas would be one an object. */
export async function mayHoldPlaced(session: Session, place: string): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    select s.id from store s where s.place = ${place} and (
      exists (select 1 from store_space u where u.store = s.id and (u.used <> 0 or u.reserved <> 0 or u.pending <> 0))
      or exists (select 1 from account_use a where a.store = s.id and a.locks > 0)
      or exists (select 1 from replica p where p.store = s.id and p.used_ms is not null))`.execute(session.db);
  return rows.length > 0;
}
