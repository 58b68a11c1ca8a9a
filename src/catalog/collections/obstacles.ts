import {
  type CollectionKind,
  type CollectionProblem,
  collectionProblem,
  showName,
} from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { OBJECT } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { kindName } from './collection-codes.ts';

/** A closed or monotonic dataset that an object is in. */
export interface Freezing extends ObjectName {
  readonly isOpen: boolean;
}

const findFreezing: SetStatement = {
  columns: { i: 'int', object: 'int' },
  text: (rows) =>
    `select r.i, c.scope, c.name, c.is_open from ${rows}
       join dataset_object d on d.object = r.object
       join collection c on c.id = d.dataset and (c.is_open = 0 or c.monotonic = 1)`,
};

/** Of each object the datasets it may not change in, by the index of the object; objects that are in none have no entry. */
export async function findFreezingDatasets(
  session: Session,
  objects: readonly number[],
): Promise<ReadonlyMap<number, readonly Freezing[]>> {
  const rows = await session.all<[at: number, scope: number, name: string, isOpen: number]>(
    findFreezing,
    objects.map((object, at) => [at, object]),
  );
  const found = new Map<number, Freezing[]>();
  for (const [at, scope, name, isOpen] of rows) {
    const freezing = { scope: await session.known.scopes.textOf(session, scope), name, isOpen: isOpen === 1 };
    found.set(at, [...(found.get(at) ?? []), freezing]);
  }
  return found;
}

const findCollections: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows) => `select r.i, c.kind from ${rows} join collection c on c.scope = r.scope and c.name = r.name`,
};

/** By the index of the name: what collection has it. */
export async function findNamesakes(
  session: Session,
  keys: readonly (readonly [scope: number, name: string])[],
): Promise<ReadonlyMap<number, CollectionKind>> {
  const rows = await session.all<[at: number, kind: number]>(
    findCollections,
    keys.map((key, at) => [at, ...key]),
  );
  return new Map(rows.map(([at, kind]) => [at, kindName(kind)]));
}

export function frozenProblem(object: ObjectName, { isOpen, ...dataset }: Freezing): CollectionProblem {
  const name = showName(dataset);
  const message = `${showName(object)} is in the ${isOpen ? 'monotonic' : 'closed'} dataset ${name}`;
  const remedy = isOpen ? 'write it under another name' : `write it under another name, or open ${name} again`;
  return collectionProblem('frozen', object, message, remedy);
}

export function takenProblem(object: ObjectName, kind: CollectionKind): CollectionProblem {
  return collectionProblem('name-taken', object, `${showName(object)} is a ${kind}`, 'write it under another name');
}

const findObstacles: SetStatement = {
  columns: { scope: 'int', name: 'text' },
  text: (rows) =>
    `with asked as (select r.scope, r.name from ${rows})
     select 1, c.scope, c.name, c.is_open, c.kind from asked
       join object o on o.scope = asked.scope and o.name = asked.name
       join dataset_object d on d.object = o.id
       join collection c on c.id = d.dataset and (c.is_open = 0 or c.monotonic = 1)
     union all
     select 0, c.scope, c.name, c.is_open, c.kind from asked
       join collection c on c.scope = asked.scope and c.name = asked.name
     where not exists (
       select 1 from object o where o.scope = asked.scope and o.name = asked.name and o.kind = ${OBJECT})`,
};

/** One statement: each write of an object asks it. */
export async function listObstacles(session: Session, name: ObjectName): Promise<readonly CollectionProblem[]> {
  const scopeId = await session.known.scopes.findId(session, name.scope);
  if (scopeId === undefined) return [];
  type Row = readonly [isFreezing: number, scope: number, name: string, isOpen: number, kind: number];
  const problems: CollectionProblem[] = [];
  for (const [isFreezing, scope, found, isOpen, kind] of await session.all<Row>(findObstacles, [
    [scopeId, name.name],
  ])) {
    const freezing = { scope: await session.known.scopes.textOf(session, scope), name: found, isOpen: isOpen === 1 };
    problems.push(isFreezing === 1 ? frozenProblem(name, freezing) : takenProblem(name, kindName(kind)));
  }
  return problems;
}
