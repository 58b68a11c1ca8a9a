import { OBJECT, PURGE_SCOPE, TOMBSTONE } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { readToldScopes } from './own-scopes.ts';
import { readSendingPeers, type SendingPeer } from './sending-peers.ts';

/** A change as the journal keeps it. */
export interface JournalRow {
  readonly kind: number;
  readonly actor: number;
  readonly counter: number;
  /** Number of the scope. */
  readonly scope: number;
  /** 0: no object is concerned. */
  readonly object: number;
  readonly version: number;
  readonly operation: Uint8Array;
  readonly collection?: number | undefined;
  readonly member?: number | undefined;
  readonly detail?: string | null | undefined;
  /** Sites that know of it already, besides this one. */
  readonly addressed?: readonly string[];
}

/**
 * Queues versions once more for one peer, whatever was sent before: what digests have found that it lacks, or what it probably has, which goes
 * as if it had been tried before: without bytes.
 */
export async function queueAgain(
  session: Session,
  peer: string,
  entries: readonly JournalRow[],
  probable: boolean,
): Promise<number> {
  const found = await session.db.selectFrom('peer').where('name', '=', peer).select(['id', 'site']).executeTakeFirst();
  if (found === undefined || entries.length === 0) return 0;
  const { number: slot } = await session.known.slot.own(session);
  const first = await takePositions(session, slot, entries.length);
  const to: SendingPeer[] = [{ ...found, scopes: undefined, isGivenUp: false }];
  await session.run(
    append,
    entries.map((entry, at) => toRow(entry, [slot, first + at], addressedBy(session, entry, to))),
  );
  await session.run(
    queue,
    entries.map((_, at) => [found.id, slot, first + at, probable ? 1 : 0]),
  );
  return entries.length;
}

const append: SetStatement = {
  columns: {
    slot: 'int',
    position: 'int',
    kind: 'int',
    actor: 'int',
    counter: 'int',
    scope: 'int',
    object: 'int',
    version: 'int',
    operation: 'bytes',
    collection: 'int',
    member: 'int',
    detail: 'text',
    addressed: 'text',
  },
  text: (rows, { nowMs }) =>
    `insert into journal (slot, position, kind, actor, counter, scope, object, version, operation, at_ms, collection, member,
       detail, addressed)
     select r.slot, r.position, r.kind, r.actor, r.counter, r.scope, r.object, r.version, r.operation, ${nowMs}, r.collection,
       r.member, r.detail, r.addressed from ${rows}`,
};

const queue: SetStatement = {
  columns: { peer: 'int', slot: 'int', position: 'int', attempts: 'int' },
  text: (rows) =>
    `insert into outbox (peer, slot, position, state, attempts, due_ms, error)
     select r.peer, r.slot, r.position, 0, r.attempts, 0, null from ${rows}`,
};

/**
 * Writes the changes a transaction makes to the journal and queues them for the peers that are to be told of them; nothing where nobody is.
 * The slot's row is locked by the transaction, which has taken the changes' counters: so positions commit in their order.
 */
export async function appendEntries(session: Session, slot: number, entries: readonly JournalRow[]): Promise<void> {
  if (entries.length === 0) return;
  const peers = await readSendingPeers(session);
  if (peers.length === 0) return;
  const told = await readToldScopes(
    session,
    entries.map(({ scope }) => scope),
  );
  const going = entries
    .map((entry) => ({ entry, to: peersFor(entry, told.get(entry.scope), peers) }))
    .filter(({ to }) => to.length > 0);
  if (going.length === 0) return;
  const first = await takePositions(session, slot, going.length);
  await session.run(
    append,
    going.map(({ entry, to }, at) => toRow(entry, [slot, first + at], addressedBy(session, entry, to))),
  );
  await session.run(
    queue,
    going.flatMap(({ to }, at) => to.map((peer): SqlValue[] => [peer.id, slot, first + at, 0])),
  );
}

function peersFor(entry: JournalRow, scope: string | undefined, peers: readonly SendingPeer[]): SendingPeer[] {
  // What happens to collections is told to nobody yet.
  if (entry.kind !== OBJECT && entry.kind !== TOMBSTONE && entry.kind !== PURGE_SCOPE) return [];
  if (scope === undefined) return [];
  return peers.filter(
    ({ site, scopes, isGivenUp }) =>
      (site === null || entry.addressed?.includes(site) !== true) &&
      (scopes === undefined || scopes.has(scope)) &&
      // A purge leaves nothing that could be compared.
      (!isGivenUp || entry.kind === PURGE_SCOPE),
  );
}

function addressedBy(session: Session, { addressed = [] }: JournalRow, to: readonly SendingPeer[]): string {
  const told = to.flatMap(({ site }) => site ?? []);
  return JSON.stringify([...new Set([session.known.siteId, ...addressed, ...told])]);
}

const take: SetStatement = {
  columns: { number: 'int', count: 'int' },
  text: (rows) =>
    `update slot set position = slot.position + r.count from ${rows} where slot.number = r.number returning slot.position`,
};

/** The first of so many. */
async function takePositions(session: Session, slot: number, count: number): Promise<number> {
  const [taken] = await session.all<[position: number]>(take, [[slot, count]]);
  if (taken === undefined) throw new Error(`there is no slot ${slot}`);
  return taken[0] - count + 1;
}

function toRow(entry: JournalRow, [slot, position]: readonly [number, number], addressed: string): SqlValue[] {
  const { kind, actor, counter, scope, object, version, operation, collection, member, detail } = entry;
  const where = [slot, position, kind, actor, counter, scope, object, version, operation];
  return [...where, collection ?? null, member ?? null, detail ?? null, addressed];
}
