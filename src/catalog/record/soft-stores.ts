import type { RecordBatch } from '../../ports/catalog.ts';
import { stateCode } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import type { ReplicaRow } from './upsert-replicas.ts';

/** Stores whose copies are not flushed: the row of `unflushed` that what is written to them now belongs to. */
export type SoftStores = ReadonlyMap<number, number>;

const findOpen: SetStatement = {
  columns: { store: 'int', boot: 'text' },
  text: (rows) =>
    `select u.store, u.id from ${rows} join unflushed u on u.store = r.store and u.boot = r.boot and u.sealed = 0`,
};

const open: SetStatement = {
  columns: { store: 'int', boot: 'text' },
  text: (rows) =>
    `insert into unflushed (store, boot, sealed) select r.store, r.boot, 0 from ${rows} where true returning store, id`,
};

/**
 * Looked up inside each transaction: a flush that began before may have sealed the row that was open. Two rows for one store,
 * made by two processes at one moment, do no harm: a flush takes all there are.
 */
export async function openSoftStores(session: Session, batches: readonly RecordBatch[]): Promise<SoftStores> {
  const places = new Set(batches.flatMap(({ soft }) => soft ?? []));
  if (places.size === 0) return new Map();
  const { stores, boot } = session.known;
  const wanted = [...(await stores.requireIds(session, places)).values()].map((store): SqlValue[] => [store, boot]);
  const found = new Map(await session.all<[store: number, id: number]>(findOpen, wanted));
  const missing = wanted.filter(([store]) => !found.has(store as number));
  for (const [store, id] of await session.all<[number, number]>(open, missing)) found.set(store, id);
  return found;
}

const findOwn: SetStatement = {
  columns: { boot: 'text' },
  text: (rows) => `select u.id, u.store from ${rows} join unflushed u on u.boot = r.boot`,
};

const findKept: SetStatement = {
  columns: { i: 'int', object: 'int', store: 'int', version: 'int', token: 'text' },
  text: (rows) =>
    `select r.i, p.unflushed from ${rows} join replica p
       on p.object = r.object and p.store = r.store and p.version = r.version and p.token = r.token
     where p.unflushed is not null`,
};

/** Column of a `ReplicaRow`. */
const UNFLUSHED = 7;

/**
 * Looking at bytes flushes nothing: what is told again of the very bytes that are soft (the token is the recorded one) leaves
 * them soft. Not after another start of the machine: what can be read then was on the disk.
 */
export async function keepSoft<Row extends ReplicaRow | readonly [...ReplicaRow, ifToken: string]>(
  session: Session,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  if (rows.length === 0) return rows;
  const own = await session.all<[id: number, store: number]>(findOwn, [[session.known.boot]]);
  if (own.length === 0) return rows;
  const ids = new Set(own.map(([id]) => id));
  const stores = new Set(own.map(([, store]) => store));
  const asked = rows.flatMap(([object, store, version, state, , , token, unflushed], i): SqlValue[][] =>
    unflushed === null && state === stateCode('AVAILABLE') && stores.has(store)
      ? [[i, object, store, version, token]]
      : [],
  );
  const kept = new Map(await session.all<[at: number, unflushed: number]>(findKept, asked));
  return rows.map((row, i) => {
    const id = kept.get(i);
    return id !== undefined && ids.has(id) ? (row.with(UNFLUSHED, id) as unknown as Row) : row;
  });
}
