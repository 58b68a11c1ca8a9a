import { sql } from 'kysely';
import type { BegunResync, GiveUp, GivenUp, PeerBacklog } from '../../ports/peer-queues.ts';
import { closeBarrier } from '../barrier.ts';
import { GIVEN_UP, HANDED, IN_LINE, PURGE_SCOPE, TO_COMPARE, WAITING } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { decodeScopes } from './awaited.ts';
import { dropUnneeded } from './outbox.ts';

const isWaiting = sql`x.state in (${sql.lit(WAITING)}, ${sql.lit(HANDED)})`;

interface BacklogRow {
  readonly name: string;
  readonly mode: PeerBacklog['mode'];
  readonly scopes: string | null;
  readonly state: string;
  readonly parked_ms: number | null;
  readonly resync: number;
  readonly marked_ms: number | null;
  readonly alarmed: number;
  readonly last: number | null;
  /** The first that waits in the slot, and when it was made. */
  readonly first: number | null;
  readonly first_ms: number | null;
}

/** The ends of each slot's part of the queue are found by its key; what was answered in between counts as if it waited. */
export async function readBacklogs({ db }: Session): Promise<readonly PeerBacklog[]> {
  const { rows } = await sql<BacklogRow>`
    select p.name, p.mode, p.scopes, p.state, p.parked_ms, p.resync, p.marked_ms, p.alarmed, s.position as last,
      (select x.position from outbox x where x.peer = p.id and x.slot = s.number and ${isWaiting}
         order by x.position limit 1) as first,
      (select j.at_ms from outbox x join journal j on j.slot = x.slot and j.position = x.position
         where x.peer = p.id and x.slot = s.number and ${isWaiting} order by x.position limit 1) as first_ms
    from peer p left join slot s on s.position > 0 where p.direction <> 'receive' order by p.name`.execute(db);
  return [...Map.groupBy(rows, ({ name }) => name).values()].map(sumSlots);
}

function sumSlots(rows: readonly BacklogRow[]): PeerBacklog {
  const [one] = rows as [BacklogRow];
  const since = [
    one.state === 'parked' ? one.parked_ms : null,
    one.resync === GIVEN_UP ? one.marked_ms : null,
    ...rows.map(({ first_ms }) => first_ms),
  ].filter((ms) => ms !== null);
  return {
    name: one.name,
    mode: one.mode,
    scopes: decodeScopes(one.scopes),
    entriesMax: rows.reduce(
      (sum, { first, last }) => sum + (first === null || last === null ? 0 : last - first + 1),
      0,
    ),
    position: rows.reduce((sum, { last }) => sum + (last ?? 0), 0),
    behindSinceMs: since.length === 0 ? undefined : Math.min(...since),
    isGivenUp: one.resync === GIVEN_UP,
    isAway: one.alarmed === 1,
  };
}

export async function countBacklog({ db }: Session, peer: string, countedMax: number): Promise<number> {
  const { rows } = await sql<{ entries: number }>`
    select count(*) as entries from (select 1 from outbox x where x.peer = (select p.id from peer p where p.name = ${peer})
      and ${isWaiting} limit ${countedMax}) counted`.execute(db);
  return rows[0]?.entries ?? 0;
}

/**
 * The mark is made in the transaction that takes the first entries away: whoever finds an entry gone finds the mark, too. Each page counts
 * as one more mark, so that a comparison that ran meanwhile, and did not queue what still waited then, is made again. A peer that became
 * one of mode sync since is done with, too: its comparison begins only when all that was given up is gone.
 */
export async function giveUpBacklog(
  session: Session,
  name: string,
  { begins, limit, detail }: GiveUp,
): Promise<GivenUp | undefined> {
  const { db } = session;
  const marked = begins ? await markGivenUp(session, name) : undefined;
  const isNew = marked !== undefined;
  const peer = marked ?? (await lockGivenUp(session, name));
  if (peer === undefined) return undefined;
  if (isNew) await recordEvents(session, [{ kind: 'backlog-given-up', scope: '', detail }]);
  const { rows } = await sql<{ slot: number; position: number }>`
    delete from outbox where (peer, slot, position) in (
      select x.peer, x.slot, x.position from outbox x join journal j on j.slot = x.slot and j.position = x.position
      where x.peer = ${peer.id} and ${isWaiting} and j.kind <> ${sql.lit(PURGE_SCOPE)} order by x.slot, x.position limit ${limit})
    returning slot, position`.execute(db);
  await dropUnneeded(session, rows);
  if (isNew || rows.length > 0)
    await db
      .updateTable('peer')
      .set({ marks: sql<number>`marks + 1`, given_up: sql<number>`given_up + ${rows.length}` })
      .where('id', '=', peer.id)
      .execute();
  return { entries: rows.length, isNew, mayBeMore: rows.length === limit };
}

