import { type Selectable, sql } from 'kysely';
import { CLAIMS_PER_PAGE_MAX, type CollectedPages, type CollectPages } from '../../ports/page-queue.ts';
import type { NewPage, NewPageJob } from '../../ports/page-queue.ts';
import { nowMs } from '../now.ts';
import type { Schema } from '../schema.ts';
import type { Session, SetStatement } from '../session.ts';
import { encodeHolder } from './holder.ts';

/** A job that stood when it was looked at, and for how long, unless its sync is taken over from a holder that died. */
export interface StandingJob {
  readonly row: Selectable<Schema['page_job']>;
  readonly restMs: number;
}

/**
 * The row of the sync is not locked: a worker that is stopped in the middle of a claim must not keep the sync from renewing its lease.
 * Whoever takes a sync over from a dead holder reckons with claims that began before (`endLost`).
 */
export async function findStanding(session: Session, id: string): Promise<StandingJob | undefined> {
  const row = await findJob(session, id);
  if (row === undefined) return undefined;
  const restMs = row.sync === null ? await restOfJob(session, id) : await restOfSync(session, row.sync, row.sync_token);
  return restMs === undefined || restMs <= 0 ? undefined : { row, restMs };
}

function findJob(session: Session, id: string): Promise<Selectable<Schema['page_job']> | undefined> {
  return session.db.selectFrom('page_job').selectAll().where('id', '=', id).executeTakeFirst();
}

async function restOfJob(session: Session, id: string): Promise<number | undefined> {
  const { rows } = await sql<{ rest: number }>`
    select until_ms - ${nowMs(session)} as rest from page_job where id = ${id}`.execute(session.db);
  return rows[0]?.rest;
}

async function restOfSync(session: Session, id: string, token: number): Promise<number | undefined> {
  const { rows } = await sql<{ rest: number }>`
    select until_ms - ${nowMs(session)} as rest from sync
    where id = ${id} and token = ${token} and state = 'running'`.execute(session.db);
  return rows[0]?.rest;
}

/** False: the lease of its sync is not held. */
export async function openPageJob(session: Session, job: NewPageJob): Promise<boolean> {
  const { id, scope, stores, sync, holder, leaseMs } = job;
  if (sync !== undefined && ((await restOfSync(session, sync.syncId, sync.token)) ?? 0) <= 0) return false;
  const now = nowMs(session);
  await session.db
    .insertInto('page_job')
    .values({
      id,
      scope,
      stores: JSON.stringify(stores),
      sync: sync?.syncId ?? null,
      sync_token: sync?.token ?? 0,
      ...encodeHolder(holder),
      lease_ms: leaseMs,
      until_ms: sql<number>`${now} + ${OWN_LEASES * leaseMs}`,
      stopped: 0,
      created_ms: now,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  return true;
}

/** A job that stands on no sync stands for so many of its leases after its pool was heard of last. */
const OWN_LEASES = 3;

/** One that stands on no sync stands anew from now on. */
async function renewOwn(session: Session, id: string): Promise<void> {
  await session.db
    .updateTable('page_job')
    .set({ until_ms: sql<number>`${nowMs(session)} + ${OWN_LEASES} * lease_ms` })
    .where('id', '=', id)
    .where('sync', 'is', null)
    .execute();
}

/** False: the job does not stand any more. */
export async function addPage(session: Session, { job, number, kind, text }: NewPage): Promise<boolean> {
  await renewOwn(session, job);
  if ((await findStanding(session, job)) === undefined) return false;
  await session.db
    .insertInto('page')
    .values({ job, number, kind, text, token: 0, claims: 0, owner: null, until_ms: 0, moved: 0, outcomes: null })
    .onConflict((conflict) => conflict.columns(['job', 'number']).doNothing())
    .execute();
  return true;
}

const take: SetStatement = {
  columns: { job: 'text', number: 'int' },
  text: (rows) => `delete from page where (job, number) in (select r.job, r.number from ${rows})`,
};

const NOTHING = { answered: [], givenUp: [], moved: [], waiting: 0, claimed: 0 };

interface PageState {
  readonly number: number;
  readonly outcomes: string | null;
  readonly claims: number;
  readonly moved: number;
  readonly is_held: number;
}

/** What was answered stays until the next call says that it has arrived, so that an answer that is lost is given again. */
export async function collectPages(session: Session, { job, taken }: CollectPages): Promise<CollectedPages> {
  await session.run(
    take,
    taken.map((number) => [job, number]),
  );
  await renewOwn(session, job);
  const standing = await findStanding(session, job);
  if (standing === undefined) return { stands: false, ...NOTHING };
  const { rows } = await sql<PageState>`
    select number, outcomes, claims, moved, case when until_ms > ${nowMs(session)} then 1 else 0 end as is_held
    from page where job = ${job} order by number`.execute(session.db);
  const isLastClaim = ({ claims }: PageState): boolean => standing.row.stopped === 1 || claims >= CLAIMS_PER_PAGE_MAX;
  const open = rows.filter(({ outcomes }) => outcomes === null);
  const held = open.filter(({ is_held }) => is_held === 1);
  const free = open.filter(({ is_held }) => is_held === 0);
  return {
    stands: true,
    answered: rows.flatMap(({ number, outcomes }) => (outcomes === null ? [] : { number, outcomes })),
    givenUp: free.filter(isLastClaim).map(({ number, claims }) => ({ number, claims })),
    moved: held.map(({ number, moved }) => ({ number, bytes: moved })),
    waiting: free.filter((page) => !isLastClaim(page)).length,
    claimed: held.length,
  };
}

export async function stopPageJob(session: Session, job: string): Promise<void> {
  await session.db.updateTable('page_job').set({ stopped: 1 }).where('id', '=', job).execute();
}

export async function closePageJob(session: Session, job: string): Promise<void> {
  await removeJobs(session, [job]);
}

/** Pages of these syncs, whatever became of them. */
export async function removePagesOfSyncs(session: Session, syncs: readonly string[]): Promise<void> {
  const jobs = await session.db.selectFrom('page_job').select('id').where('sync', 'in', syncs).execute();
  await removeJobs(
    session,
    jobs.map(({ id }) => id),
  );
}

async function removeJobs(session: Session, jobs: readonly string[]): Promise<void> {
  if (jobs.length === 0) return;
  await session.db.deleteFrom('page').where('job', 'in', jobs).execute();
  await session.db.deleteFrom('page_job').where('id', 'in', jobs).execute();
}

/** A job that nobody closed is kept for so long after it stood last. */
const JOB_RETENTION_MS = 3_600_000;

/** Forgets jobs whose pools ended without closing them. */
export async function prunePageJobs(session: Session): Promise<void> {
  const before = sql<number>`${nowMs(session)} - ${JOB_RETENTION_MS}`;
  const { rows } = await sql<{ id: string }>`
    select id from page_job where until_ms < ${before} and not exists (
      select 1 from sync where sync.id = page_job.sync and sync.state = 'running' and sync.until_ms > ${before})`.execute(
    session.db,
  );
  await removeJobs(
    session,
    rows.map(({ id }) => id),
  );
}
