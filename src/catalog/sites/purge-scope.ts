import { sql } from 'kysely';
import { type Context, contextAfter, mergeContexts } from '../../domain/object/dot.ts';
import type { PurgeEntry } from '../../domain/journal/entry.ts';
import type { SiteContext } from '../../domain/journal/site-context.ts';
import { wins } from '../../domain/journal/join.ts';
import { closeBarrier } from '../barrier.ts';
import { OBJECT, PURGE_SCOPE, TOMBSTONE } from '../codes.ts';
import { encodeOperation } from '../content.ts';
import { nowMs } from '../now.ts';
import { deleteReplicas } from '../record/delete-replicas.ts';
import { lockObjects } from '../record/find-objects.ts';
import { giveDots } from '../record/give-dots.ts';
import { insertVersion, moveObject } from '../record/make-versions.ts';
import { followObjects, watchObjects } from '../rules/watch-objects.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { appendEntries } from './append-entries.ts';
import { readContext } from './considered.ts';
import { countSiblings, dropSibling, supersede } from './object-rows.ts';
import { type JoinedObject, seePurged } from './see-joined.ts';

/** Objects of one page of a purge. */
const PAGE = 500;

/**
 * Takes away all that this site has of a scope, in one step: a row that every reading and every entry that arrives is held against.
 * The objects' own rows follow in pages. Returns how many objects that is; undefined: nobody has heard of the scope.
 */
export async function purgeScope(session: Session, name: string, operation: string): Promise<number | undefined> {
  const scope = await session.known.scopes.findId(session, name);
  if (scope === undefined) return undefined;
  // Who is changing something has a number that is considered by now, or gets one after this.
  await closeBarrier(session, 'patterns');
  const seen = await readContext(session);
  const [given] = await giveDots(session, [undefined]);
  if (given === undefined) throw new Error('a purge got no number');
  const { actor, counter, time, slot } = given;
  const count = await countObjects(session, scope);
  await addPurge(session, { actor, counter, scope, seen, time, origin: null, operation });
  await appendEntries(session, slot, [
    { kind: PURGE_SCOPE, actor, counter, scope, object: 0, version: 0, operation: encodeOperation(operation) },
  ]);
  await recordEvents(session, [{ kind: 'scope-purged', scope: name, detail: `${count} objects are gone` }]);
  return count;
}

