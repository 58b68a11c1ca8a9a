import { sql } from 'kysely';
import type { NearbyStore } from '../../ports/places.ts';
import type { Session } from '../session.ts';

type NearbyRow = {
  readonly place: string;
  readonly title: string;
  readonly is_source: number;
  readonly is_mirror: number;
  readonly may_hold_placed: number;
  readonly is_said: number;
};

/**
 * What is placed takes up space, is claimed, or waits to go; a mirror is a standing one, or was the target of a sync: each by one look,
 * where going through the replicas would be one an object.
 */
export async function listNearby(session: Session, place: string): Promise<readonly NearbyStore[]> {
  const { rows } = await sql<NearbyRow>`
    select s.place, s.title,
      case when exists (select 1 from scope c where c.source = s.id and exists (select 1 from object o where o.scope = c.id))
        then 1 else 0 end as is_source,
      case when exists (select 1 from standing_rule r where r.store = s.id and r.ended_ms is null)
          or exists (select 1 from sync_target t where t.target = s.place)
        then 1 else 0 end as is_mirror,
      case when exists (select 1 from store_space u where u.store = s.id and (u.used <> 0 or u.reserved <> 0 or u.pending <> 0))
          or exists (select 1 from account_use a where a.store = s.id and a.locks > 0)
          or exists (select 1 from replica p where p.store = s.id and p.used_ms is not null)
        then 1 else 0 end as may_hold_placed,
      case when exists (select 1 from store_setting t where t.store = s.id) then 1 else 0 end as is_said
    from store s
    where substr(s.place, 1, length(${place})) = ${place} or substr(${place}, 1, length(s.place)) = s.place
    order by s.place`.execute(session.db);
  return rows
    .filter((row) => row.is_source + row.is_mirror + row.may_hold_placed + row.is_said > 0)
    .map((row) => ({
      store: row.place,
      title: row.title,
      isSource: row.is_source === 1,
      isMirror: row.is_mirror === 1,
      mayHoldPlaced: row.may_hold_placed === 1,
    }));
}
