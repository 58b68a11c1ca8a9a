import type { Context } from '../../domain/object/dot.ts';
import type { Version } from '../../domain/object/version.ts';
import { neverCame } from '../../domain/replica/never-came.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import type { ObjectRecord } from '../../ports/catalog.ts';
import { type ContentRow, decodeContent, decodeOperation } from '../content.ts';
import { decodeReplica, toldReplica, type ToldReplicaRow } from '../replica-row.ts';
import { isPurgeOpen, Purged } from '../sites/purged.ts';
import type { Session, SetStatement } from '../session.ts';
import { EARLIER_VERSION, NEVER_ARRIVED } from '../uploads/never-arrived.ts';

export type VersionRow = readonly [
  id: number,
  actor: number,
  counter: number,
  context: string | null,
  ms: number,
  n: number,
  origin: string | null,
  operation: string,
  ...content: ContentRow,
];

/** Of an object that no store has there is one row without a store. */
type ReplicaRow = ToldReplicaRow | readonly [store: null, ...unknown[]];

/** How many columns of a row are the version's. */
const VERSION_COLUMNS = 16;

export const versionColumns = (hex: (column: string) => string): string =>
  `v.id, v.actor, v.counter, v.context, v.time_ms, v.time_n, v.origin, ${hex('v.operation')},
       v.kind, v.size, ${hex('v.sha256')}, v.content_type, v.metadata, cast(v.modified_ns as text), v.mode, ${hex('v.md5')}`;

/** One statement, so that version and replicas are of one moment. */
const find: SetStatement = {
  columns: { scope: 'int', name: 'text', boot: 'text' },
  text: (rows, { hex }) =>
    `select ${versionColumns(hex)},
       case when ${isPurgeOpen('o.scope')} then 1 else 0 end, o.siblings, ${toldReplica('p', 'r.boot')}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name
       join version v on v.id = o.current
       left join replica p on p.object = o.id
     order by case when p.version = v.id then 0 else 1 end, p.version desc, p.store`,
};

/** The object with all its replicas, also when it is deleted: then `current` is a tombstone. */
export async function readObject(session: Session, scope: string, name: string): Promise<ObjectRecord | undefined> {
  const scopeId = await session.known.scopes.findId(session, scope);
  if (scopeId === undefined) return undefined;
  const rows = await session.all<readonly [...VersionRow, isPurgeOpen: number, siblings: number, ...ReplicaRow]>(find, [
    [scopeId, name, session.known.boot],
  ]);
  const [first] = rows;
  if (first === undefined) return undefined;
  const current = await decodeVersion(session, first.slice(0, VERSION_COLUMNS) as unknown as VersionRow);
  if (first[VERSION_COLUMNS] === 1 && (await isPurged(session, scopeId, current)))
    return { scope, name, current: { ...current, content: { kind: 'tombstone' } }, replicas: [] };
  const replicas: Replica[] = [];
  for (const row of rows) {
    const replica = row.slice(VERSION_COLUMNS + 2) as unknown as ReplicaRow;
    if (replica[0] !== null) replicas.push(await decodeReplica(session, { scope, name }, replica));
  }
  const earlier = await readEarlier(session, [scopeId, name], current, replicas);
  const siblings = Number(first[VERSION_COLUMNS + 1]);
  return {
    scope,
    name,
    current,
    ...(siblings === 0 ? {} : { siblings }),
    ...(earlier === undefined ? {} : { earlier }),
    replicas,
  };
}

async function isPurged(session: Session, scope: number, { dot }: Version): Promise<boolean> {
  return (await Purged.read(session, [scope])).hasDot(scope, dot);
}

/** Of the object as it was just read: nothing where it has changed since. */
const findEarlier: SetStatement = {
  columns: { scope: 'int', name: 'text', current: 'int' },
  text: (rows, { hex }) =>
    `select ${versionColumns(hex)}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name and o.current = r.current
       join version v on v.id = ${EARLIER_VERSION}
     where ${NEVER_ARRIVED}`,
};

/** Nobody asks a second time of an object that has a copy. */
async function readEarlier(
  session: Session,
  key: readonly [scope: number, name: string],
  { id, content }: Version,
  replicas: readonly Replica[],
): Promise<Version | undefined> {
  const isCurrent = (one: Replica): boolean => one.versionId === id;
  if (content.kind === 'tombstone' || replicas.every(isCurrent)) return undefined;
  if (replicas.some((one) => isCurrent(one) && !neverCame(one))) return undefined;
  const [row] = await session.all<VersionRow>(findEarlier, [[...key, id]]);
  return row && decodeVersion(session, row);
}

export async function decodeVersion(session: Session, row: VersionRow): Promise<Version> {
  const [id, actor, counter, context, ms, n, origin, operation, ...content] = row;
  const { actors, siteId } = session.known;
  const seen: Record<string, number> = {};
  for (const [seenActor, seenCounter] of Object.entries(JSON.parse(context ?? '{}') as Context)) {
    seen[await actors.textOf(session, Number(seenActor))] = seenCounter;
  }
  return {
    id,
    dot: { actor: await actors.textOf(session, actor), counter },
    context: seen,
    time: { ms, n },
    origin: origin ?? siteId,
    operation: decodeOperation(operation),
    content: decodeContent(content),
  };
}