async function countObjects({ db }: Session, scope: number): Promise<number> {
  const { count } = await db
    .selectFrom('object')
    .where('scope', '=', scope)
    .where('kind', '=', OBJECT)
    .select((row) => row.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

interface NewPurge {
  readonly actor: number;
  readonly counter: number;
  readonly scope: number;
  readonly seen: SiteContext;
  readonly time: PurgeEntry['time'];
  readonly origin: string | null;
  readonly operation: string;
}

/** Of another site's purge, too. */
export async function addPurge(session: Session, purge: NewPurge): Promise<void> {
  const { actor, counter, scope, seen, time, origin, operation } = purge;
  await session.db
    .insertInto('purge')
    .values({
      actor,
      counter,
      scope,
      seen: JSON.stringify(seen),
      time_ms: time.ms,
      time_n: time.n,
      origin,
      operation: encodeOperation(operation),
      at_ms: nowMs(session),
    })
    .onConflict((conflict) => conflict.columns(['actor', 'counter']).doNothing())
    .execute();
  await session.db
    .insertInto('purge_open')
    .values({ scope, position: '' })
    .onConflict((conflict) => conflict.column('scope').doUpdateSet({ position: '' }))
    .execute();
}

/** Takes one page of purged objects away for good. Returns whether there may be more. */
export async function purgePage(session: Session): Promise<boolean> {
  const { rows } = await sql<{ scope: number; position: string; name: string }>`
    select q.scope, q.position, s.name from purge_open q join scope s on s.id = q.scope order by q.scope limit 1
    ${sql.raw(session.engine.skipLocked)}`.execute(session.db);
  const [open] = rows;
  if (open === undefined) return false;
  const page = await session.db
    .selectFrom('object')
    .where('scope', '=', open.scope)
    .where('name', '>', open.position)
    .orderBy('name')
    .limit(PAGE)
    .select('name')
    .execute();
  const names = page.map(({ name }) => ({ scope: open.name, name }));
  await lockObjects(session, names);
  const watched = await watchObjects(session, names);
  await takeAway(session, open, names);
  await followObjects(session, watched);
  const last = names.at(-1);
  if (last === undefined || names.length < PAGE)
    await session.db
      .deleteFrom('purge_open')
      .where('scope', '=', open.scope)
      .where('position', '=', open.position)
      .execute();
  else
    await session.db
      .updateTable('purge_open')
      .set({ position: last.name })
      .where('scope', '=', open.scope)
      .where('position', '=', open.position)
      .execute();
  return true;
}

interface Named {
  readonly scope: string;
  readonly name: string;
}

async function takeAway(
  session: Session,
  { scope }: { readonly scope: number },
  names: readonly Named[],
): Promise<void> {
  const made = await lastPurge(session, scope);
  if (made === undefined) return;
  const rows: Rows = { versions: [], moved: [], superseded: [], dropped: [], counted: [] };
  const deleted: { id: number; scope: string; name: string }[] = [];
  for (const [at, object] of (await seePurged(session, names)).entries()) {
    const { scope: scopeName, name } = names[at] as Named;
    if (object === undefined || object.purged.length === 0) continue;
    if (object.versions.length > 0) keep(rows, object, [scope, name]);
    else if (!object.current.isTombstone) {
      const [id = 0] = await session.engine.takeIds(session, 1);
      end(rows, object, { id, made, key: [scope, name] });
      deleted.push({ id: object.id, scope: scopeName, name });
    }
  }
  await session.run(insertVersion, rows.versions);
  await session.run(moveObject, rows.moved);
  await session.run(supersede, rows.superseded);
  await session.run(dropSibling, rows.dropped);
  await session.run(countSiblings, rows.counted);
  await deleteReplicas(session, deleted);
}

interface Rows {
  readonly versions: SqlValue[][];
  readonly moved: SqlValue[][];
  readonly superseded: SqlValue[][];
  readonly dropped: SqlValue[][];
  readonly counted: SqlValue[][];
}

interface Made {
  readonly actor: number;
  readonly counter: number;
  readonly ms: number;
  readonly n: number;
  readonly origin: string | null;
  readonly operation: Uint8Array;
}

const findLast: SetStatement = {
  columns: { scope: 'int' },
  text: (rows) =>
    `select p.actor, p.counter, p.time_ms, p.time_n, p.origin, p.operation from ${rows} join purge p on p.scope = r.scope
     order by p.time_ms desc, p.time_n desc, p.actor desc limit 1`,
};

async function lastPurge(session: Session, scope: number): Promise<Made | undefined> {
  const [row] = await session.all<
    [actor: number, counter: number, ms: number, n: number, origin: string | null, operation: Uint8Array]
  >(findLast, [[scope]]);
  if (row === undefined) return undefined;
  const [actor, counter, ms, n, origin, operation] = row;
  return { actor, counter, ms, n, origin, operation };
}

/** What the purge did not see stays, the greatest of it as the object. */
function keep(rows: Rows, { id, versions, purged, current: was }: JoinedObject, key: readonly [number, string]): void {
  const [current, ...siblings] = versions.toSorted((a, b) => (wins(a, b) ? -1 : 1));
  if (current === undefined) return;
  if (current !== was) {
    rows.moved.push([...key, current.id, current.kind]);
    rows.superseded.push([id, was.id, 1], [id, current.id, 0]);
    rows.dropped.push([id, current.id]);
  }
  for (const one of purged) rows.dropped.push([id, one.id]);
  rows.counted.push([...key, siblings.length]);
}

/** The object is deleted by the purge: its dot says so, and whoever writes it again has seen what was there. */
function end(
  rows: Rows,
  { id: object, purged }: JoinedObject,
  { id, made, key }: { readonly id: number; readonly made: Made; readonly key: readonly [number, string] },
): void {
  const context = purged.reduce<Context>((all, one) => mergeContexts(all, contextAfter(one)), {});
  const { actor, counter, ms, n, origin, operation } = made;
  const nothing = [0, null, null, null, null, null, null];
  rows.versions.push([
    id,
    object,
    0,
    actor,
    counter,
    JSON.stringify(context),
    ms,
    n,
    origin,
    operation,
    TOMBSTONE,
    ...nothing,
  ]);
  rows.moved.push([...key, id, TOMBSTONE]);
  for (const one of purged) {
    rows.superseded.push([object, one.id, 1]);
    rows.dropped.push([object, one.id]);
  }
  if (purged.length > 1) rows.counted.push([...key, 0]);
}
