import type { Joined } from '../../domain/journal/join.ts';
import type { Context } from '../../domain/object/dot.ts';
import { TOMBSTONE } from '../codes.ts';
import { keysOf, type Named } from '../record/find-objects.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

/** A version of an object as joins see it. Actors are the catalog's numbers, as text. */
export interface SeenVersion extends Joined {
  readonly id: number;
  readonly kind: number;
}

/** An object with its current version first, then its siblings. */
export interface JoinedObject {
  readonly id: number;
  readonly versions: readonly [SeenVersion, ...SeenVersion[]];
}

const columns = (hex: (column: string) => string): string =>
  `o.id, o.siblings, v.id, v.kind, v.size, ${hex('v.sha256')}, v.content_type, v.metadata, ${hex('v.operation')},
       v.actor, v.counter, v.context, v.time_ms, v.time_n, v.origin`;

const seeCurrent: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows, { hex }) =>
    `select r.i, ${columns(hex)}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name join version v on v.id = o.current`,
};

const seeSiblings: SetStatement = {
  columns: seeCurrent.columns,
  text: (rows, { hex }) =>
    `select r.i, ${columns(hex)}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name
       join sibling s on s.object = o.id join version v on v.id = s.version
     order by r.i, v.id`,
};

type SeeRow = readonly [
  index: number,
  object: number,
  siblings: number,
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
  origin: string | null,
];

/** Each object at the index of its name; undefined where there is none. */
export async function seeJoined(session: Session, named: readonly Named[]): Promise<(JoinedObject | undefined)[]> {
  const keys = await keysOf(session, named);
  const found = new Map<number, { id: number; versions: SeenVersion[] }>();
  const withSiblings: SqlValue[][] = [];
  const keyRows = keys.map((key, index): SqlValue[] => [index, ...key]);
  for (const row of await session.all<SeeRow>(seeCurrent, keyRows)) {
    const [index, id, siblings] = row;
    found.set(index, { id, versions: [toSeen(row, session.known.siteId)] });
    if (siblings > 0) withSiblings.push(keyRows[index] as SqlValue[]);
  }
  for (const row of await session.all<SeeRow>(seeSiblings, withSiblings)) {
    found.get(row[0])?.versions.push(toSeen(row, session.known.siteId));
  }
  return named.map((_, at) => found.get(at) as JoinedObject | undefined);
}

function toSeen(row: SeeRow, siteId: string): SeenVersion {
  const [, , , id, kind, size, sha256, contentType, metadata, operation, actor, counter, context, ms, n, origin] = row;
  return {
    id,
    kind,
    dot: { actor: String(actor), counter },
    context: context === null ? {} : (JSON.parse(context) as Context),
    time: { ms, n },
    origin: origin ?? siteId,
    operation,
    identity: identityOf({ kind, size, sha256, contentType, metadata }),
    isTombstone: kind === TOMBSTONE,
  };
}

export interface Identified {
  readonly kind: number;
  readonly size: number;
  readonly sha256: string | null;
  readonly contentType: string | null;
  readonly metadata: string | null;
}

/** Equal for versions that say the same: bytes, content type and user metadata. Bytes nobody has hashed are like no others. */
export function identityOf({ kind, size, sha256, contentType, metadata }: Identified): string {
  return kind === TOMBSTONE ? 'tombstone' : JSON.stringify([size, sha256, contentType, metadata]);
}
