import type { PlaceOwner } from '../../ports/places.ts';
import { computedOwners } from '../place-code.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

/** A key at a store. */
export interface PlaceAsked {
  readonly store: number;
  readonly key: string;
}

type OwnerRow = readonly [at: number, scope: number, name: string, isPlaced: number];

const OWNER = 'r.i, o.scope, o.name, case when p.placed is null then 0 else 1 end';

/** What is kept as text. The last condition is that of the index. */
export const kept: SetStatement = {
  columns: { i: 'int', store: 'int', key: 'text' },
  text: (rows) =>
    `select ${OWNER} from ${rows} join replica p on p.store = r.store and p.place = r.key and p.place >= ' '
       join object o on o.id = p.object`,
};

/** Not to be reached: what is limited is joined by itself, before what it is joined with. */
const NO_LIMIT = 1_000_000_000;

/** What lies under its own name: in any scope. Objects are found before copies: either engine would go through all of a store otherwise. */
export const named: SetStatement = {
  columns: { i: 'int', store: 'int', key: 'text' },
  text: (rows, { isAnyOf }) =>
    `select r.i, r.scope, r.name, case when p.placed is null then 0 else 1 end
     from (select r.i, r.store, o.id, o.scope, o.name from ${rows} cross join object o
       where ${isAnyOf('o.scope', 'select s.id from scope s')} and o.name = r.key limit ${NO_LIMIT}) as r
     cross join replica p where p.object = r.id and p.store = r.store and p.place is null`,
};

export const computed: SetStatement = {
  columns: { i: 'int', store: 'int', scope: 'int', name: 'text', code: 'text' },
  text: (rows) =>
    `select ${OWNER} from ${rows} cross join object o cross join replica p
     where o.scope = r.scope and o.name = r.name and p.object = o.id and p.store = r.store and p.place = r.code`,
};

/** Whose these places are, each answer at the index of its question: three looks by an index, whatever algorithm a store has or had. */
export async function findPlaceOwners(
  session: Session,
  asked: readonly PlaceAsked[],
): Promise<readonly (readonly PlaceOwner[])[]> {
  const owners: PlaceOwner[][] = asked.map(() => []);
  if (asked.length === 0) return owners;
  const keys = asked.map(({ store, key }, i): SqlValue[] => [i, store, key]);
  const scopes = await session.arrays<[id: number, name: string]>(
    session.db.selectFrom('scope').select(['id', 'name']),
  );
  const numbers = new Map(scopes.map(([id, name]) => [name, id]));
  const codes = asked.flatMap(({ store, key }, i) =>
    computedOwners(key, numbers).map(({ object, code }): SqlValue[] => [
      i,
      store,
      numbers.get(object.scope) ?? 0,
      object.name,
      code,
    ]),
  );
  const found = [
    ...(await session.all<OwnerRow>(kept, keys)),
    ...(await session.all<OwnerRow>(named, keys)),
    ...(await session.all<OwnerRow>(computed, codes)),
  ];
  const names = new Map(scopes);
  for (const [at, scope, name, isPlaced] of found)
    owners[at]?.push({ scope: names.get(scope) ?? '', name, isPlaced: isPlaced === 1 });
  return owners;
}
