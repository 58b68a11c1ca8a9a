import { sql } from 'kysely';
import type { Entry } from '../../domain/journal/entry.ts';
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
import { DEAD, HANDED, OBJECT, TOMBSTONE, WAITING, WITHHELD } from '../codes.ts';
import { type ContentRow, decodeContent, decodeOperation } from '../content.ts';
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
];

/** A page of what is queued for a peer; `after` holds how far each slot was read. */
export async function readOutbox(session: Session, { peer, after, limit }: OutboxQuery): Promise<readonly Outgoing[]> {
  const found = await session.db.selectFrom('peer').where('name', '=', peer).select('id').executeTakeFirst();
  if (found === undefined) return [];
  const slots = await session.db.selectFrom('slot').select('number').where('position', '>', 0).execute();
  const outgoing: Outgoing[] = [];
  for (const { number: slot } of slots) {
    const from = after.find((one) => one.slot === slot)?.position ?? 0;
    const due = sql`x.state in (${sql.lit(WAITING)}, ${sql.lit(HANDED)}) and x.due_ms <= ${nowMs(session)}`;
    for (const row of await readRows(session, {
      peer: found.id,
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
      ${sql.raw(hex('v.md5'))} as md5
    from outbox x join journal j on j.slot = x.slot and j.position = x.position
      left join version v on v.id = j.version left join object o on o.id = j.object
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
  const [, , , , kind, actor, counter, scope, operation, addressed, name, , , context, ms, n, origin, ...content] = row;
  const { actors, scopes, siteId } = session.known;
  if ((kind !== OBJECT && kind !== TOMBSTONE) || name === null)
    throw new TypeError(`an entry of kind ${kind} is not one that is sent`);
  const seen: Record<string, number> = {};
  for (const [number, seenCounter] of Object.entries(JSON.parse(context ?? '{}') as Context)) {
    seen[await actors.textOf(session, Number(number))] = seenCounter;
  }
  return {
    kind: 'version',
    dot: { actor: await actors.textOf(session, actor), counter },
    time: { ms: ms ?? 0, n: n ?? 0 },
    origin: origin ?? siteId,
    operation: decodeOperation(operation),
    scope: await scopes.textOf(session, scope),
    name,
    context: seen,
    content: decodeContent(content),
    addressed: JSON.parse(addressed) as string[],
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

export async function settleOutbox(
  session: Session,
  { peer: name, token }: StreamLease,
  outcomes: readonly SettledEntry[],
): Promise<true | undefined> {
  const [peer] = await session.db
    .updateTable('peer')
    .set({ token })
    .where('name', '=', name)
    .where('token', '=', token)
    .returning('id')
    .execute();
  if (peer === undefined) return undefined;
  const done = outcomes.filter(({ to }) => to.kind === 'acknowledged');
  const gone = await session.all<[slot: number, position: number]>(
    acknowledge,
    done.map(({ slot, position }) => [peer.id, slot, position]),
  );
  if (gone.length > 0) {
    await session.db
      .updateTable('peer')
      .set({ acknowledged: sql<number>`acknowledged + ${gone.length}`, acknowledged_ms: nowMs(session) })
      .where('id', '=', peer.id)
      .execute();
    await dropUnneeded(
      session,
      gone.map(([slot, position]) => ({ slot, position })),
    );
  }
  await session.run(
    put,
    outcomes.flatMap((outcome) => putRow(peer.id, outcome)),
  );
  return true;
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
