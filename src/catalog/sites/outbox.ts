import { sql } from 'kysely';
import type { Entry, PurgeEntry, VersionEntry } from '../../domain/journal/entry.ts';
import type { SiteContext } from '../../domain/journal/site-context.ts';
import type { Context } from '../../domain/object/dot.ts';
import type {
  DeadLetter,
  JournalCatalog,
  Outgoing,
  OutboxQuery,
  Position,
  SettledEntry,
  StreamLease,
} from '../../ports/journal.ts';
import { DEAD, HANDED, OBJECT, PURGE_SCOPE, TOMBSTONE, WAITING, WITHHELD } from '../codes.ts';
import { type ContentRow, decodeContent, decodeOperation, encodeOperation } from '../content.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

type OutboxRow = readonly [
  position: number,
  attempts: number,
  error: string | null,
  atMs: number,
  kind: number,
  actor: number,
  counter: number,
  scope: number,
  operation: string,
  addressed: string,
  name: string | null,
  version: number | null,
  isSuperseded: number | null,
  context: string | null,
  ms: number | null,
  n: number | null,
  origin: string | null,
  ...content: ContentRow,
  ...purge: readonly [seen: string | null, ms: number | null, n: number | null, origin: string | null],
];

/** Columns of a `ContentRow`. */
const CONTENT_COLUMNS = 8;

const findUsed: SetStatement = {
  columns: { name: 'text' },
  text: (rows) =>
    `select p.id, s.number from ${rows} join peer p on p.name = r.name join slot s on s.position > 0 order by s.number`,
};

/** A page of what is queued for a peer; `after` holds how far each slot was read. */
export async function readOutbox(session: Session, { peer, after, limit }: OutboxQuery): Promise<readonly Outgoing[]> {
  const used = await session.all<[peer: number, slot: number]>(findUsed, [[peer]]);
  const outgoing: Outgoing[] = [];
  for (const [id, slot] of used) {
    const from = after.find((one) => one.slot === slot)?.position ?? 0;
    const due = sql`x.state in (${sql.lit(WAITING)}, ${sql.lit(HANDED)}) and x.due_ms <= ${nowMs(session)}`;
    for (const row of await readRows(session, {
      peer: id,
      slot,
      from,
      which: due,
      limit: limit - outgoing.length,
    }))
      outgoing.push(await decodeOutgoing(session, slot, row));
    if (outgoing.length >= limit) break;
  }
  return outgoing;
}

interface Rows {
  readonly peer: number;
  readonly slot: number;
  readonly from: number;
  readonly which: ReturnType<typeof sql>;
  readonly limit: number;
}

async function readRows(session: Session, { peer, slot, from, which, limit }: Rows): Promise<OutboxRow[]> {
  const { hex } = session.engine;
  const built = sql`
    select x.position, x.attempts, x.error, j.at_ms, j.kind, j.actor, j.counter, j.scope,
      ${sql.raw(hex('j.operation'))} as operation, j.addressed, o.name, v.id,
      case when v.superseded = 1 and not exists (select 1 from sibling s where s.object = v.object and s.version = v.id)
        then 1 else 0 end as is_superseded,
      v.context, v.time_ms, v.time_n, v.origin, v.kind as version_kind, v.size, ${sql.raw(hex('v.sha256'))} as sha256, v.content_type,
      v.metadata, cast(v.modified_ns as text) as modified_ns, v.mode,
      ${sql.raw(hex('v.md5'))} as md5,
      g.seen, g.time_ms as purge_ms, g.time_n as purge_n, g.origin as purge_origin
    from outbox x join journal j on j.slot = x.slot and j.position = x.position
      left join version v on v.id = j.version left join object o on o.id = j.object
      left join purge g on g.actor = j.actor and g.counter = j.counter
    where x.peer = ${peer} and x.slot = ${slot} and x.position > ${from} and ${which}
    order by x.position limit ${limit}`;
  return session.arrays<OutboxRow>({ compile: () => built.compile(session.db) });
}

