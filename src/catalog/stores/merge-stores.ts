import { type RawBuilder, sql } from 'kysely';
import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { StoreSaid } from '../../ports/store-use.ts';
import { lockCode, PLACED, RELEASED, stateCode, TO_PURGE } from '../codes.ts';
import { CountDeltas, keepCounts } from '../rules/rule-counts.ts';
import { tellContentChanged } from '../rules/tell-rule.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

interface Merge {
  readonly from: number;
  readonly into: number;
}

/**
 * What is known of one store is known of another from now on, by whole sets. Where both have a copy of an object, the one at `into` stands:
 * it was recorded by somebody who looked there. The row of `from` stays, with nothing.
 */
export async function mergeStores(session: Session, merge: Merge): Promise<void> {
  await mergeRequests(session, merge);
  const doubles = await mergeLocks(session, merge);
  await mergeReplicas(session, merge);
  await mergeOthers(session, merge);
  const wrong = await settleLocks(session, merge.into);
  await mergeSetting(session, merge);
  await mergeAbsence(session, merge);
  await sumUse(session, merge);
  await sumSpace(session, merge);
  await tellContentChanged(session, [...doubles, ...wrong]);
}

/**
 * A delete goes where the copy goes. Of copies asked for those go that are there, asked for, or wanted by locks that go. Of the same copy
 * asked for at both, what is still to be done stands, and what rules want.
 */
async function mergeRequests({ db }: Session, { from, into }: Merge): Promise<void> {
  const isLess = sql`request.store = ${into} and request.external_id is null and exists (
    select 1 from request q where q.store = ${from} and q.version = request.version and q.kind = request.kind
      and q.due_ms is not null and (request.due_ms is null or (q.activity is not null and request.activity is null)))`;
  await sql`delete from attempt where request in (select request.id from request where ${isLess})`.execute(db);
  await sql`delete from request where ${isLess}`.execute(db);
  const isMoot = sql`request.store = ${from} and (
    exists (select 1 from request q where q.store = ${into} and q.version = request.version and q.kind = request.kind)
    or exists (select 1 from version v join replica n on n.object = v.object and n.store = ${into}
      where v.id = request.version and (request.kind = 'delete' or n.version = v.id or request.activity is not null)
        and not (${isEmpty('n')} and ${isKnownAt(from, 'n')})))`;
  await sql`delete from attempt where request in (select request.id from request where ${isMoot})`.execute(db);
  await sql`delete from request where ${isMoot}`.execute(db);
  await sql`update request set store = ${into}, lane = null where store = ${from}`.execute(db);
  await sql`update request set source = ${into}, lane = null where source = ${from}`.execute(db);
  await sql`update attempt set source = ${into} where source = ${from}`.execute(db);
}

/** Two copies of a rule that are one now are one lock. Returns the rules that have fewer. */
async function mergeLocks(session: Session, { from, into }: Merge): Promise<readonly number[]> {
  const isDouble = sql`lock.store = ${from} and exists (select 1 from lock other
    where other.object = lock.object and other.store = ${into} and other.rule = lock.rule)`;
  const short = await removeLocks(session, isDouble);
  await sql`update lock set store = ${into} where store = ${from}`.execute(session.db);
  return short;
}

async function removeLocks(session: Session, which: RawBuilder<unknown>): Promise<readonly number[]> {
  const { db } = session;
  const { rows } = await sql<{ rule: number; state: number; count: number }>`
    select lock.rule, lock.state, count(*) as count from lock where ${which} group by lock.rule, lock.state`.execute(
    db,
  );
  await sql`delete from lock where ${which}`.execute(db);
  const counts = new CountDeltas();
  for (const { rule, state, count } of rows) for (let n = 0; n < count; n++) counts.add(rule, state, undefined);
  await keepCounts(session, counts);
  return rows.map(({ rule }) => rule);
}

/** Of a replica: nothing lies there yet, or nothing came. */
function isEmpty(row: string): RawBuilder<unknown> {
  return sql`(${sql.ref(row)}.state = ${sql.lit(stateCode('COPYING'))}
    or (${sql.ref(row)}.state = ${sql.lit(stateCode('UNAVAILABLE'))} and ${sql.ref(row)}.token is null))`;
}