interface MarkedPeer {
  readonly id: number;
}

function markGivenUp(session: Session, name: string): Promise<MarkedPeer | undefined> {
  return session.db
    .updateTable('peer')
    .set({ resync: GIVEN_UP, marked_ms: nowMs(session) })
    .where('name', '=', name)
    .where('mode', '=', 'async')
    .where('direction', '<>', 'receive')
    .where('resync', '<>', GIVEN_UP)
    .returning('id')
    .executeTakeFirst();
}

/** Nobody begins to compare it before the transaction ends. */
function lockGivenUp({ db }: Session, name: string): Promise<MarkedPeer | undefined> {
  return db
    .updateTable('peer')
    .set({ resync: GIVEN_UP })
    .where('name', '=', name)
    .where('resync', '=', GIVEN_UP)
    .returning('id')
    .executeTakeFirst();
}

/** Whether there is anything for `beginResync` to begin; without a time, besides what the peer was passed over with. */
export async function isToBeCompared(session: Session, name: string, forwardAfterMs?: number): Promise<boolean> {
  const row = await readMark(session, name, forwardAfterMs);
  return row !== undefined && (row.resync !== IN_LINE || row.isPassedOver === 1);
}

function readMark(session: Session, name: string, forwardAfterMs: number | undefined) {
  const isDue = sql`passed_over_ms + ${forwardAfterMs ?? 0} <= ${nowMs(session)}`;
  const isPassedOver =
    forwardAfterMs === undefined ? sql<number>`0` : sql<number>`case when ${isDue} then 1 else 0 end`;
  return session.db
    .selectFrom('peer')
    .where('name', '=', name)
    .select(['id', 'resync', 'marks', 'scopes', isPassedOver.as('isPassedOver')])
    .executeTakeFirst();
}

export async function beginResync(
  session: Session,
  name: string,
  forwardAfterMs: number,
): Promise<BegunResync | undefined> {
  const { db } = session;
  // Whoever is changing something now has seen that nothing is to be queued: it is committed before, and is compared.
  await closeBarrier(session, 'patterns');
  const row = await readMark(session, name, forwardAfterMs);
  if (row === undefined || (row.resync === IN_LINE && row.isPassedOver === 0)) return undefined;
  if (row.resync === GIVEN_UP && (await hasGivenUp(session, row.id))) return undefined;
  await db.updateTable('peer').set({ resync: TO_COMPARE, passed_over_ms: null }).where('id', '=', row.id).execute();
  return { marks: row.marks, scopes: decodeScopes(row.scopes) };
}

async function hasGivenUp({ db }: Session, peer: number): Promise<boolean> {
  const { rows } = await sql`
    select 1 from outbox x join journal j on j.slot = x.slot and j.position = x.position
    where x.peer = ${peer} and ${isWaiting} and j.kind <> ${sql.lit(PURGE_SCOPE)} limit 1`.execute(db);
  return rows.length > 0;
}

export async function endResync({ db }: Session, name: string, { marks }: BegunResync): Promise<boolean> {
  const ended = await db
    .updateTable('peer')
    .set({ resync: IN_LINE, marked_ms: null })
    .where('name', '=', name)
    .where('marks', '=', marks)
    .where('resync', '=', TO_COMPARE)
    .returning('id')
    .execute();
  return ended.length > 0;
}

export async function tellPeerAway(session: Session, name: string, isAway: boolean, detail: string): Promise<boolean> {
  const changed = await session.db
    .updateTable('peer')
    .set({ alarmed: isAway ? 1 : 0 })
    .where('name', '=', name)
    .where('alarmed', '=', isAway ? 0 : 1)
    .returning('id')
    .execute();
  if (changed.length === 0) return false;
  await recordEvents(session, [{ kind: isAway ? 'peer-stayed-away' : 'peer-came-back', scope: '', detail }]);
  return true;
}