async function decodeOutgoing(session: Session, slot: number, row: OutboxRow): Promise<Outgoing> {
  const [position, attempts, , , , , , , , , , version, isSuperseded] = row;
  return {
    slot,
    position,
    attempts,
    entry: await decodeEntry(session, row),
    versionId: version ?? undefined,
    isSuperseded: isSuperseded === 1,
  };
}

async function decodeEntry(session: Session, row: OutboxRow): Promise<Entry> {
  const [, , , , kind, actor, counter, scope, operation, addressed] = row;
  const { actors, scopes } = session.known;
  const common = {
    dot: { actor: await actors.textOf(session, actor), counter },
    operation: decodeOperation(operation),
    scope: await scopes.textOf(session, scope),
    addressed: JSON.parse(addressed) as string[],
  };
  if (kind === OBJECT || kind === TOMBSTONE) return { ...common, ...(await decodeVersion(session, row)) };
  if (kind === PURGE_SCOPE) return { ...common, ...decodePurge(session, row) };
  throw new TypeError(`an entry of kind ${kind} is not one that is sent`);
}

async function decodeVersion(
  session: Session,
  row: OutboxRow,
): Promise<Pick<VersionEntry, 'kind' | 'name' | 'time' | 'origin' | 'context' | 'content'>> {
  const [, , , , , , , , , , name, , , context, ms, n, origin, ...rest] = row;
  const { actors, siteId } = session.known;
  const seen: Record<string, number> = {};
  for (const [number, seenCounter] of Object.entries(JSON.parse(context ?? '{}') as Context)) {
    seen[await actors.textOf(session, Number(number))] = seenCounter;
  }
  return {
    kind: 'version',
    time: { ms: ms ?? 0, n: n ?? 0 },
    origin: origin ?? siteId,
    name: name ?? '',
    context: seen,
    content: decodeContent(rest.slice(0, CONTENT_COLUMNS) as unknown as ContentRow),
  };
}

function decodePurge(session: Session, row: OutboxRow): Pick<PurgeEntry, 'kind' | 'time' | 'origin' | 'seen'> {
  const [seen, ms, n, origin] = row.slice(-4) as [string | null, number | null, number | null, string | null];
  return {
    kind: 'purge-scope',
    time: { ms: ms ?? 0, n: n ?? 0 },
    origin: origin ?? session.known.siteId,
    seen: JSON.parse(seen ?? '{}') as SiteContext,
  };
}

const acknowledge: SetStatement = {
  columns: { peer: 'int', slot: 'int', position: 'int' },
  text: (rows) =>
    `delete from outbox where (peer, slot, position) in (select r.peer, r.slot, r.position from ${rows})
     returning slot, position`,
};

const put: SetStatement = {
  columns: { peer: 'int', slot: 'int', position: 'int', state: 'int', after_ms: 'int', error: 'text' },
  text: (rows, { nowMs: now }) =>
    `update outbox set state = r.state, attempts = outbox.attempts + 1, due_ms = ${now} + r.after_ms, error = r.error
     from ${rows} where outbox.peer = r.peer and outbox.slot = r.slot and outbox.position = r.position`,
};

const unneeded: SetStatement = {
  columns: { slot: 'int', position: 'int' },
  text: (rows) =>
    `delete from journal where (slot, position) in (select r.slot, r.position from ${rows}
       where not exists (select 1 from outbox x where x.slot = r.slot and x.position = r.position))`,
};

/** Entries that nobody waits for any more leave the journal. */
export async function dropUnneeded(session: Session, settled: readonly Position[]): Promise<void> {
  await session.run(
    unneeded,
    settled.map(({ slot, position }) => [slot, position]),
  );
}