function isKnownAt(store: number, row: string): RawBuilder<unknown> {
  return sql`exists (select 1 from replica known where known.object = ${sql.ref(row)}.object and known.store = ${store}
    and not ${isEmpty('known')})`;
}

/** Where nobody has looked, what is known at the other place stands. */
async function mergeReplicas({ db }: Session, { from, into }: Merge): Promise<void> {
  await sql`delete from replica where store = ${into} and ${isEmpty('replica')} and ${isKnownAt(from, 'replica')}`.execute(
    db,
  );
  await sql`delete from replica where store = ${from}
    and exists (select 1 from replica n where n.object = replica.object and n.store = ${into})`.execute(db);
  await sql`update replica set store = ${into} where store = ${from}`.execute(db);
  // What was released there is held again by a lock that came.
  await sql`update replica set placed = ${sql.lit(PLACED)}, used_ms = null
    where store = ${into} and placed in (${sql.lit(RELEASED)}, ${sql.lit(TO_PURGE)})
      and exists (select 1 from object o where o.id = replica.object and o.current = replica.version)
      and exists (select 1 from lock l where l.object = replica.object and l.store = replica.store)`.execute(db);
}

/**
 * Locks that say something else than the copy that is there go, and what was asked for them: their rules place the objects anew. Returns
 * those rules. What nobody holds any more is released.
 */
async function settleLocks(session: Session, store: number): Promise<readonly number[]> {
  const { db } = session;
  const code = (state: ReplicaState): RawBuilder<unknown> => sql.lit(stateCode(state));
  const isThere = sql`exists (select 1 from replica p join object o on o.id = p.object and o.current = p.version
    where p.object = lock.object and p.store = lock.store
      and p.state in (${code('AVAILABLE')}, ${code('TEMPORARY_UNAVAILABLE')}))`;
  const isAskedFor = sql`exists (select 1 from object o join request q on q.version = o.current
    where o.id = lock.object and q.store = lock.store and q.kind = 'copy' and q.due_ms is not null)`;
  const short = await removeLocks(
    session,
    sql`lock.store = ${store} and ((lock.state = ${sql.lit(lockCode('OK'))}) <> (${isThere})
      or (lock.state = ${sql.lit(lockCode('REPLICATING'))} and not (${isAskedFor})))`,
  );
  const isUnwanted = sql`request.store = ${store} and request.kind = 'copy' and request.reason = 'rule'
    and (request.due_ms is not null or request.state in ('FAILED', 'NO_SOURCES'))
    and not exists (select 1 from lock l where l.object = request.object and l.store = request.store
      and l.state <> ${sql.lit(lockCode('OK'))})
    and not exists (select 1 from standing_rule t
      where t.scope = request.scope and t.store = request.store and t.ended_ms is null)`;
  await sql`delete from attempt where request in (select request.id from request where ${isUnwanted})`.execute(db);
  await sql`delete from request where ${isUnwanted}`.execute(db);
  const isUnheld = sql`replica.store = ${store} and replica.placed = ${sql.lit(PLACED)}
    and not exists (select 1 from lock l where l.object = replica.object and l.store = replica.store)
    and not exists (select 1 from object o join standing_rule t on t.scope = o.scope
      where o.id = replica.object and t.store = replica.store and t.ended_ms is null)
    and not exists (select 1 from request q where q.version = replica.version and q.store = replica.store
      and q.kind = 'copy' and q.due_ms is not null)`;
  await sql`delete from replica where ${isUnheld} and replica.state = ${code('COPYING')}`.execute(db);
  await sql`update replica set used_ms = ${nowMs(session)}, placed = case when replica.state = ${code('UNAVAILABLE')}
      and replica.token is null then ${sql.lit(TO_PURGE)} else ${sql.lit(RELEASED)} end
    where ${isUnheld}`.execute(db);
  return short;
}

