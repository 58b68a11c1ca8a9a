import type { Replica } from '../../domain/replica/replica.ts';
import { RELEASED, stateCode, stateName, TO_PURGE } from '../codes.ts';
import { encodePlace } from '../place-code.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { askForCopies, type CopyWish } from './copy-requests.ts';
import type { SeenObject } from './seen.ts';
import type { Settling } from './settle-transfers.ts';
import { lockRoom } from './space.ts';
import { findTakenPlaces } from './taken-places.ts';

/** A request that goes on from a copy at `relay`. */
interface Relayed {
  readonly one: Settling;
  readonly object: SeenObject;
  readonly relay: number;
  readonly place: string | null;
}

const copiesThere: SetStatement = {
  columns: { i: 'int', object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `select r.i, p.state from ${rows} join replica p on p.object = r.object and p.store = r.store and p.version = r.version`,
};

const wait: SetStatement = {
  columns: { id: 'int', store: 'int' },
  text: (rows) =>
    `update request set source = r.store from ${rows} where request.id = r.id and request.state = 'WAITING'`,
};

const goOn: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs} from ${rows}
     where request.id = r.id and request.state = 'WAITING'`,
};

const explain: SetStatement = {
  columns: { id: 'int', why: 'text' },
  text: (rows) =>
    `update request set last_error = r.why from ${rows} where request.id = r.id and request.state = 'WAITING'`,
};

/** Nobody claims it: once it has arrived and nobody reads from it any more it goes. */
const makeCopy: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int', place: 'text' },
  text: (rows) =>
    `insert into replica (object, store, version, state, verification, place, placed)
     select r.object, r.store, r.version, ${stateCode('COPYING')}, 0, r.place, ${TO_PURGE} from ${rows} where true`,
};

const THERE: ReadonlySet<Replica['state']> = new Set(['AVAILABLE', 'UNVERIFIED']);

/**
 * Asks for the copies on the way that outcomes name (docs/states.md, "Routes"). The request that waits holds them as its source: until it
 * is over they are not deleted. The objects are locked by the caller.
 */
export async function askForRelays(
  session: Session,
  settling: readonly Settling[],
  objects: ReadonlyMap<string, SeenObject>,
): Promise<void> {
  const relayed = await findRelayed(session, settling, objects);
  if (relayed.length === 0) return;
  await session.run(
    wait,
    relayed.map(({ one, relay }) => [one.outcome.lease.requestId, relay]),
  );
  const keys = relayed.map(({ object, relay }, at): SqlValue[] => [at, object.id, relay, object.current]);
  const there = new Map(await session.all<[at: number, state: number]>(copiesThere, keys));
  const isThere = (at: number): boolean => {
    const state = there.get(at);
    return state !== undefined && THERE.has(stateName(state));
  };
  await session.run(
    goOn,
    relayed.filter((_, at) => isThere(at)).map(({ one }) => [one.outcome.lease.requestId]),
  );
  await makeCopies(
    session,
    relayed.filter((_, at) => !there.has(at)),
  );
}

async function findRelayed(
  session: Session,
  settling: readonly Settling[],
  objects: ReadonlyMap<string, SeenObject>,
): Promise<readonly Relayed[]> {
  const relayed: Relayed[] = [];
  for (const one of settling) {
    const { outcome, scope, name, isCurrent } = one;
    if (outcome.relay === undefined || outcome.request.state !== 'WAITING' || !isCurrent) continue;
    const object = objects.get(`${await session.known.scopes.requireId(session, scope)} ${name}`);
    if (object === undefined) continue;
    const relay = await session.known.stores.requireId(session, outcome.relay.store);
    relayed.push({ one, object, relay, place: encodePlace({ scope, name }, outcome.relay.place) });
  }
  return relayed;
}

async function makeCopies(session: Session, relayed: readonly Relayed[]): Promise<void> {
  const taken = await findTakenPlaces(
    session,
    relayed.map((one) => ({ ...one, store: one.relay })),
  );
  const why = new Map([...taken].map(([{ one }, said]) => [one, said]));
  const left = await lockRoom(
    session,
    relayed.map(({ relay }) => relay),
  );
  const copies = new Map<string, SqlValue[]>();
  const wishes: CopyWish[] = [];
  const refused: SqlValue[][] = [];
  for (const { one, object, relay, place } of relayed) {
    const key = `${object.id} ${relay}`;
    const refusal = why.get(one);
    if (refusal !== undefined) {
      refused.push([one.outcome.lease.requestId, `${one.outcome.relay?.store}, on the way: ${refusal}`]);
      continue;
    }
    const room = left.get(relay);
    if (!copies.has(key) && room !== undefined && object.bytes > room) {
      const why = `${one.outcome.relay?.store}, on the way, has no space left for a copy`;
      refused.push([one.outcome.lease.requestId, why]);
      continue;
    }
    if (!copies.has(key) && room !== undefined) left.set(relay, room - object.bytes);
    copies.set(key, [object.id, relay, object.current, place]);
    const owner = { activity: one.activity ?? '', sourceExpression: one.sourceExpression };
    wishes.push({ object, store: relay, owner, reason: 'relay', priority: one.priority, waits: false });
  }
  await session.run(explain, refused);
  await session.run(makeCopy, [...copies.values()]);
  const once = new Map(wishes.map((wish) => [`${wish.object.id} ${wish.store}`, wish]));
  await askForCopies(session, [...once.values()]);
}

const fail: SetStatement = {
  columns: { version: 'int', store: 'int', why: 'text' },
  text: (rows, { nowMs }) =>
    `insert into attempt (request, number, at_ms, source, outcome, at, error_kind, error)
     select q.id, q.token, ${nowMs}, r.store, 'failed', 'between', 'unavailable', r.why from ${rows}
       join request q on q.version = r.version and q.source = r.store and q.kind = 'copy' and q.state = 'WAITING'
     where true
     on conflict (request, number) do update set at_ms = excluded.at_ms, source = excluded.source, outcome = excluded.outcome,
       at = excluded.at, error_kind = excluded.error_kind, error = excluded.error`,
};

const letGo: SetStatement = {
  columns: { version: 'int', store: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'QUEUED', due_ms = ${nowMs}, updated_ms = ${nowMs} from ${rows}
     where request.version = r.version and request.source = r.store and request.kind = 'copy' and request.state = 'WAITING'`,
};

const leave: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows, { nowMs }) =>
    `update replica set used_ms = ${nowMs}, placed = case when replica.placed = ${RELEASED} then ${RELEASED} else ${TO_PURGE} end
     from ${rows} where replica.object = r.object and replica.store = r.store and replica.version = r.version
       and replica.placed is not null and not exists (
         select 1 from lock l where l.object = r.object and l.store = r.store)`,
};

/** These requests are over: who waits for their copies goes on, or finds another way. A relay's copy that no lock claims goes after that. */
export async function tellWaiting(session: Session, over: readonly Settling[]): Promise<void> {
  const relays = over.filter(({ reason }) => reason === 'relay');
  const failed = relays.filter(
    ({ outcome: { attempt } }) => attempt?.outcome === 'failed' || attempt?.outcome === 'no-source',
  );
  await session.run(
    fail,
    failed.map(({ version, store, outcome: { attempt } }) => [version, store, attempt?.error ?? null]),
  );
  await session.run(
    leave,
    relays.map(({ object, store, version }) => [object, store, version]),
  );
  await session.run(
    letGo,
    over.map(({ version, store }) => [version, store]),
  );
}
