import { sql } from 'kysely';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { CatalogError } from '../../ports/catalog.ts';
import type { MemberPage, MemberRecord } from '../../ports/collections.ts';
import { TOMBSTONE } from '../codes.ts';
import type { Session } from '../session.ts';
import { kindName } from './collection-codes.ts';
import { findCollection } from './find-collection.ts';

/** Members of one page at most; a page is what crosses a thread at once. */
const PAGE_ROWS_MAX = 65_536;

interface MemberRow {
  id: number;
  scope: number;
  name: string;
  kind: number;
  /** Null of collections. */
  size: number | null;
}

/** A walk along the primary key: a page costs what it holds, whatever the collection holds. */
export async function listMembers(
  session: Session,
  parent: ObjectName,
  query: { readonly after?: number; readonly limit: number },
): Promise<MemberPage> {
  if (!(query.limit > 0)) throw new CatalogError('failed', `a page has at least one row, not ${query.limit}`);
  const found = await findCollection(session, parent);
  if (found === undefined) return { members: [], next: undefined };
  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  const page = { id: found.id, after: query.after ?? 0, rows: limit + 1 };
  const rows = await (found.kind === 'dataset' ? readObjects(session, page) : readCollections(session, page));
  const members: MemberRecord[] = [];
  for (const row of rows.slice(0, limit)) {
    const isObject = row.size !== null;
    members.push({
      scope: await session.known.scopes.textOf(session, row.scope),
      name: row.name,
      kind: isObject ? 'object' : kindName(row.kind),
      size: row.size ?? undefined,
      isDeleted: isObject && row.kind === TOMBSTONE,
    });
  }
  return { members, next: rows.length > limit ? rows[limit - 1]?.id : undefined };
}

interface PageOf {
  readonly id: number;
  readonly after: number;
  readonly rows: number;
}

async function readObjects({ db }: Session, { id, after, rows }: PageOf): Promise<readonly MemberRow[]> {
  const read = await sql<MemberRow>`
    select m.object as id, o.scope, o.name, o.kind, v.size
    from (select object from dataset_object where dataset = ${id} and object > ${after} order by object limit ${rows}) as m
      join object o on o.id = m.object join version v on v.id = o.current order by m.object`.execute(db);
  return read.rows;
}

async function readCollections({ db }: Session, { id, after, rows }: PageOf): Promise<readonly MemberRow[]> {
  const read = await sql<MemberRow>`
    select cc.collection as id, c.scope, c.name, c.kind, null as size
    from container_collection cc join collection c on c.id = cc.collection
    where cc.container = ${id} and cc.collection > ${after} order by cc.collection limit ${rows}`.execute(db);
  return read.rows;
}
