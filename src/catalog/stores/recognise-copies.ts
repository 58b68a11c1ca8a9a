import { sql } from 'kysely';
import type {
  AbsenceCatalog,
  AbsenceQuery,
  AbsenceTurn,
  LookedAtCopy,
  UnavailableCopy,
} from '../../ports/store-absences.ts';
import { stateCode, stateCodeAfter } from '../codes.ts';
import { decodePlace } from '../place-code.ts';
import { lockObjectsById, seeLocks, seeObjects } from '../rules/seen.ts';
import { tellContentChanged } from '../rules/tell-rule.ts';
import { followObjects, watchThese } from '../rules/watch-objects.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { holdTurn } from './absences.ts';
import { findObjects } from './mark-unavailable.ts';

/** Objects of one page at most. */
const PAGE_MAX = 10_000;
const UNAVAILABLE = stateCode('UNAVAILABLE');
const RECOGNISED = stateCodeAfter('UNAVAILABLE', 'recognised');
const DOUBTED = stateCodeAfter('UNAVAILABLE', 'doubted');

type Row = readonly [object: number, version: number, place: string | null, token: string, scope: number, name: string];

/** A copy that was given up otherwise has no token, and is not among them. */
export async function listUnavailable(
  session: Session,
  place: string,
  { after, limit }: AbsenceQuery,
): ReturnType<AbsenceCatalog['listUnavailable']> {
  const store = await session.known.stores.requireId(session, place);
  const wanted = Math.min(limit, PAGE_MAX);
  const ids = await findObjects(session, { store, state: UNAVAILABLE, after: Number(after ?? 0), limit: wanted });
  const next = ids.length < wanted ? undefined : String(ids.at(-1));
  if (ids.length === 0) return { copies: [], next };
  const query = sql`select p.object, p.version, p.place, p.token, o.scope, o.name
    from replica p join object o on o.id = p.object
    where p.object > ${Number(after ?? 0)} and p.object <= ${ids.at(-1)} and p.store = ${store}
      and p.state = ${sql.lit(UNAVAILABLE)} and p.placed is not null and p.token is not null
    order by p.object, p.version`;
  const rows = await session.arrays<Row>({ compile: () => query.compile(session.db) });
  const copies: UnavailableCopy[] = [];
  for (const [objectId, versionId, at, token, scopeId, name] of rows) {
    const object = { scope: await session.known.scopes.textOf(session, scopeId), name };
    copies.push({ ...object, objectId, versionId, place: decodePlace(object, at), token });
  }
  return { copies, next };
}

const IS_MEANT = `replica.object = r.object and replica.store = r.store and replica.version = r.version
  and replica.state = ${UNAVAILABLE} and replica.placed is not null and replica.token = r.token`;
const columns = { object: 'int', store: 'int', version: 'int', token: 'text' } as const;

const tell: SetStatement = {
  columns: { ...columns, state: 'int' },
  text: (rows) => `update replica set state = r.state from ${rows} where ${IS_MEANT}`,
};

const forget: SetStatement = {
  columns,
  text: (rows) =>
    `delete from replica where state = ${UNAVAILABLE} and placed is not null
       and (object, store, version, token) in (select r.object, r.store, r.version, r.token from ${rows})`,
};

export async function recogniseCopies(
  session: Session,
  turn: AbsenceTurn,
  looked: readonly LookedAtCopy[],
): Promise<boolean> {
  const held = await holdTurn(session, turn);
  if (held === undefined) return false;
  const { store } = held;
  const ids = [...new Set(looked.map(({ objectId }) => objectId))];
  await lockObjectsById(session, ids);
  const watched = await watchThese(session, await seeObjects(session, ids));
  const told: SqlValue[][] = [];
  const gone: SqlValue[][] = [];
  for (const { objectId, versionId, token, shows } of looked) {
    const copy = [objectId, store, versionId, token];
    if (shows === 'none') gone.push(copy);
    else told.push([...copy, shows === 'same' ? RECOGNISED : DOUBTED]);
  }
  await session.run(tell, told);
  await session.run(forget, gone);
  await followObjects(session, watched, { areObjectsUnchanged: true });
  // There may be more copies by now than they ask for.
  const locks = await seeLocks(session, ids);
  await tellContentChanged(
    session,
    locks.filter((lock) => lock.store === store).map(({ rule }) => rule),
  );
  return true;
}
