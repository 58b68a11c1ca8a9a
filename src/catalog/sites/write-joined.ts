import type { Arrived } from '../../ports/journal.ts';
import type { ContentColumns } from '../content.ts';
import { deleteReplicas } from '../record/delete-replicas.ts';
import { keysOf, type Named } from '../record/find-objects.ts';
import { insertVersion, moveObject } from '../record/make-versions.ts';
import { openSoftStores } from '../record/soft-stores.ts';
import { encodeReplica, upsertReplicas } from '../record/upsert-replicas.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { addSibling, countSiblings, dropSibling, endConflict, supersede } from './object-rows.ts';
import type { JoinedObject, SeenVersion } from './see-joined.ts';

/** A version that changes its object, and what the object is from then on. */
export interface JoinedWrite {
  readonly named: Named;
  /** `id` in it is not heeded. */
  readonly version: SeenVersion;
  readonly content: ContentColumns;
  readonly operation: Uint8Array;
  readonly copy: Arrived['copy'];
  /** As it was; undefined: it was not. */
  readonly object: JoinedObject | undefined;
  /** As `join` says: `version` among them. */
  readonly versions: readonly SeenVersion[];
  /** What the version gets. */
  readonly id: number;
}

const insertObject: SetStatement = {
  columns: { scope: 'int', name: 'text', id: 'int', kind: 'int' },
  text: (rows) =>
    `insert into object (scope, name, id, current, kind) select r.scope, r.name, r.id, r.id, r.kind from ${rows}`,
};

/** Writes versions with their copies, and makes their objects what the joins say. No object is named twice; all are locked by the caller. */
export async function writeJoined(session: Session, writes: readonly JoinedWrite[]): Promise<void> {
  const keys = await keysOf(
    session,
    writes.map(({ named }) => named),
  );
  const rows: Rows = { versions: [], made: [], moved: [], counted: [], superseded: [], siblings: [], dropped: [] };
  for (const [at, one] of writes.entries()) addRows(rows, one, keys[at] as [number, string], session.known.siteId);
  await session.run(insertVersion, rows.versions);
  await session.run(insertObject, rows.made);
  await session.run(moveObject, rows.moved);
  await session.run(supersede, rows.superseded);
  await session.run(endConflict, rows.dropped);
  await session.run(dropSibling, rows.dropped);
  await session.run(addSibling, rows.siblings);
  await session.run(countSiblings, rows.counted);
  await writeReplicas(session, writes);
}

async function writeReplicas(session: Session, writes: readonly JoinedWrite[]): Promise<void> {
  const soft = await openSoftStores(session, []);
  const rows = [];
  for (const { copy, named, object, id } of writes) {
    if (copy === undefined) continue;
    const store = await session.known.stores.requireId(session, copy.store);
    const { scope, name } = named;
    rows.push(encodeReplica(copy, { object: object?.id ?? id, scope, name, store, version: id }, soft));
  }
  await upsertReplicas(session, rows);
  await deleteReplicas(
    session,
    writes.flatMap(({ named: { scope, name }, object, versions }) =>
      versions[0]?.isTombstone === true && object !== undefined ? [{ id: object.id, scope, name }] : [],
    ),
  );
}

interface Rows {
  readonly versions: SqlValue[][];
  readonly made: SqlValue[][];
  readonly moved: SqlValue[][];
  readonly counted: SqlValue[][];
  readonly superseded: SqlValue[][];
  readonly siblings: SqlValue[][];
  readonly dropped: SqlValue[][];
}

/** What a version changes: its object's current version and siblings are `versions` from now on. */
function addRows(rows: Rows, write: JoinedWrite, key: [number, string], siteId: string): void {
  const { version, content, operation, object, versions, id } = write;
  const objectId = object?.id ?? id;
  const idOf = (one: SeenVersion): number => (one === version ? id : one.id);
  const [current, ...siblings] = versions as [SeenVersion, ...SeenVersion[]];
  const { actor, counter } = version.dot;
  const context = Object.keys(version.context).length === 0 ? null : JSON.stringify(version.context);
  const { time, origin } = version;
  const isCurrent = current === version;
  rows.versions.push([
    id,
    objectId,
    isCurrent ? 0 : 1,
    Number(actor),
    counter,
    context,
    time.ms,
    time.n,
    origin === siteId ? null : origin,
    operation,
    ...content,
  ]);
  if (object === undefined) rows.made.push([...key, id, content[0]]);
  else if (isCurrent || idOf(current) !== object.current.id) rows.moved.push([...key, idOf(current), current.kind]);
  const was = object?.current;
  const wereSiblings = [...(object?.versions ?? []), ...(object?.purged ?? [])].filter((one) => one !== was);
  if (was !== undefined && was !== current) rows.superseded.push([objectId, was.id, 1]);
  if (!isCurrent && was !== current) rows.superseded.push([objectId, idOf(current), 0]);
  for (const one of siblings) rows.siblings.push([objectId, idOf(one)]);
  for (const one of wereSiblings) if (!siblings.includes(one)) rows.dropped.push([objectId, one.id]);
  if (siblings.length > 0 || wereSiblings.length > 0) rows.counted.push([...key, siblings.length]);
}
