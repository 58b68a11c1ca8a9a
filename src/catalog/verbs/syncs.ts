import { type Selectable, sql } from 'kysely';
import type { GrownTarget, SyncLease, SyncProgress, SyncRecord } from '../../ports/catalog-syncs.ts';
import { nowMs } from '../now.ts';
import type { Schema } from '../schema.ts';
import type { Session, SetStatement } from '../session.ts';
import { decodeHolder } from './holder.ts';
import { removePagesOfSyncs } from './page-jobs.ts';

const touch: SetStatement = {
  columns: { id: 'text', token: 'int' },
  text: (rows, { nowMs }) =>
    `update sync set updated_ms = ${nowMs} from ${rows}
     where sync.id = r.id and sync.token = r.token and sync.state = 'running'`,
};

const move: SetStatement = {
  columns: { id: 'text', token: 'int', position: 'text', objects: 'int', bytes: 'int' },
  text: (rows, { nowMs }) =>
    `update sync set updated_ms = ${nowMs}, position = r.position, objects = r.objects, bytes = r.bytes from ${rows}
     where sync.id = r.id and sync.token = r.token and sync.state = 'running'`,
};

/**
 * Notes that the run goes on, and how far it is. False: somebody else took a target over, or the run has ended. The row stays
 * locked until the transaction ends, so a lease is not lost between this look and the commit.
 */
export async function moveSync(session: Session, lease: SyncLease, progress?: SyncProgress): Promise<boolean> {
  const { syncId, token } = lease;
  const changed =
    progress === undefined
      ? await session.run(touch, [[syncId, token]])
      : await session.run(move, [[syncId, token, progress.position, progress.objects, progress.bytes]]);
  return changed > 0;
}

/** False: the lease is lost. One that ran out and was taken by nobody is renewed. */
export async function renewSync(session: Session, lease: SyncLease, leaseMs: number): Promise<boolean> {
  const now = nowMs(session);
  const { numUpdatedRows } = await session.db
    .updateTable('sync')
    .set({ until_ms: sql<number>`${now} + ${leaseMs}`, updated_ms: now })
    .where('id', '=', lease.syncId)
    .where('token', '=', lease.token)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends the run and frees its targets, and its pages are gone; a run whose lease is lost changes nothing. */
export async function endSync(
  session: Session,
  ended: {
    readonly lease: SyncLease;
    readonly state: Exclude<SyncRecord['state'], 'running'>;
    readonly progress: SyncProgress;
    readonly grown: readonly GrownTarget[];
  },
): Promise<void> {
  const { lease, state, progress, grown } = ended;
  if (!(await moveSync(session, lease, progress))) return;
  await keepGrown(session, lease.syncId, grown);
  await session.db.updateTable('sync').set({ state, until_ms: 0 }).where('id', '=', lease.syncId).execute();
  await removePagesOfSyncs(session, [lease.syncId]);
}

async function keepGrown({ db }: Session, syncId: string, grown: readonly GrownTarget[]): Promise<void> {
  if (grown.length === 0) return;
  const { scope } = await db.selectFrom('sync').select('scope').where('id', '=', syncId).executeTakeFirstOrThrow();
  const targets = grown.map(({ target }) => target);
  await db.deleteFrom('grown_target').where('scope', '=', scope).where('target', 'in', targets).execute();
  const rows = grown.flatMap(({ target, objects }) => (objects > 0 ? [{ target, scope, objects }] : []));
  if (rows.length > 0) await db.insertInto('grown_target').values(rows).execute();
}

export async function readGrown(
  { db }: Session,
  scope: string,
  targets: readonly string[],
): Promise<readonly number[]> {
  if (targets.length === 0) return [];
  const rows = await db
    .selectFrom('grown_target')
    .select(['target', 'objects'])
    .where('scope', '=', scope)
    .where('target', 'in', targets)
    .execute();
  const known = new Map(rows.map(({ target, objects }) => [target, objects]));
  return targets.map((target) => known.get(target) ?? 0);
}

/** Newest first. A run whose lease ran out is told as `interrupted`, though nobody has taken it over yet. */
export async function listSyncs(session: Session, limit: number): Promise<readonly SyncRecord[]> {
  const rows = await session.db
    .selectFrom('sync')
    .selectAll()
    .select(sql<number>`case when state = 'running' and until_ms <= ${nowMs(session)} then 1 else 0 end`.as('dead'))
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => decodeSync(row.dead === 1 ? { ...row, state: 'interrupted' } : row));
}

export function decodeSync(row: Selectable<Schema['sync']>): SyncRecord {
  return {
    id: row.id,
    scope: row.scope,
    prefix: row.prefix,
    targets: JSON.parse(row.targets) as string[],
    state: row.state as SyncRecord['state'],
    purpose: row.purpose as SyncRecord['purpose'],
    holder: decodeHolder(row),
    startedMs: row.started_ms,
    updatedMs: row.updated_ms,
    progress: { position: row.position, objects: row.objects, bytes: row.bytes },
  };
}
