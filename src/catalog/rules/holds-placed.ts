import { sql } from 'kysely';
import type { Session } from '../session.ts';

/** Stores in which nothing was ever placed have no space; of the others nearly all answer with one of their first replicas. */
export async function holdsPlaced(
  session: Session,
  { place, scope }: { readonly place: string; readonly scope: string },
): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    select s.id from store s join store_space u on u.store = s.id
    where (substr(s.place, 1, length(${place})) = ${place} or substr(${place}, 1, length(s.place)) = s.place)
      and exists (select 1 from replica p join object o on o.id = p.object join scope c on c.id = o.scope
        where p.store = s.id and p.placed is not null
          and (s.place <> ${place} or c.name <> ${scope} or p.place is not null
            or exists (select 1 from object_trait t where t.object = o.id and t.authority is not null)))
    limit 1`.execute(session.db);
  return rows.length > 0;
}
