import { sql } from 'kysely';
import type { Session } from '../session.ts';

/**
 * Stores in which nothing was ever placed have no space, and those where no rule has locks no use; of the others nearly all answer with
 * one of their first rows.
 */
export async function holdsPlaced(
  session: Session,
  { place, scope }: { readonly place: string; readonly scope: string },
): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    select s.id from store s
    where (substr(s.place, 1, length(${place})) = ${place} or substr(${place}, 1, length(s.place)) = s.place)
      and (exists (select 1 from store_space u where u.store = s.id)
        and exists (select 1 from replica p join object o on o.id = p.object join scope c on c.id = o.scope
          where p.store = s.id and p.placed is not null
            and (s.place <> ${place} or c.name <> ${scope} or p.place is not null
              or exists (select 1 from object_trait t where t.object = o.id and t.authority is not null)))
      or exists (select 1 from account_use a where a.store = s.id and a.locks > 0)
        and exists (select 1 from lock l join object o on o.id = l.object join scope c on c.id = o.scope
          join replica p on p.object = l.object and p.store = l.store
          where l.store = s.id and (s.place <> ${place} or c.name <> ${scope})))
    limit 1`.execute(session.db);
  return rows.length > 0;
}