async function mergeOthers({ db }: Session, { from, into }: Merge): Promise<void> {
  await db.updateTable('unflushed').set({ store: into }).where('store', '=', from).execute();
  await db.updateTable('scope').set({ source: into }).where('source', '=', from).execute();
  await db.updateTable('object_trait').set({ authority: into }).where('authority', '=', from).execute();
  await sql`delete from standing_rule where store = ${from} and exists (select 1 from standing_rule other
    where other.store = ${into} and other.scope = standing_rule.scope and other.origin = standing_rule.origin)`.execute(
    db,
  );
  await db.updateTable('standing_rule').set({ store: into }).where('store', '=', from).execute();
  await sql`delete from route_result where source = ${from} or target = ${from}`.execute(db);
}

/** What was said of either holds; of the same thing, what was said of `into`. */
async function mergeSetting({ db }: Session, { from, into }: Merge): Promise<void> {
  const rows = await db.selectFrom('store_setting').selectAll().where('store', 'in', [from, into]).execute();
  const old = rows.find(({ store }) => store === from);
  if (old === undefined) return;
  const own = rows.find(({ store }) => store === into);
  const before = JSON.parse(old.said) as StoreSaid;
  const after = JSON.parse(own?.said ?? '{}') as StoreSaid;
  const said = JSON.stringify({
    ...before,
    ...after,
    availability: { ...before.availability, ...after.availability },
  });
  const { updated_ms } = own ?? old;
  await db.deleteFrom('store_setting').where('store', '=', from).execute();
  await db
    .insertInto('store_setting')
    .values({ store: into, said, updated_ms })
    .onConflict((conflict) => conflict.column('store').doUpdateSet({ said }))
    .execute();
}

/** Copies that were marked for it are looked at when the store answers at its new place. */
async function mergeAbsence({ db }: Session, { from, into }: Merge): Promise<void> {
  await sql`delete from store_absence where store = ${into}
    and marked <= (select other.marked from store_absence other where other.store = ${from})`.execute(db);
  await sql`update store_absence set store = ${into}, turn = null, turn_ms = null, token = token + 1 where store = ${from}
    and not exists (select 1 from store_absence other where other.store = ${into})`.execute(db);
  await db.deleteFrom('store_absence').where('store', '=', from).execute();
}

async function sumUse({ db, engine }: Session, { from, into }: Merge): Promise<void> {
  await db.deleteFrom('account_use').where('store', 'in', [from, into]).execute();
  const int = sql.raw(engine.ddl.int);
  await sql`insert into account_use (account, store, bytes, locks)
    select u.account, ${sql.lit(into)}, cast(sum(v.size) as ${int}), count(*)
    from lock l join rule u on u.id = l.rule join object o on o.id = l.object join version v on v.id = o.current
    where l.store = ${into} group by u.account`.execute(db);
}

/** As `SpaceDeltas` counts. A store that never had to do with rules or uploads has no row, and gets none. */
async function sumSpace({ db, engine }: Session, { from, into }: Merge): Promise<void> {
  const rows = await db.selectFrom('store_space').selectAll().where('store', 'in', [from, into]).execute();
  if (rows.length === 0) return;
  const allocated = (store: number): number | null | undefined => rows.find((row) => row.store === store)?.allocated;
  const int = sql.raw(engine.ddl.int);
  const [copying, givenUp, leaving] = (['COPYING', 'UNAVAILABLE', 'BEING_DELETED'] as const).map((state) =>
    sql.lit(stateCode(state)),
  );
  const isOnItsWay = sql`(p.state = ${copying} or (p.state = ${givenUp} and p.token is null))`;
  const sum = (condition: RawBuilder<unknown>, what: string): RawBuilder<unknown> =>
    sql`cast(coalesce(sum(case when ${condition} then ${sql.raw(what)} else 0 end), 0) as ${int})`;
  await db.deleteFrom('store_space').where('store', 'in', [from, into]).execute();
  await sql`insert into store_space (store, used, reserved, leaving, pending, allocated)
    select ${sql.lit(into)}, ${sum(sql`not ${isOnItsWay}`, 'v.size')}, ${sum(isOnItsWay, 'v.size')},
      ${sum(sql`p.state = ${leaving}`, 'v.size')}, ${sum(sql`p.state = ${copying}`, '1')},
      cast(${allocated(into) ?? allocated(from) ?? null} as ${int})
    from replica p join version v on v.id = p.version where p.store = ${into} and p.placed is not null`.execute(db);
}
