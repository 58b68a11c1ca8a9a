import { type RawBuilder, sql } from 'kysely';
import type { CollectionKind } from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { CollectionCatalog, CollectionRecord, CollectionSum } from '../../ports/collections.ts';
import { TOMBSTONE } from '../codes.ts';
import type { Session } from '../session.ts';
import { DATASET, kindCode, kindName } from './collection-codes.ts';
import { findCollection } from './find-collection.ts';

interface CollectionRow {
  scope: string;
  name: string;
  kind: number;
  is_open: number;
  monotonic: number;
  created_ms: number;
  members: number;
}

export async function readCollection(session: Session, name: ObjectName): Promise<CollectionRecord | undefined> {
  const found = await findCollection(session, name);
  if (found === undefined) return undefined;
  const [record] = await read(session, sql`c.id = ${found.id}`);
  return record;
}

export function listCollections(
  session: Session,
  query: Parameters<CollectionCatalog['listCollections']>[0],
): Promise<readonly CollectionRecord[]> {
  const { scope, kind, after, limit } = query;
  const conditions = [sql`1 = 1`];
  if (scope !== undefined) conditions.push(sql`s.name = ${scope}`);
  if (kind !== undefined) conditions.push(sql`c.kind = ${kindCode(kind satisfies CollectionKind)}`);
  if (after !== undefined) conditions.push(sql`(s.name, c.name) > (${after.scope}, ${after.name})`);
  return read(session, sql.join(conditions, sql` and `), limit);
}

export function listParents(session: Session, { scope, name }: ObjectName): Promise<readonly CollectionRecord[]> {
  return read(
    session,
    sql`c.id in (
      select d.dataset from scope n join object o on o.scope = n.id and o.name = ${name}
        join dataset_object d on d.object = o.id where n.name = ${scope}
      union
      select cc.container from scope n join collection m on m.scope = n.id and m.name = ${name}
        join container_collection cc on cc.collection = m.id where n.name = ${scope})`,
  );
}

async function read(
  session: Session,
  condition: RawBuilder<unknown>,
  limit?: number,
): Promise<readonly CollectionRecord[]> {
  const { rows } = await sql<CollectionRow>`
    select s.name as scope, c.name, c.kind, c.is_open, c.monotonic, c.created_ms,
      case when c.kind = ${DATASET} then (select count(*) from dataset_object d where d.dataset = c.id)
        else (select count(*) from container_collection cc where cc.container = c.id) end as members
    from collection c join scope s on s.id = c.scope where ${condition}
    order by s.name, c.name ${limit === undefined ? sql`` : sql`limit ${limit}`}`.execute(session.db);
  return rows.map(({ scope, name, kind, is_open, monotonic, created_ms, members }) => ({
    scope,
    name,
    kind: kindName(kind),
    isOpen: is_open === 1,
    isMonotonic: monotonic === 1,
    createdMs: created_ms,
    members,
  }));
}

export async function sumCollection(session: Session, name: ObjectName): Promise<CollectionSum | undefined> {
  const found = await findCollection(session, name);
  if (found === undefined) return undefined;
  const { int } = session.engine.ddl;
  const { rows } = await sql<{ collections: number; objects: number; deleted: number; bytes: number }>`
    with recursive below(id) as (
      select c.id from collection c where c.id = ${found.id}
      union select cc.collection from below join container_collection cc on cc.container = below.id
    ), content as (select distinct d.object from below join dataset_object d on d.dataset = below.id)
    select (select count(*) from below) - 1 as collections,
      count(case when o.kind <> ${TOMBSTONE} then 1 end) as objects,
      count(case when o.kind = ${TOMBSTONE} then 1 end) as deleted,
      cast(coalesce(sum(v.size), 0) as ${sql.raw(int)}) as bytes
    from content join object o on o.id = content.object join version v on v.id = o.current`.execute(session.db);
  const [sum] = rows;
  if (sum === undefined) return undefined;
  return {
    collections: sum.collections,
    objects: sum.objects,
    bytes: sum.bytes,
    deletedObjects: sum.deleted,
  };
}