/** The stream is still its holder's. Answers overtake each other: of receipts the highest stays. */
const hold: SetStatement = {
  columns: { name: 'text', token: 'int', receipt: 'int' },
  text: (rows) =>
    `update peer set receipt = case when r.receipt is null or coalesce(peer.receipt, 0) >= r.receipt then peer.receipt else r.receipt end
     from ${rows} where peer.name = r.name and peer.token = r.token returning peer.id, peer.mode`,
};

/** `isAwaited`: writers may have waited for it. */
export interface Settled {
  readonly isAwaited: boolean;
}

export async function settleOutbox(
  session: Session,
  { peer: name, token }: StreamLease,
  outcomes: readonly SettledEntry[],
  receipt: number | undefined,
): Promise<Settled | undefined> {
  const [held] = await session.all<[id: number, mode: string]>(hold, [[name, token, receipt ?? null]]);
  if (held === undefined) return undefined;
  const [peer, mode] = held;
  const done = outcomes.filter(({ to }) => to.kind === 'acknowledged');
  await acknowledgeRows(
    session,
    peer,
    done.map(({ slot, position }) => [peer, slot, position]),
  );
  await session.run(
    put,
    outcomes.flatMap((outcome) => putRow(peer, outcome)),
  );
  const isOver = ({ to }: SettledEntry): boolean => to.kind === 'acknowledged' || to.kind === 'dead';
  return { isAwaited: mode === 'sync' && outcomes.some(isOver) };
}

function putRow(peer: number, { slot, position, to }: SettledEntry): SqlValue[][] {
  switch (to.kind) {
    case 'acknowledged':
      return [];
    case 'handed':
      return [[peer, slot, position, HANDED, to.againAfterMs, null]];
    case 'retry':
      return [[peer, slot, position, WAITING, to.afterMs, to.error]];
    case 'dead':
      return [[peer, slot, position, DEAD, 0, to.error]];
  }
}

const findTold: SetStatement = {
  columns: { site: 'text', operation: 'bytes', life: 'text' },
  text: (rows) =>
    `select x.peer, x.slot, x.position, j.object, p.mode from ${rows}
       join peer p on p.site = r.site and (r.life is null or p.life is null or p.life = r.life)
       join outbox x on x.peer = p.id and x.state = ${HANDED}
       join journal j on j.slot = x.slot and j.position = x.position and j.operation = r.operation`,
};

type ToldRow = readonly [peer: number, slot: number, position: number, object: number, mode: string];

/** What else it had taken up of the object was considered with it, and is offered at once, to be answered so. */
const offerEarlier: SetStatement = {
  columns: { peer: 'int', object: 'int' },
  text: (rows) =>
    `update outbox set due_ms = 0 where state = ${HANDED} and (peer, slot, position) in (
       select x.peer, x.slot, x.position from ${rows} join version v on v.superseded = 1 and v.object = r.object
         join journal j on j.version = v.id join outbox x on x.peer = r.peer and x.slot = j.slot and x.position = j.position)`,
};

/** What a former life of the site had got, it may have lost. */
export async function acknowledgeTold(
  session: Session,
  site: string,
  operations: readonly string[],
  life: string | undefined,
): Promise<Settled> {
  const told = await session.all<ToldRow>(
    findTold,
    operations.map((operation) => [site, encodeOperation(operation), life ?? null]),
  );
  for (const [peer, rows] of Map.groupBy(told, ([id]) => id)) {
    await acknowledgeRows(
      session,
      peer,
      rows.map(([, slot, position]) => [peer, slot, position]),
    );
    const objects = new Set(rows.map(([, , , object]) => object));
    await session.run(
      offerEarlier,
      [...objects].map((object) => [peer, object]),
    );
  }
  return { isAwaited: told.some(([, , , , mode]) => mode === 'sync') };
}

const countAcknowledged: SetStatement = {
  columns: { id: 'int', entries: 'int' },
  text: (rows, { nowMs: now }) =>
    `update peer set acknowledged = peer.acknowledged + r.entries, acknowledged_ms = ${now} from ${rows} where peer.id = r.id`,
};

