import { sql } from 'kysely';
import {
  CLAIMS_PER_PAGE_MAX,
  type ClaimedPages,
  type PageClaim,
  type PageJob,
  type PageLease,
  type PageStore,
} from '../../ports/page-queue.ts';
import { nowMs } from '../now.ts';
import type { Schema } from '../schema.ts';
import type { Session, SetStatement } from '../session.ts';
import { decodeHolder } from './holder.ts';
import { findStanding } from './page-jobs.ts';

/** Jobs that stand and are not stopped, oldest first. */
export async function listPageJobs(session: Session): Promise<readonly PageJob[]> {
  const now = nowMs(session);
  const { rows } = await sql<Schema['page_job']>`
    select page_job.* from page_job left join sync
      on sync.id = page_job.sync and sync.token = page_job.sync_token and sync.state = 'running'
    where page_job.stopped = 0
      and ((page_job.sync is null and page_job.until_ms > ${now}) or sync.until_ms > ${now})
    order by page_job.created_ms, page_job.id`.execute(session.db);
  return rows.map((row) => ({
    id: row.id,
    scope: row.scope,
    stores: JSON.parse(row.stores) as PageStore[],
    holder: decodeHolder(row),
    leaseMs: row.lease_ms,
  }));
}

const renew: SetStatement = {
  columns: { job: 'text', number: 'int', token: 'int', lease: 'int', moved: 'int' },
  text: (rows, { nowMs }) =>
    `update page set until_ms = ${nowMs} + r.lease, moved = r.moved from ${rows}
     where page.job = r.job and page.number = r.number and page.token = r.token and page.outcomes is null
       and page.until_ms > ${nowMs}`,
};

/** Renews what is held, all of it or the answer is that it is lost, and claims more. */
export async function claimPages(session: Session, claim: PageClaim): Promise<ClaimedPages | undefined> {
  const { job, held } = claim;
  const standing = await findStanding(session, job);
  if (standing === undefined) return undefined;
  const { row, restMs } = standing;
  const leaseMs = Math.min(row.lease_ms, restMs);
  const renewed = await session.run(
    renew,
    held.map(({ lease: { number, token }, bytesMoved }) => [job, number, token, leaseMs, bytesMoved]),
  );
  if (renewed < held.length) return undefined;
  const isStopped = row.stopped === 1;
  return { leaseMs, isStopped, pages: isStopped ? [] : await claimFree(session, claim, leaseMs) };
}

const lend: SetStatement = {
  columns: { job: 'text', number: 'int', owner: 'text', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update page set token = page.token + 1, claims = page.claims + 1, owner = r.owner, moved = 0, until_ms = ${nowMs} + r.lease
     from ${rows} where page.job = r.job and page.number = r.number returning page.number, page.token`,
};

async function claimFree(
  session: Session,
  { job, owner, limit }: PageClaim,
  leaseMs: number,
): Promise<ClaimedPages['pages']> {
  if (limit <= 0) return [];
  const { rows } = await sql<{ number: number; kind: 'copy' | 'read'; text: string }>`
    select number, kind, text from page
    where job = ${job} and outcomes is null and until_ms <= ${nowMs(session)} and claims < ${CLAIMS_PER_PAGE_MAX}
    order by number limit ${limit} ${sql.raw(session.engine.skipLocked)}`.execute(session.db);
  const lent = await session.all<[number: number, token: number]>(
    lend,
    rows.map(({ number }) => [job, number, owner, leaseMs]),
  );
  const tokens = new Map(lent);
  return rows.map(({ number, kind, text }) => ({
    lease: { job, number, token: tokens.get(number) as number },
    kind,
    text,
  }));
}

/** What was to be done is not needed any more; the outcomes take its place. */
const answer: SetStatement = {
  columns: { job: 'text', number: 'int', token: 'int', outcomes: 'text' },
  text: (rows, { nowMs }) =>
    `update page set outcomes = r.outcomes, text = '', until_ms = 0 from ${rows}
     where page.job = r.job and page.number = r.number and page.token = r.token and page.outcomes is null
       and page.until_ms > ${nowMs}`,
};

/** False: its lease is lost, or its job does not stand. */
export async function answerPage(session: Session, lease: PageLease, outcomes: string): Promise<boolean> {
  if ((await findStanding(session, lease.job)) === undefined) return false;
  return (await session.run(answer, [[lease.job, lease.number, lease.token, outcomes]])) > 0;
}

/** Whoever gives it back lives: it is not counted as a claim nobody heard of again. */
const giveBack: SetStatement = {
  columns: { job: 'text', number: 'int', token: 'int' },
  text: (rows) =>
    `update page set until_ms = 0, owner = null, claims = page.claims - 1, moved = 0 from ${rows}
     where page.job = r.job and page.number = r.number and page.token = r.token and page.outcomes is null`,
};

export async function giveBackPages(session: Session, leases: readonly PageLease[]): Promise<void> {
  await session.run(
    giveBack,
    leases.map(({ job, number, token }) => [job, number, token]),
  );
}
