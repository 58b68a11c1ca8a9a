import type { CollectionKind } from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { TOMBSTONE } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { kindName } from './collection-codes.ts';

/** What there is under one name. */
export interface NamedThing {
  object?: {
    readonly id: number;
    readonly isDeleted: boolean;
    readonly size: number;
    readonly sha256: string | undefined;
  };
  collection?: { readonly id: number; readonly kind: CollectionKind };
}

const findObjects: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows, { hex }) =>
    `select r.i, o.id, o.kind, v.size, ${hex('v.sha256')}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name join version v on v.id = o.current`,
};

const findCollections: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows) => `select r.i, c.id, c.kind from ${rows} join collection c on c.scope = r.scope and c.name = r.name`,
};

/** What there is under each name, at its index. Of objects that are wanted and there, no collection is looked for. */
export async function findNamed(
  session: Session,
  names: readonly ObjectName[],
  wanted: 'object' | 'collection',
): Promise<readonly NamedThing[]> {
  const found: NamedThing[] = names.map(() => ({}));
  const keys = await keysOfKnown(session, names);
  type ObjectRow = readonly [at: number, id: number, kind: number, size: number, sha256: string | null];
  for (const [at, id, kind, size, sha256] of await session.all<ObjectRow>(findObjects, keys)) {
    const object = { id, isDeleted: kind === TOMBSTONE, size, sha256: sha256 ?? undefined };
    (found[at] as NamedThing).object = object;
  }
  const isThere = (at: number): boolean => wanted === 'object' && found[at]?.object?.isDeleted === false;
  const open = keys.filter(([at]) => !isThere(at));
  for (const [at, id, kind] of await session.all<[number, number, number]>(findCollections, open))
    (found[at] as NamedThing).collection = { id, kind: kindName(kind) };
  return found;
}

/** Index, scope number and name, of those whose scope is known. */
async function keysOfKnown(
  session: Session,
  names: readonly ObjectName[],
): Promise<(readonly [at: number, ...SqlValue[]])[]> {
  const scopes = new Map<string, number | undefined>();
  for (const { scope } of names)
    if (!scopes.has(scope)) scopes.set(scope, await session.known.scopes.findId(session, scope));
  return names.flatMap(({ scope, name }, at) => {
    const id = scopes.get(scope);
    return id === undefined ? [] : [[at, id, name] as const];
  });
}