/** What was acknowledged before is not counted again. */
async function acknowledgeRows(session: Session, peer: number, rows: readonly (readonly SqlValue[])[]): Promise<void> {
  const gone = await session.all<[slot: number, position: number]>(acknowledge, rows);
  if (gone.length === 0) return;
  await session.run(countAcknowledged, [[peer, gone.length]]);
  await dropUnneeded(
    session,
    gone.map(([slot, position]) => ({ slot, position })),
  );
}

export async function listDeadLetters(
  session: Session,
  { peer, after, limit }: Parameters<JournalCatalog['listDeadLetters']>[0],
): Promise<readonly DeadLetter[]> {
  const found = await session.db.selectFrom('peer').where('name', '=', peer).select('id').executeTakeFirst();
  if (found === undefined) return [];
  const slots = await session.db.selectFrom('slot').select('number').orderBy('number').execute();
  const letters: DeadLetter[] = [];
  for (const { number: slot } of slots) {
    if (after !== undefined && slot < after.slot) continue;
    const from = slot === after?.slot ? after.position : 0;
    const which = sql`x.state = ${sql.lit(DEAD)}`;
    for (const row of await readRows(session, { peer: found.id, slot, from, which, limit: limit - letters.length })) {
      const [position, attempts, error, sinceMs] = row;
      letters.push({ slot, position, attempts, error: error ?? '', sinceMs, entry: await decodeEntry(session, row) });
    }
    if (letters.length >= limit) break;
  }
  return letters;
}

const settleDead: SetStatement = {
  columns: { peer: 'text', slot: 'int', position: 'int', state: 'int' },
  text: (rows) =>
    `update outbox set state = r.state, attempts = 0, due_ms = 0 from ${rows}
     where outbox.peer = (select p.id from peer p where p.name = r.peer)
       and outbox.slot = r.slot and outbox.position = r.position and outbox.state = ${DEAD}`,
};

export function settleDeadLetters(
  session: Session,
  peer: string,
  positions: readonly Position[],
  to: 'waiting' | 'withheld',
): Promise<number> {
  const state = to === 'waiting' ? WAITING : WITHHELD;
  return session.run(
    settleDead,
    positions.map(({ slot, position }) => [peer, slot, position, state]),
  );
}

/**
 * One statement, so that counters and queue are of one moment. What a comparison has yet to find is not queued: until then a peer has not
 * got everything.
 */
export async function readFloor({ db }: Session, peer: string): Promise<Readonly<Record<string, number>> | undefined> {
  const { rows } = await sql<{ incarnation: string; counter: number; waiting: number; refused: number | null }>`
    select a.incarnation, s.counter,
      case when exists (select 1 from outbox x join peer p on p.id = x.peer
        where p.name = ${peer} and x.state in (${sql.lit(WAITING)}, ${sql.lit(HANDED)}))
        or not exists (select 1 from peer p where p.name = ${peer} and p.resync = 0) then 1 else 0 end as waiting,
      (select min(j.counter) from outbox x join peer p on p.id = x.peer
         join journal j on j.slot = x.slot and j.position = x.position
         where p.name = ${peer} and x.state in (${sql.lit(DEAD)}, ${sql.lit(WITHHELD)}) and j.actor = s.actor) as refused
    from (select actor, counter from slot union all select actor, counter from former_actor) s join actor a on a.id = s.actor`.execute(
    db,
  );
  if (rows.some(({ waiting }) => waiting === 1)) return undefined;
  const floor = rows.map(({ incarnation, counter, refused }) => [
    incarnation,
    Math.min(counter, (refused ?? Infinity) - 1),
  ]);
  return Object.fromEntries(floor.filter(([, counter]) => Number(counter) > 0)) as Record<string, number>;
}
