import { sql } from 'kysely';
import type { StoreSaid, StoreUse } from '../../ports/rules.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/** Results of routes that are told of. */
const RECENT_HOURS = 24;
const HOUR_MS = 3_600_000;

type RecentRow = {
  readonly target: number;
  readonly place: string;
  readonly succeeded: number;
  readonly failed: number;
};

export async function readStoreUse(session: Session): Promise<readonly StoreUse[]> {
  const { db, engine } = session;
  const stores = await db
    .selectFrom('store')
    .leftJoin('store_space', 'store_space.store', 'store.id')
    .leftJoin('store_setting', 'store_setting.store', 'store.id')
    .leftJoin('store_absence', (join) =>
      join.onRef('store_absence.store', '=', 'store.id').on('store_absence.answered_ms', 'is', null),
    )
    .select(['store.id', 'store.place', 'store.title', 'used', 'reserved', 'leaving', 'pending', 'allocated', 'said'])
    .select(['since_ms', 'marked'])
    .orderBy('store.place')
    .execute();
  const { rows: recent } = await sql<RecentRow>`
    select r.target, s.place, cast(sum(r.succeeded) as ${sql.raw(engine.ddl.int)}) as succeeded,
      cast(sum(r.failed) as ${sql.raw(engine.ddl.int)}) as failed
    from route_result r join store s on s.id = r.source
    where r.hour > ${nowMs(session)} / ${sql.lit(HOUR_MS)} - ${sql.lit(RECENT_HOURS)}
    group by r.target, s.place order by s.place`.execute(db);
  const { rows: scopes } = await sql<{ readonly source: number; readonly name: string }>`
    select s.source, s.name from scope s where exists (select 1 from object o where o.scope = s.id) order by s.id`.execute(
    db,
  );
  const bySource = Map.groupBy(scopes, ({ source }) => source);
  const byTarget = Map.groupBy(recent, ({ target }) => target);
  return stores.map((row) => ({
    store: row.place,
    title: row.title,
    completedBytes: row.used ?? 0,
    inFlightBytes: row.reserved ?? 0,
    leavingBytes: row.leaving ?? 0,
    pendingRequests: row.pending ?? 0,
    recent: (byTarget.get(row.id) ?? []).map(({ place, succeeded, failed }) => ({ source: place, succeeded, failed })),
    sourceOf: (bySource.get(row.id) ?? []).map(({ name }) => name),
    away: row.since_ms === null ? undefined : { sinceMs: row.since_ms, areCopiesUnavailable: (row.marked ?? 0) > 0 },
    said: {
      ...(row.said === null ? {} : (JSON.parse(row.said) as StoreSaid)),
      ...(row.allocated === null ? {} : { allocatedBytes: row.allocated }),
    },
  }));
}

export async function setStore(session: Session, place: string, said: StoreSaid): Promise<void> {
  const { db } = session;
  const store = await session.known.stores.requireId(session, place);
  const { allocatedBytes, availability } = said;
  if (allocatedBytes !== undefined) {
    await db
      .insertInto('store_space')
      .values({ store, used: 0, reserved: 0, leaving: 0, pending: 0, allocated: allocatedBytes })
      .onConflict((conflict) => conflict.column('store').doUpdateSet({ allocated: allocatedBytes }))
      .execute();
  }
  if (availability === undefined) return;
  const row = await db.selectFrom('store_setting').select('said').where('store', '=', store).executeTakeFirst();
  const before = row === undefined ? {} : (JSON.parse(row.said) as StoreSaid);
  const now = nowMs(session);
  const { movedTo } = before;
  const text = JSON.stringify(
    availability === null
      ? { ...(movedTo === undefined ? {} : { movedTo }), availability: {} }
      : { ...before, availability: { ...before.availability, ...availability } },
  );
  await db
    .insertInto('store_setting')
    .values({ store, said: text, updated_ms: now })
    .onConflict((conflict) => conflict.column('store').doUpdateSet({ said: text, updated_ms: now }))
    .execute();
}
