import { type Selectable, sql } from 'kysely';
import type { Holder } from '../../ports/catalog.ts';
import type { BeginSync, SyncBegun, SyncHeld } from '../../ports/catalog-syncs.ts';
import { nowMs } from '../now.ts';
import type { Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { decodeHolder, encodeHolder, isSameHolder } from './holder.ts';
import { removePagesOfSyncs } from './page-jobs.ts';
import { decodeSync } from './syncs.ts';

type SyncRow = Selectable<Schema['sync']>;

/**
 * Takes the lease of every target, or none: one of them held by a live run refuses the new one. A run that lost one target
 * has lost its lease as a whole, so it is `interrupted`, and nothing it still reports is recorded.
 */
export async function beginSync(session: Session, wanted: BeginSync): Promise<SyncBegun | SyncHeld> {
  const targets = [...new Set(wanted.targets)].toSorted();
  const token = (await lockTargets(session, targets)) + 1;
  const holding = await readHolding(session, targets);
  for (const { target, row, live } of holding) {
    if (live && !wanted.deadHolders.some((dead) => isSameHolder(dead, decodeHolder(row)))) return held(target, row);
  }
  const lost = new Map(holding.map(({ row, live }) => [row.id, live]));
  for (const [id, live] of lost) await endLost(session, id, live);
  const resumes = await readResumable(session, wanted, targets);
  const settles = await readSettling(session, targets);
  await insertSync(session, wanted, targets, { token, settlesMs: settles.untilMs });
  await session.db.updateTable('sync_target').set({ token, sync: wanted.id }).where('target', 'in', targets).execute();
  return {
    kind: 'begun',
    lease: { syncId: wanted.id, token },
    resumes: resumes === undefined ? undefined : decodeSync(resumes),
    settlesMs: settles.restMs,
  };
}

/**
 * Its pages go. Of a lease that ran out nobody may publish any more. Of one that is taken from a dead holder workers may, for the
 * length of theirs at the most: they reckon from before they claimed, whether that is committed by now or not.
 */
async function endLost(session: Session, id: string, live: boolean): Promise<void> {
  const { db } = session;
  const { lease } = await db
    .selectFrom('page_job')
    .where('sync', '=', id)
    .select(({ fn }) => fn.max<number | null>('lease_ms').as('lease'))
    .executeTakeFirstOrThrow();
  const settles = lease === null || !live ? {} : { settles_ms: sql<number>`${nowMs(session)} + ${lease}` };
  await db
    .updateTable('sync')
    .set({ state: 'interrupted', ...settles })
    .where('id', '=', id)
    .execute();
  await removePagesOfSyncs(session, [id]);
}

/** Of all runs that held one of the targets last, also where they were interrupted since. */
async function readSettling(
  session: Session,
  targets: readonly string[],
): Promise<{ readonly untilMs: number; readonly restMs: number }> {
  if (targets.length === 0) return { untilMs: 0, restMs: 0 };
  const { rows } = await sql<{ until: number | null; rest: number | null }>`
    select max(sync.settles_ms) as until, max(sync.settles_ms) - ${nowMs(session)} as rest
    from sync_target join sync on sync.id = sync_target.sync
    where sync_target.target in (${sql.join(targets)})`.execute(session.db);
  return { untilMs: rows[0]?.until ?? 0, restMs: Math.max(0, rows[0]?.rest ?? 0) };
}

/** Locks the targets' rows in one order for everybody; returns the highest token they ever had. */
async function lockTargets(session: Session, targets: readonly string[]): Promise<number> {
  const { db, engine } = session;
  let highest = 0;
  for (const target of targets) {
    await db
      .insertInto('sync_target')
      .values({ target, token: 0, sync: '' })
      .onConflict((conflict) => conflict.column('target').doNothing())
      .execute();
    const { rows } = await sql<{ token: number }>`
      select token from sync_target where target = ${target} ${sql.raw(engine.forUpdate)}`.execute(db);
    highest = Math.max(highest, rows[0]?.token ?? 0);
  }
  return highest;
}

async function readHolding(session: Session, targets: readonly string[]) {
  const { db, engine } = session;
  if (targets.length === 0) return [];
  const { rows } = await sql<SyncRow & { held_target: string; live: number }>`
    select sync.*, sync_target.target as held_target,
      case when sync.until_ms > ${nowMs(session)} then 1 else 0 end as live
    from sync_target join sync on sync.id = sync_target.sync
    where sync.state = 'running' and sync_target.target in (${sql.join(targets)})
    order by sync_target.target ${sql.raw(engine.forUpdate)}`.execute(db);
  return rows.map((row) => ({ target: row.held_target, row, live: row.live === 1 }));
}

function held(target: string, row: SyncRow): SyncHeld {
  const holder: Holder = decodeHolder(row);
  return { kind: 'held', target, syncId: row.id, holder, sinceMs: row.started_ms, untilMs: row.until_ms };
}

/** The last run of the same work, if it did not come to its end. */
async function readResumable(
  session: Session,
  wanted: BeginSync,
  targets: readonly string[],
): Promise<SyncRow | undefined> {
  const last = await session.db
    .selectFrom('sync')
    .selectAll()
    .where('scope', '=', wanted.scope)
    .where('prefix', '=', wanted.prefix)
    .where('targets', '=', JSON.stringify(targets))
    .where('purpose', '=', purposeOf(wanted))
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.state === 'interrupted' ? last : undefined;
}

async function insertSync(
  session: Session,
  wanted: BeginSync,
  targets: readonly string[],
  { token, settlesMs }: { readonly token: number; readonly settlesMs: number },
): Promise<void> {
  const { id, scope, prefix, source, holder, leaseMs } = wanted;
  const now = nowMs(session);
  await session.db
    .insertInto('sync')
    .values({
      id,
      scope,
      prefix,
      source,
      targets: JSON.stringify(targets),
      state: 'running',
      token,
      until_ms: sql<number>`${now} + ${leaseMs}`,
      ...encodeHolder(holder),
      started_ms: now,
      updated_ms: now,
      settles_ms: settlesMs,
      position: '',
      objects: 0,
      bytes: 0,
      purpose: purposeOf(wanted),
    })
    .execute();
}

function purposeOf({ purpose = 'sync' }: BeginSync): NonNullable<BeginSync['purpose']> {
  return purpose;
}
