import { type RawBuilder, sql } from 'kysely';
import type {
  NewPeer,
  Outstanding,
  Peer,
  PeerChange,
  PeerSecrets,
  PeerState,
  Position,
  StreamLease,
} from '../../ports/journal.ts';
import { closeBarrier } from '../barrier.ts';
import { DEAD, GIVEN_UP, HANDED, IN_LINE, TO_COMPARE, WAITING, WITHHELD } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { isToBeCompared } from './backlogs.ts';
import { dropUnneeded } from './outbox.ts';

export async function addPeer(session: Session, peer: NewPeer): Promise<'added' | 'taken'> {
  // Whoever is changing something now has asked for the peers already, or waits and asks then.
  await closeBarrier(session, 'patterns');
  const made = await session.db
    .insertInto('peer')
    .values({
      name: peer.name,
      url: peer.url ?? null,
      direction: peer.direction,
      mode: peer.mode,
      scopes: encodeScopes(peer.scopes ?? null),
      state: 'active',
      last_error: null,
      created_ms: nowMs(session),
      acknowledged: 0,
      acknowledged_ms: null,
      site: null,
      owner: null,
      until_ms: 0,
      token: 0,
      presents: peer.presents ?? null,
      accepts: peer.accepts ?? null,
      ticket: null,
      resync: peer.direction === 'receive' ? IN_LINE : TO_COMPARE,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('id')
    .execute();
  return made.length > 0 ? 'added' : 'taken';
}

export async function listPeers(session: Session): Promise<readonly Peer[]> {
  // One statement, so that what is told of a peer is of one moment.
  const { rows } = await sql<PeerRow>`
    select p.name, p.site, p.url, p.direction, p.mode, p.scopes, p.state, p.resync, p.life, p.last_error, p.created_ms, p.acknowledged,
      p.acknowledged_ms, p.marked_ms, p.given_up, p.parked_ms, p.alarmed, x.waiting, x.handed, x.dead, x.withheld, x.oldest_ms
    from peer p left join (
      select x.peer,
        sum(case when x.state in (${sql.lit(WAITING)}, ${sql.lit(HANDED)}) then 1 else 0 end) as waiting,
        sum(case when x.state = ${sql.lit(HANDED)} then 1 else 0 end) as handed,
        sum(case when x.state = ${sql.lit(DEAD)} then 1 else 0 end) as dead,
        sum(case when x.state = ${sql.lit(WITHHELD)} then 1 else 0 end) as withheld,
        min(case when x.state in (${sql.lit(WAITING)}, ${sql.lit(HANDED)}) then j.at_ms end) as oldest_ms
      from outbox x join journal j on j.slot = x.slot and j.position = x.position
      group by x.peer) x on x.peer = p.id
    order by p.name`.execute(session.db);
  return rows.map(decodePeer);
}

interface PeerRow {
  readonly name: string;
  readonly site: string | null;
  readonly url: string | null;
  readonly direction: NewPeer['direction'];
  readonly mode: NewPeer['mode'];
  readonly scopes: string | null;
  readonly state: PeerState;
  readonly resync: number;
  readonly life: string | null;
  readonly last_error: string | null;
  readonly created_ms: number;
  readonly acknowledged: number;
  readonly acknowledged_ms: number | null;
  readonly marked_ms: number | null;
  readonly given_up: number;
  readonly parked_ms: number | null;
  readonly alarmed: number;
  readonly waiting: number | null;
  readonly handed: number | null;
  readonly dead: number | null;
  readonly withheld: number | null;
  readonly oldest_ms: number | null;
}

function decodePeer(row: PeerRow): Peer {
  const { name, direction, mode, state } = row;
  return {
    name,
    direction,
    mode,
    state,
    needsResync: row.resync !== IN_LINE,
    life: row.life ?? undefined,
    givenUpSinceMs: row.marked_ms ?? undefined,
    givenUp: row.given_up,
    parkedSinceMs: row.parked_ms ?? undefined,
    isAway: row.alarmed === 1,
    site: row.site ?? undefined,
    url: row.url ?? undefined,
    scopes: row.scopes === null ? undefined : (JSON.parse(row.scopes) as string[]),
    lastError: row.last_error ?? undefined,
    createdMs: row.created_ms,
    acknowledged: row.acknowledged,
    lastAcknowledgedMs: row.acknowledged_ms ?? undefined,
    waiting: row.waiting ?? 0,
    handed: row.handed ?? 0,
    dead: row.dead ?? 0,
    withheld: row.withheld ?? 0,
    oldestMs: row.oldest_ms ?? undefined,
  };
}

export async function setPeer(session: Session, name: string, change: PeerChange): Promise<boolean> {
  const { url, direction, mode, scopes, site, state, presents, accepts, ticket, needsResync, life, receipt } = change;
  if (scopes !== undefined || direction !== undefined) await compareWhereTold(session, name, { scopes, direction });
  const set = {
    ...(url === undefined ? {} : { url }),
    ...(direction === undefined ? {} : { direction }),
    ...(mode === undefined ? {} : { mode }),
    ...(scopes === undefined ? {} : { scopes: encodeScopes(scopes) }),
    ...(site === undefined ? {} : { site }),
    ...(state === undefined ? {} : { state, parked_ms: state === 'parked' ? parkedSince(session) : null }),
    ...(needsResync === undefined ? {} : askToCompare()),
    ...(life === undefined ? {} : { life }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(presents === undefined ? {} : { presents }),
    ...(accepts === undefined ? {} : { accepts }),
    ...(ticket === undefined ? {} : { ticket }),
    ...('lastError' in change ? { last_error: change.lastError ?? null } : {}),
  };
  if (site !== undefined) await joinIncoming(session, name, site);
  const { rows } =
    Object.keys(set).length === 0
      ? await sql`select 1 from peer where name = ${name}`.execute(session.db)
      : { rows: await session.db.updateTable('peer').set(set).where('name', '=', name).returning('id').execute() };
  return rows.length > 0;
}

function encodeScopes(scopes: readonly string[] | null): string | null {
  return scopes === null ? null : JSON.stringify(scopes);
}

/** Who is told of other scopes from now on, or of changes at all, has to hear of what was there before, too. */
async function compareWhereTold(
  session: Session,
  name: string,
  {
    scopes,
    direction,
  }: { readonly scopes: PeerChange['scopes']; readonly direction: PeerChange['direction'] | undefined },
): Promise<void> {
  // Whoever is changing something now does not tell it; so it is committed before it is compared.
  await closeBarrier(session, 'patterns');
  const { db } = session;
  const peer = await db.selectFrom('peer').where('name', '=', name).select(['scopes', 'direction']).executeTakeFirst();
  if (peer === undefined || (direction ?? peer.direction) === 'receive') return;
  const isSame = scopes === undefined || encodeScopes(scopes) === peer.scopes;
  if (isSame && peer.direction !== 'receive') return;
  await db.updateTable('peer').set(askToCompare()).where('name', '=', name).execute();
}

/** Once more, should it be under way; what was given up is taken away first. */
function askToCompare() {
  return {
    resync: sql<number>`case when resync <> ${sql.lit(GIVEN_UP)} then ${sql.lit(TO_COMPARE)} else resync end`,
    marks: sql<number>`marks + 1`,
  };
}

/** Asked again without an answer, it is away since the first time. */
function parkedSince(session: Session): RawBuilder<number> {
  return sql<number>`case when state = 'parked' then coalesce(parked_ms, ${nowMs(session)}) else ${nowMs(session)} end`;
}

/** As the peer's site said last. */
export async function readPeerLife({ db }: Session, name: string): Promise<string | undefined> {
  const row = await db.selectFrom('peer').where('name', '=', name).select('life').executeTakeFirst();
  return row?.life ?? undefined;
}

/** A site that came to us before it was added here is one peer: what it has to show, and what it gave, stay. */
async function joinIncoming({ db }: Session, name: string, site: string): Promise<void> {
  const other = await db
    .selectFrom('peer')
    .where('site', '=', site)
    .where('name', '<>', name)
    .where('direction', '=', 'receive')
    .select(['id', 'accepts', 'ticket'])
    .executeTakeFirst();
  if (other === undefined) return;
  const { accepts, ticket } = other;
  await db
    .updateTable('peer')
    .set({
      accepts: sql<string | null>`coalesce(accepts, ${accepts})`,
      ticket: sql<string | null>`coalesce(ticket, ${ticket})`,
    })
    .where('name', '=', name)
    .execute();
  await db.deleteFrom('peer').where('id', '=', other.id).execute();
}

export async function readPeerSecrets({ db }: Session, name: string): Promise<PeerSecrets | undefined> {
  const row = await db
    .selectFrom('peer')
    .where('name', '=', name)
    .select(['presents', 'accepts', 'ticket'])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { presents, accepts, ticket } = row;
  return { presents: presents ?? undefined, accepts: accepts ?? undefined, ticket: ticket ?? undefined };
}

/** Made with its first use. */
export async function readSiteSecret({ db, known }: Session): Promise<string> {
  const made = Buffer.from(known.random.bytes(32)).toString('hex');
  await db.updateTable('site').set({ secret: made }).where('secret', 'is', null).execute();
  const { secret } = await db.selectFrom('site').select('secret').executeTakeFirstOrThrow();
  return secret ?? made;
}

export async function removePeer(session: Session, name: string): Promise<boolean> {
  await closeBarrier(session, 'patterns');
  const [gone] = await session.db.deleteFrom('peer').where('name', '=', name).returning('id').execute();
  if (gone === undefined) return false;
  const dropped = await session.db
    .deleteFrom('outbox')
    .where('peer', '=', gone.id)
    .returning(['slot', 'position'])
    .execute();
  await dropUnneeded(session, dropped);
  return true;
}

export async function holdStream(
  session: Session,
  name: string,
  owner: string,
  leaseMs: number,
): Promise<StreamLease | undefined> {
  const now = nowMs(session);
  const [held] = await session.db
    .updateTable('peer')
    .set({
      owner,
      until_ms: sql<number>`${now} + ${leaseMs}`,
      token: sql<number>`case when owner = ${owner} and until_ms >= ${now} then token else token + 1 end`,
    })
    .where('name', '=', name)
    .where((row) => row.or([row('owner', '=', owner), row('owner', 'is', null), row('until_ms', '<', now)]))
    .returning('token')
    .execute();
  return held && { peer: name, token: held.token };
}

export async function releaseStream(session: Session, { peer, token }: StreamLease): Promise<void> {
  await session.db
    .updateTable('peer')
    .set({ owner: null, until_ms: 0 })
    .where('name', '=', peer)
    .where('token', '=', token)
    .execute();
}

export async function readPositions({ db }: Session): Promise<readonly Position[]> {
  const rows = await db.selectFrom('slot').select(['number', 'position']).where('position', '>', 0).execute();
  return rows.map(({ number: slot, position }) => ({ slot, position }));
}

export async function countOutstanding(
  session: Session,
  name: string,
  upTo: readonly Position[],
  scope?: string,
): Promise<Outstanding> {
  let waiting = 0;
  let dead = 0;
  // Before the queue is looked at: what a comparison finds is in it once it is over.
  const isComparing = await isToBeCompared(session, name);
  for (const { slot, position } of upTo) {
    const rows = await session.db
      .selectFrom('outbox')
      .innerJoin('peer', 'peer.id', 'outbox.peer')
      .where('peer.name', '=', name)
      .where('outbox.slot', '=', slot)
      .where('outbox.position', '<=', position)
      .$if(scope !== undefined, (query) =>
        query.where((row) =>
          row.exists(
            row
              .selectFrom('journal')
              .innerJoin('scope', 'scope.id', 'journal.scope')
              .whereRef('journal.slot', '=', 'outbox.slot')
              .whereRef('journal.position', '=', 'outbox.position')
              .where('scope.name', '=', scope ?? '')
              .select('journal.slot'),
          ),
        ),
      )
      .groupBy('outbox.state')
      .select(['outbox.state', (count) => count.fn.countAll<number>().as('entries')])
      .execute();
    for (const { state, entries } of rows) {
      if (state === WAITING || state === HANDED) waiting += entries;
      else if (state === DEAD) dead += entries;
    }
  }
  return { waiting, dead, isComparing };
}
