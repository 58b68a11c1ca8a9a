import { sql } from 'kysely';
import { nextPriority } from '../verbs/due-priorities.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement } from '../session.ts';

/** Of lanes whose requests have no source to wait for. */
export const NO_SOURCE = 0;

/** Requests that one claim sorts, or puts back, at most: many more than it hands out, so that it never falls behind. */
const SORTED_MAX = 4_096;

/** What a lane is about, by the catalog's numbers. */
export interface LaneKey {
  readonly store: number;
  /** The store they wait for to give bytes; `NO_SOURCE`: none. */
  readonly source: number;
  readonly activity: string;
  readonly priority: number;
}

const open: SetStatement = {
  columns: { store: 'int', source: 'int', activity: 'text', priority: 'int' },
  text: (rows) =>
    `insert into lane (store, source, activity, priority)
     select r.store, r.source, r.activity, r.priority from ${rows} where true on conflict do nothing`,
};

const find: SetStatement = {
  columns: { i: 'int', store: 'int', source: 'int', activity: 'text', priority: 'int' },
  text: (rows) =>
    `select r.i, l.id from ${rows} join lane l on l.store = r.store and l.source = r.source and l.activity = r.activity
       and l.priority = r.priority`,
};

const sort: SetStatement = {
  columns: { id: 'int', lane: 'int' },
  text: (rows) => `update request set lane = r.lane from ${rows} where request.id = r.id`,
};

/** Puts requests into lanes, which come into being where they are missing. */
export async function putIntoLanes(
  session: Session,
  requests: readonly (LaneKey & { readonly id: number })[],
): Promise<void> {
  const byKey = Map.groupBy(requests, ({ store, source, activity, priority }) =>
    JSON.stringify([store, source, activity, priority]),
  );
  const groups = [...byKey.values()];
  const keys = groups.map(([first]) => {
    const { store, source, activity, priority } = first as LaneKey;
    return [store, source, activity, priority];
  });
  const known = await session.all<[at: number, lane: number]>(
    find,
    keys.map((key, at) => [at, ...key]),
  );
  const found = new Map(known);
  const missing = keys.filter((_, at) => !found.has(at));
  if (missing.length > 0) {
    await session.run(open, missing);
    const opened = await session.all<[at: number, lane: number]>(
      find,
      keys.map((key, at) => [at, ...key]),
    );
    for (const [at, lane] of opened) found.set(at, lane);
  }
  await session.run(
    sort,
    groups.flatMap((group, at) => group.map(({ id }) => [id, found.get(at) ?? null])),
  );
}

interface Unsorted {
  readonly id: number;
  readonly store: number;
  readonly activity: string;
}

/** Sorts copies for rules that are due, the most urgent first. */
export async function sortDue(session: Session): Promise<void> {
  let left = SORTED_MAX;
  let priority = await nextPriority(session, undefined);
  while (priority !== undefined && left > 0) {
    const urgency = priority;
    const { rows } = await sql<Unsorted>`
      select id, store, activity from request
      where due_ms is not null and lane is null and priority = ${urgency} and due_ms <= ${nowMs(session)}
        and activity is not null
      order by due_ms, id limit ${left} ${sql.raw(session.engine.skipLocked)}`.execute(session.db);
    await putIntoLanes(
      session,
      rows.map((row) => ({ ...row, source: NO_SOURCE, priority: urgency })),
    );
    left -= rows.length;
    priority = await nextPriority(session, urgency);
  }
}

/** Puts back into the common queue what somebody with limits or shares has sorted. Who has none hands out from there alone. */
export async function putBackSorted(session: Session): Promise<void> {
  await sql`
    update request set lane = null where id in (
      select id from request where lane is not null and due_ms is not null and due_ms <= ${nowMs(session)}
      limit ${sql.lit(SORTED_MAX)} ${sql.raw(session.engine.skipLocked)})`.execute(session.db);
}
