import { sql } from 'kysely';
import type { PlaceNamed } from '../../ports/store-places.ts';
import type { Session } from '../session.ts';

interface Row {
  readonly place: string;
  readonly scope: string | null;
}

/** The source of a scope is called as the scope is, whatever others called its place since. */
export async function listPlacesNamed(session: Session, title: string): Promise<readonly PlaceNamed[]> {
  const { rows } = await sql<Row>`
    select s.place, c.name as scope from store s left join scope c on
      (c.source = s.id and exists (select 1 from object o where o.scope = c.id))
      or exists (select 1 from standing_rule t where t.store = s.id and t.scope = c.id and t.ended_ms is null)
    where (s.title = ${title} or exists (select 1 from scope own where own.source = s.id and own.name = ${title}))
      and (c.source = s.id
        or exists (select 1 from replica p where p.store = s.id)
        or exists (select 1 from lock l where l.store = s.id)
        or exists (select 1 from request q where q.store = s.id and q.state <> 'CANCELLED'))
    order by s.place, c.name`.execute(session.db);
  const byPlace = Map.groupBy(rows, ({ place }) => place);
  return [...byPlace].map(([place, found]) => ({
    place,
    scopes: found.flatMap(({ scope }) => (scope === null ? [] : [scope])),
  }));
}
