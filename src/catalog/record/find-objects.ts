import type { Context } from '../../domain/object/dot.ts';
import type { HybridTime } from '../../domain/object/hybrid-clock.ts';
import { TOMBSTONE } from '../codes.ts';
import { isPurgeOpen, Purged } from '../sites/purged.ts';
import { CatalogError } from '../../ports/catalog.ts';
import type { Session, SetStatement } from '../session.ts';

/** An object as a change of it must know it. Actors in `context` are the catalog's numbers, as text. */
export interface FoundObject {
  readonly id: number;
  /** How many versions that did not see the current one are kept beside it. */
  readonly siblings: number;
  readonly current: {
    readonly id: number;
    readonly kind: number;
    readonly size: number;
    readonly sha256: string | null;
    readonly contentType: string | null;
    readonly metadata: string | null;
    readonly operation: string;
    readonly dot: { readonly actor: string; readonly counter: number };
    readonly context: Context;
    readonly time: HybridTime;
  };
}

export interface Named {
  readonly scope: string;
  readonly name: string;
}

const lock: SetStatement = {
  columns: { scope: 'int', name: 'text' },
  text: (rows, { forUpdate }) =>
    `select o.id from ${rows} join object o on o.scope = r.scope and o.name = r.name order by o.scope, o.name ${forUpdate}`,
};

/**
 * Locks the rows of objects, in one order for all writers, before anything is decided on them: a tombstone and a late copy of
 * one object never pass each other.
 */
export async function lockObjects(session: Session, named: readonly Named[]): Promise<void> {
  if (!session.engine.concurrentWriters || named.length === 0) return;
  await session.all(lock, await keysOf(session, named));
}

const find: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows, { hex }) =>
    `select r.i, o.id, v.id, v.kind, v.size, ${hex('v.sha256')}, v.content_type, v.metadata, ${hex('v.operation')},
       v.actor, v.counter, v.context, v.time_ms, v.time_n, o.siblings,
       case when ${isPurgeOpen('o.scope')} then 1 else 0 end
     from ${rows} join object o on o.scope = r.scope and o.name = r.name join version v on v.id = o.current`,
};

type FindRow = readonly [
  index: number,
  object: number,
  version: number,
  kind: number,
  size: number,
  sha256: string | null,
  contentType: string | null,
  metadata: string | null,
  operation: string,
  actor: number,
  counter: number,
  context: string | null,
  ms: number,
  n: number,
  siblings: number,
  isPurgeOpen: number,
];

/** The objects of these names, each at the index of its name; undefined where there is none. */
export async function findObjects(session: Session, named: readonly Named[]): Promise<(FoundObject | undefined)[]> {
  const keys = await keysOf(session, named);
  const rows = await session.all<FindRow>(
    find,
    keys.map((key, index) => [index, ...key]),
  );
  const found: (FoundObject | undefined)[] = Array.from({ length: named.length }, () => undefined);
  for (const row of rows) found[row[0]] = toFound(row);
  const asked = rows.flatMap((row) => (row.at(-1) === 1 ? [row[0]] : []));
  if (asked.length > 0) await takePurged(session, keys, found, asked);
  return found;
}

/** What a purge has taken away is as if it were deleted, though its rows are there still. */
async function takePurged(
  session: Session,
  keys: readonly (readonly [number, string])[],
  found: (FoundObject | undefined)[],
  asked: readonly number[],
): Promise<void> {
  const scopes = asked.map((at) => keys[at]?.[0] ?? 0);
  const purged = await Purged.read(session, scopes);
  for (const [index, at] of asked.entries()) {
    const object = found[at];
    if (object === undefined) continue;
    const { actor, counter } = object.current.dot;
    if (!(await purged.has(scopes[index] ?? 0, Number(actor), counter))) continue;
    const nothing = { kind: TOMBSTONE, size: 0, sha256: null, contentType: null, metadata: null };
    found[at] = { ...object, current: { ...object.current, ...nothing } };
  }
}

/** An object without what its version is. */
export interface FoundHead {
  readonly id: number;
  readonly current: Pick<FoundObject['current'], 'id' | 'kind'>;
}

const findHead: SetStatement = {
  columns: find.columns,
  text: (rows) =>
    `select r.i, o.id, o.current, o.kind, case when ${isPurgeOpen('o.scope')} then 1 else 0 end
     from ${rows} join object o on o.scope = r.scope and o.name = r.name`,
};

type HeadRow = readonly [index: number, object: number, version: number, kind: number, isPurgeOpen: number];

/** As `findObjects`, for who need not know what the current version is. */
export async function findHeads(session: Session, named: readonly Named[]): Promise<(FoundHead | undefined)[]> {
  const keys = await keysOf(session, named);
  const rows = await session.all<HeadRow>(
    findHead,
    keys.map((key, index) => [index, ...key]),
  );
  const found: (FoundHead | undefined)[] = Array.from({ length: named.length }, () => undefined);
  for (const [at, id, version, kind] of rows) found[at] = { id, current: { id: version, kind } };
  return rows.some((row) => row[4] === 1) ? findObjects(session, named) : found;
}

function toFound(row: FindRow): FoundObject {
  const [, object, id, kind, size, sha256, contentType, metadata, operation, actor, counter, context, ms, n, siblings] =
    row;
  return {
    id: object,
    siblings,
    current: {
      id,
      kind,
      size,
      sha256,
      contentType,
      metadata,
      operation,
      dot: { actor: String(actor), counter },
      context: context === null ? {} : (JSON.parse(context) as Context),
      time: { ms, n },
    },
  };
}

/** Scope number and name of each, ready to be bound. */
export async function keysOf(session: Session, named: readonly Named[]): Promise<[number, string][]> {
  const scopes = await session.known.scopes.requireIds(
    session,
    named.map((one) => one.scope),
  );
  return named.map(({ scope, name }) => {
    const id = scopes.get(scope);
    if (id === undefined) throw new CatalogError('failed', `unknown scope ${scope}`);
    return [id, name];
  });
}
