import { type RawBuilder, sql } from 'kysely';
import { divideClaims, type Lane } from '../../domain/transfer/divide-claims.ts';
import { type TransferLimits, TransfersInHand } from '../../domain/transfer/transfer-limits.ts';
import { closeBarrier } from '../barrier.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement } from '../session.ts';
import { type LaneKey, NO_SOURCE, putIntoLanes, sortDue } from './lanes.ts';
import { readTransfersInHand } from './transfers-in-hand.ts';

/** Requests looked at in one division, over all lanes; of each lane that has any due, `LANE_MIN`. */
const LOOKED_AT_MAX = 4_096;
const LANE_MIN = 16;

export interface ChosenRequest {
  readonly id: number;
  readonly lane: CatalogLane;
}

interface CatalogLane extends Lane {
  readonly key: LaneKey;
}

export interface WithinLimits {
  readonly limit: number;
  readonly limits: TransferLimits;
  /** Condition on requests: those that are not left alone. */
  readonly left: RawBuilder<unknown>;
}

/** Requests that may be lent now, in the order in which it is their turn (docs/transfers.md, "Limits" and "Shares"). */
export async function chooseWithinLimits(
  session: Session,
  { limit, limits, left }: WithinLimits,
): Promise<readonly ChosenRequest[]> {
  await closeBarrier(session, 'turns');
  await sortDue(session);
  const inHand = new TransfersInHand(limits, await readTransfersInHand(session));
  const lanes = await readLanes(session, inHand, { limit, left });
  const { shares } = limits;
  const ahead = shares.length === 0 ? new Map<string, number>() : await readTurns(session);
  const divided = divideClaims({ lanes, limit, inHand, shares, ahead });
  if (shares.length > 0) await writeTurns(session, ahead, divided.ahead);
  return divided.chosen;
}

async function readLanes(
  session: Session,
  inHand: TransfersInHand,
  { limit, left }: Pick<WithinLimits, 'limit' | 'left'>,
): Promise<readonly CatalogLane[]> {
  const { rows } = await sql<LaneKey & { readonly id: number }>`
    select l.id, l.store, l.source, l.activity, l.priority from lane l
    where exists (select 1 from request q where q.lane = l.id and q.due_ms is not null and q.due_ms <= ${nowMs(session)})
    `.execute(session.db);
  const ofEach = Math.max(LANE_MIN, Math.ceil(LOOKED_AT_MAX / Math.max(1, rows.length)));
  const { stores } = session.known;
  const lanes: CatalogLane[] = [];
  for (const row of rows) {
    const { id, activity, priority } = row;
    const store = await stores.textOf(session, row.store);
    const source = row.source === NO_SOURCE ? undefined : await stores.textOf(session, row.source);
    const room = Math.min(limit, inHand.roomFor({ source, store }));
    if (room === 0) continue;
    const wanted = Math.min(room, ofEach);
    const { rows: due } = await sql<{ id: number; due_ms: number }>`
      select id, due_ms from request where lane = ${id} and due_ms is not null and due_ms <= ${nowMs(session)}
        ${left}
      order by due_ms, id limit ${wanted}`.execute(session.db);
    const isCut = due.length === wanted && wanted < room;
    const named = due.map((one) => ({ id: one.id, dueMs: one.due_ms }));
    lanes.push({ id, store, source, activity, priority, due: named, isCut, key: row });
  }
  return lanes;
}

/** What waited for a source and is handed out now chooses anew. */
export async function leaveSources(session: Session, chosen: readonly ChosenRequest[]): Promise<void> {
  const waited = chosen.filter(({ lane }) => lane.source !== undefined);
  await putIntoLanes(
    session,
    waited.map(({ id, lane }) => ({ ...lane.key, source: NO_SOURCE, id })),
  );
}

async function readTurns(session: Session): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ activity: string; ahead: number }>`select activity, ahead from share_turn`.execute(
    session.db,
  );
  return new Map(rows.map(({ activity, ahead }) => [activity, ahead]));
}

const keepTurn: SetStatement = {
  columns: { activity: 'text', ahead: 'int' },
  text: (rows) =>
    `insert into share_turn (activity, ahead) select r.activity, r.ahead from ${rows} where true
     on conflict (activity) do update set ahead = excluded.ahead`,
};

const dropTurn: SetStatement = {
  columns: { activity: 'text' },
  text: (rows) => `delete from share_turn where activity in (select r.activity from ${rows})`,
};

async function writeTurns(
  session: Session,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Promise<void> {
  await session.run(
    keepTurn,
    [...after].filter(([activity, ahead]) => before.get(activity) !== ahead),
  );
  await session.run(
    dropTurn,
    [...before.keys()].filter((activity) => !after.has(activity)).map((activity) => [activity]),
  );
}
