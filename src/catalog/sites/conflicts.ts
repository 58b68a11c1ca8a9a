import { sql } from 'kysely';
import { losersOf } from '../../domain/journal/join.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Version } from '../../domain/object/version.ts';
import type { ConflictCatalog, ConflictPage, KeptBeside } from '../../ports/conflicts.ts';
import type { Session, SetStatement } from '../session.ts';
import { decodeVersion, type VersionRow, versionColumns } from '../verbs/read-object.ts';
import { type JoinedObject, seeJoined } from './see-joined.ts';

/** Objects that are looked at for one page of conflicts, at most: most that is kept beside others is one. */
const LOOKED_AT = 1_000;

export async function listConflicts(
  session: Session,
  { scope, after, limit }: Parameters<ConflictCatalog['listConflicts']>[0],
): Promise<ConflictPage> {
  const rows = Math.min(Math.max(limit, 1), LOOKED_AT);
  const { rows: named } = await sql<ObjectName>`
    select s.name as scope, o.name as name
    from (select distinct object from sibling) x join object o on o.id = x.object join scope s on s.id = o.scope
    where ${scope === undefined ? sql`true` : sql`s.name = ${scope}`}
      and ${after === undefined ? sql`true` : sql`(s.name > ${after.scope} or (s.name = ${after.scope} and o.name > ${after.name}))`}
    order by s.name, o.name limit ${rows}`.execute(session.db);
  const conflicts: KeptBeside[] = [];
  for (const [at, object] of (await seeJoined(session, named)).entries()) {
    const found = object && (await describe(session, named[at] as ObjectName, object));
    if (found !== undefined && found.lost.length > 0) conflicts.push(found);
  }
  return {
    conflicts,
    next: named.length < rows ? undefined : named.at(-1),
  };
}

export async function readConflict(session: Session, name: ObjectName): Promise<KeptBeside | undefined> {
  if ((await session.known.scopes.findId(session, name.scope)) === undefined) return undefined;
  const [object] = await seeJoined(session, [name]);
  return object === undefined || object.versions.length < 2 ? undefined : describe(session, name, object);
}

const find: SetStatement = {
  columns: { object: 'int', version: 'int' },
  text: (rows, { hex }) =>
    `select ${versionColumns(hex)}, coalesce(s.found_ms, 0) from ${rows} join version v on v.id = r.version
       left join sibling s on s.object = r.object and s.version = r.version`,
};

async function describe(
  session: Session,
  { scope, name }: ObjectName,
  object: JoinedObject,
): Promise<KeptBeside | undefined> {
  const { id, versions } = object;
  const [current, ...siblings] = versions;
  if (current === undefined) return undefined;
  const lost = losersOf(current, siblings);
  const wanted = [current, ...lost.map(([first]) => first)].map((one) => [id, one.id]);
  const told = new Map<number, Version & { readonly foundMs: number }>();
  for (const row of await session.all<readonly [...VersionRow, foundMs: number]>(find, wanted)) {
    const version = await decodeVersion(session, row.slice(0, -1) as unknown as VersionRow);
    told.set(version.id, { ...version, foundMs: Number(row.at(-1)) });
  }
  const now = told.get(current.id);
  if (now === undefined) return undefined;
  const { foundMs: _, ...served } = now;
  return {
    scope,
    name,
    served,
    lost: lost.flatMap((same) => {
      const one = told.get(same[0].id);
      return one?.content.kind === 'object'
        ? [{ ...one, content: one.content, same: same.map((each) => each.id) }]
        : [];
    }),
    versions: versions.map((one) => one.id),
  };
}
