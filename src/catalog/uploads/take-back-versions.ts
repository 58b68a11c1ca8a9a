import { nextOperationId, OPERATION_ID_RANDOM_BYTES } from '../../domain/object/operation-id.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { PLACED, RELEASED, stateCode, TO_PURGE } from '../codes.ts';
import { type ContentRow, decodeContent, decodeOperation } from '../content.ts';
import { isTaken, recordChanges } from '../record/record-changes.ts';
import { openSoftStores } from '../record/soft-stores.ts';
import { cancelCopies } from '../rules/copy-requests.ts';
import { seeObjects } from '../rules/seen.ts';
import { followObjects, watchThese } from '../rules/watch-objects.ts';
import type { Session, SetStatement } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { EARLIER_VERSION, NEVER_ARRIVED } from './never-arrived.ts';
import { decodeNote, UPLOADER } from './upload-codes.ts';

/**
 * SQL condition, of the object called `o`: what it has now never came anywhere, and something before it did. `e` is that version, and `v`
 * the current one.
 */
const FIND = (rows: string) => `from ${rows} join object o on o.id = r.object join version v on v.id = o.current
  join version e on e.id = ${EARLIER_VERSION} where ${NEVER_ARRIVED}`;

const findAny: SetStatement = { columns: { object: 'int' }, text: (rows) => `select o.id ${FIND(rows)}` };

/**
 * Whether versions may have to be taken back when locks on these objects are gone, which are locked by the caller. Then the slot is locked
 * here: it comes before stores and rules (docs/catalog.md).
 */
export async function expectTakingBack(session: Session, objects: readonly number[]): Promise<readonly number[]> {
  const found = await session.all<[id: number]>(
    findAny,
    objects.map((object) => [object]),
  );
  if (found.length > 0) await session.known.slot.takeCounters(session, 0);
  return found.map(([id]) => id);
}

const find: SetStatement = {
  columns: { object: 'int' },
  text: (rows, { hex }) =>
    `select o.id, o.scope, o.name, o.current, ${hex('v.operation')}, e.id, ${hex('e.operation')},
       e.kind, e.size, ${hex('e.sha256')}, e.content_type, e.metadata, cast(e.modified_ns as text), e.mode,
       ${hex('e.md5')}
     ${FIND(rows)}`,
};

const findUploads: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `select o.id, l.rule, case when q.tool = '${UPLOADER}' then q.external_id end from ${rows} join object o on o.id = r.object
     join request q on q.version = o.current and q.kind = 'copy' and q.reason = 'upload' and q.state <> 'CANCELLED'
     join lock l on l.object = o.id and l.store = q.store`,
};

/** Objects of these that somebody uploads, or may go on with: the upload's own rule has its lock. What others have there cannot bring it. */
async function findGoingOn(session: Session, objects: readonly number[]): Promise<ReadonlySet<number>> {
  const uploads = await session.all<[object: number, rule: number, note: string | null]>(
    findUploads,
    objects.map((object) => [object]),
  );
  const going = uploads.filter(([, rule, note]) => {
    const own = note === null ? undefined : decodeNote(note).rule;
    return own === undefined || own === rule;
  });
  return new Set(going.map(([object]) => object));
}

type GivenUpRow = readonly [
  object: number,
  scope: number,
  name: string,
  current: number,
  operation: string,
  earlier: number,
  earlierOperation: string,
  ...content: ContentRow,
];

/**
 * Of these objects, those whose newest version never came anywhere, and that nobody uploads any more: the version before is made anew, as
 * one that follows it, and has the copies of that where they lie (docs/uploads.md, "A new version on its way").
 */
export async function takeBackVersions(session: Session, objects: readonly number[]): Promise<void> {
  if (objects.length === 0) return;
  const going = await findGoingOn(session, objects);
  const found = await session.all<GivenUpRow>(
    find,
    objects.filter((object) => !going.has(object)).map((object) => [object]),
  );
  if (found.length === 0) return;
  const named = await Promise.all(found.map((row) => nameOf(session, row)));
  const before = await watchThese(
    session,
    await seeObjects(
      session,
      found.map(([object]) => object),
    ),
  );
  const outcomes = await recordChanges(
    session,
    found.map(([, , , follows, operation, , , ...content], at) => ({
      ...(named[at] as ObjectName),
      follows,
      content: decodeContent(content),
      operation: operationAfter(session, decodeOperation(operation)),
      replicas: [],
    })),
    // Content of rules it was before, and stays.
    { soft: await openSoftStores(session, []), hasRules: false },
  );
  const moves = found.map(([object, , , current, , earlier], at) => {
    const outcome = outcomes[at];
    if (outcome === undefined || !isTaken(outcome)) throw new Error('a version that never came is not to be followed');
    return { object, current, earlier, made: outcome.versionId };
  });
  const givenUp = new Set(moves.map(({ current }) => current));
  const gone = before.replicas.filter(({ version }) => givenUp.has(version));
  await cancelCopies(
    session,
    gone.map(({ version, store }) => [version, store]),
    'its upload was given up',
  );
  await session.run(
    forgetCopies,
    moves.map(({ object, current }) => [object, current]),
  );
  await session.run(
    moveCopies,
    moves.map(({ object, earlier, made }) => [object, earlier, made]),
  );
  await session.run(
    restoreAuthority,
    moves.map(({ object, made }) => [object, made]),
  );
  await followObjects(session, before);
  await recordEvents(
    session,
    found.map(([, , , , operation, , earlier], at) => ({
      kind: 'upload-given-up',
      ...(named[at] as ObjectName),
      detail: `${decodeOperation(operation)} never came anywhere: the version before, ${decodeOperation(earlier)}, is current again`,
    })),
  );
}

async function nameOf(session: Session, [, scope, name]: GivenUpRow): Promise<ObjectName> {
  return { scope: await session.known.scopes.textOf(session, scope), name };
}

function operationAfter({ known: { clock, random } }: Session, last: string): string {
  return nextOperationId(last, clock.nowMs(), random.bytes(OPERATION_ID_RANDOM_BYTES));
}

/** No copy was ever made of it, so nothing of it lies anywhere. */
const forgetCopies: SetStatement = {
  columns: { object: 'int', version: 'int' },
  text: (rows) => `delete from replica where (object, version) in (select r.object, r.version from ${rows})`,
};

/** With place, token and verification; what is wanted again is not to go any more. */
const moveCopies: SetStatement = {
  columns: { object: 'int', version: 'int', made: 'int' },
  text: (rows) => {
    const isWanted = `replica.placed in (${RELEASED}, ${TO_PURGE})
      and exists (select 1 from lock l where l.object = replica.object and l.store = replica.store)`;
    return `update replica set version = r.made, placed = case when ${isWanted} then ${PLACED} else replica.placed end,
       used_ms = case when ${isWanted} then null else replica.used_ms end
     from ${rows} where replica.object = r.object and replica.version = r.version
       and replica.state <> ${stateCode('BEING_DELETED')}`;
  },
};

/** Where it was first available is forgotten: the store that the catalog knows longest has it. */
const restoreAuthority: SetStatement = {
  columns: { object: 'int', version: 'int' },
  text: (rows) =>
    `update object_trait set authority = (select coalesce(
         min(case when p.state = ${stateCode('AVAILABLE')} then p.store end), min(p.store))
       from replica p where p.object = r.object and p.version = r.version)
     from ${rows} where object_trait.object = r.object`,
};
