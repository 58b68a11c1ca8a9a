import { sql } from 'kysely';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { CopiesLost, StoreHeld, StorePlaceCatalog } from '../../ports/store-places.ts';
import { closeBarrier } from '../barrier.ts';
import { OBJECT } from '../codes.ts';
import { nowMs } from '../now.ts';
import { dropReplicas } from '../record/upsert-replicas.ts';
import { Claims } from '../rules/claims.ts';
import { cancelCopies } from '../rules/copy-requests.ts';
import { lockObjectsById, seeLocks, seeObjects } from '../rules/seen.ts';
import { tellContentChanged } from '../rules/tell-rule.ts';
import { followObjects, watchThese } from '../rules/watch-objects.ts';
import type { Session, SetStatement } from '../session.ts';
import { expectTakingBack, takeBackVersions } from '../uploads/take-back-versions.ts';
import { HAS_HOPE } from '../verbs/count-lost.ts';
import { findAtWork } from './at-work.ts';

/** Objects of one page at most. */
const PAGE_MAX = 10_000;
const WHY = 'its store was declared lost';

/** Each page leaves what is true: whoever stops in between has lost so much of the store, and says it again. */
export async function loseCopies(
  session: Session,
  { store, after, limit }: Parameters<StorePlaceCatalog['loseCopies']>[0],
): Promise<CopiesLost | StoreHeld> {
  const id = await session.known.stores.findId(session, store);
  if (id === undefined) return { kind: 'lost', copies: 0, objects: [], next: undefined };
  if (after === undefined) await closeBarrier(session, 'moves');
  const held = after === undefined ? await findAtWork(session, [store], [id]) : undefined;
  if (held !== undefined) return held;
  const wanted = Math.min(limit, PAGE_MAX);
  const ids = await readObjects(session, id, { after: Number(after ?? 0), limit: wanted });
  await lockObjectsById(session, ids);
  const hopeful = new Set((await findHopeful(session, ids)).map(([object]) => object));
  const copies = await forget(session, id, ids);
  const left = new Set((await findHopeful(session, ids)).map(([object]) => object));
  const lost = [...hopeful].filter((object) => !left.has(object));
  const isLast = ids.length < wanted;
  if (isLast) await endWaiting(session, id, store);
  return {
    kind: 'lost',
    copies,
    objects: await nameObjects(session, lost),
    next: isLast ? undefined : String(ids.at(-1)),
  };
}

/** With a copy there, or a lock. Locks are looked for as far as the copies go: each page walks over so much of what other stores have. */
async function readObjects(
  session: Session,
  store: number,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly number[]> {
  const read = async (table: 'replica' | 'lock', upto: number): Promise<readonly number[]> => {
    const query = sql`select distinct object from ${sql.table(table)}
      where store = ${store} and object > ${after} and object <= ${upto} order by object limit ${limit}`;
    const rows = await session.arrays<readonly [number]>({ compile: () => query.compile(session.db) });
    return rows.map(([object]) => object);
  };
  const held = await read('replica', Number.MAX_SAFE_INTEGER);
  const locked = await read('lock', held.length < limit ? Number.MAX_SAFE_INTEGER : (held.at(-1) ?? 0));
  return [...new Set([...held, ...locked])].toSorted((a, b) => a - b).slice(0, limit);
}

const hopeful: SetStatement = {
  columns: { id: 'int' },
  text: (rows) => `select o.id from ${rows} join object o on o.id = r.id where o.kind = ${OBJECT} and (${HAS_HOPE})`,
};

async function findHopeful(session: Session, ids: readonly number[]): Promise<readonly (readonly [number])[]> {
  return session.all<[number]>(
    hopeful,
    ids.map((id) => [id]),
  );
}

/** Locks go first: nobody asks for the copies anew at a store that is gone. Returns how many copies there were. */
async function forget(session: Session, store: number, ids: readonly number[]): Promise<number> {
  const objects = await seeObjects(session, ids);
  const bytes = new Map(objects.map((object) => [object.id, object.bytes]));
  const locks = (await seeLocks(session, ids)).filter((lock) => lock.store === store);
  const claims = new Claims();
  for (const lock of locks) claims.removeLock(lock, bytes.get(lock.object) ?? 0);
  const expected = await expectTakingBack(session, ids);
  await claims.write(session);
  const watched = await watchThese(session, objects);
  const copies = watched.replicas.filter((replica) => replica.store === store);
  await dropReplicas(
    session,
    copies.map(({ object, version }) => [object, store, version, undefined] as const),
  );
  await cancelCopies(
    session,
    copies.map(({ version }) => [version, store] as const),
    WHY,
  );
  await followObjects(session, watched);
  await takeBackVersions(session, expected);
  await tellContentChanged(
    session,
    locks.map(({ rule }) => rule),
  );
  return copies.length;
}

const name: SetStatement = {
  columns: { id: 'int' },
  text: (rows) => `select o.scope, o.name from ${rows} join object o on o.id = r.id order by o.scope, o.name`,
};

async function nameObjects(session: Session, ids: readonly number[]): Promise<readonly ObjectName[]> {
  const rows = await session.all<readonly [scope: number, name: string]>(
    name,
    ids.map((id) => [id]),
  );
  const names: ObjectName[] = [];
  for (const [scope, object] of rows)
    names.push({ scope: await session.known.scopes.textOf(session, scope), name: object });
  return names;
}

/** What was asked for and never begun, and what is about the store as a whole. */
async function endWaiting(session: Session, store: number, place: string): Promise<void> {
  const { db } = session;
  await db
    .updateTable('request')
    .set({
      state: 'CANCELLED',
      due_ms: null,
      owner: null,
      last_error: WHY,
      updated_ms: nowMs(session),
      token: sql<number>`token + 1`,
    })
    .where('store', '=', store)
    .where('kind', '=', 'copy')
    .where('state', '<>', 'CANCELLED')
    .execute();
  await db.deleteFrom('request').where('store', '=', store).where('kind', '=', 'delete').execute();
  for (const table of ['audit', 'audit_finding', 'unflushed', 'store_absence'] as const)
    await db.deleteFrom(table).where('store', '=', store).execute();
  await db.deleteFrom('intent').where('store', '=', place).execute();
}
