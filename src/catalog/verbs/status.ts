import { sql } from 'kysely';
import type { CatalogStatus } from '../../ports/catalog-status.ts';
import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { RequestKind } from '../../ports/catalog.ts';
import { stateName, TOMBSTONE } from '../codes.ts';
import type { Session } from '../session.ts';
import { countLost } from './count-lost.ts';
import { isSoft, toldState } from '../softness.ts';

/** Counts by walking the tables: milliseconds for thousands of objects, seconds for millions. */
export async function readStatus(session: Session): Promise<CatalogStatus> {
  const { db } = session;
  const versions = await sql<{ current: number; tombstone: number; count: number }>`
    select case when superseded = 0 then 1 else 0 end as current, case when kind = ${TOMBSTONE} then 1 else 0 end as tombstone,
      count(*) as count from version group by 1, 2`.execute(db);
  const replicas = await sql<{
    place: string;
    title: string;
    state: number;
    soft: number;
    count: number;
    bytes: number;
  }>`
    select store.place, store.title, p.state, p.soft, p.count, p.bytes from (
      select r.store, ${sql.raw(toldState('r', 'b.boot'))} as state, ${sql.raw(isSoft('r', 'b.boot'))} as soft,
        count(*) as count, cast(coalesce(sum(v.size), 0) as ${sql.raw(session.engine.ddl.int)}) as bytes
      from (select cast(${session.known.boot} as text) as boot) as b cross join replica r join version v on v.id = r.version
      group by 1, 2, 3
    ) as p join store on store.id = p.store order by store.place, p.state, p.soft`.execute(db);
  const requests = await sql<{ kind: RequestKind; state: RequestState; count: number }>`
    select kind, state, count(*) as count from request group by kind, state order by kind, state`.execute(db);

  const count = (kind: 'object' | 'tombstone') =>
    versions.rows.find((row) => row.current === 1 && row.tombstone === (kind === 'tombstone' ? 1 : 0))?.count ?? 0;
  return {
    objects: count('object'),
    tombstones: count('tombstone'),
    versions: versions.rows.reduce((sum, row) => sum + row.count, 0),
    journalEntries: await countRows(session, 'journal'),
    replicas: replicas.rows.map(({ place, title, state, soft, count, bytes }) => ({
      store: place,
      title,
      state: stateName(state),
      soft: soft === 1,
      count,
      bytes,
    })),
    requests: requests.rows,
    lost: await countLost(session),
    intents: await countRows(session, 'intent'),
  };
}

async function countRows(session: Session, table: 'journal' | 'intent'): Promise<number> {
  const { count } = await session.db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
