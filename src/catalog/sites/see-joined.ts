import type { Joined } from '../../domain/journal/join.ts';
import type { Context } from '../../domain/object/dot.ts';
import { TOMBSTONE } from '../codes.ts';
import { isPurgeOpen, Purged } from './purged.ts';
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
  readonly versions: readonly SeenVersion[];
  /** Those that a purge has taken away, and that are there still. */
  readonly purged: readonly SeenVersion[];
  /** Its current version by its row, purged or not. */
  readonly current: SeenVersion;
}

const columns = (hex: (column: string) => string): string =>
  `o.id, o.siblings, v.id, v.kind, v.size, ${hex('v.sha256')}, v.content_type, v.metadata, ${hex('v.operation')},
       v.actor, v.counter, v.context, v.time_ms, v.time_n, v.origin,
       case when ${isPurgeOpen('o.scope')} then 1 else 0 end`;

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
  isPurgeOpen: number,
];

interface SeenObject {
  readonly id: number;
  readonly scope: number;
  readonly isPurgeOpen: boolean;
  readonly versions: readonly [SeenVersion, ...SeenVersion[]];
}

/** Each object at the index of its name, with all its rows have; undefined where there is none. */
async function seeAll(session: Session, named: readonly Named[]): Promise<(SeenObject | undefined)[]> {
  const keys = await keysOf(session, named);
  const found = new Map<number, { id: number; scope: number; isPurgeOpen: boolean; versions: SeenVersion[] }>();
  const withSiblings: SqlValue[][] = [];
  const keyRows = keys.map((key, index): SqlValue[] => [index, ...key]);
  for (const row of await session.all<SeeRow>(seeCurrent, keyRows)) {
    const [index, id, siblings] = row;
    const versions = [toSeen(row, session.known.siteId)];
    found.set(index, { id, scope: keys[index]?.[0] ?? 0, isPurgeOpen: row.at(-1) === 1, versions });
    if (siblings > 0) withSiblings.push(keyRows[index] as SqlValue[]);
  }
  for (const row of await session.all<SeeRow>(seeSiblings, withSiblings)) {
    found.get(row[0])?.versions.push(toSeen(row, session.known.siteId));
  }
  return named.map((_, at) => found.get(at) as SeenObject | undefined);
}

/** Each object at the index of its name, without what purges have taken away; undefined where there is none. */
export async function seeJoined(session: Session, named: readonly Named[]): Promise<(JoinedObject | undefined)[]> {
  return judge(session, await seeAll(session, named), ({ isPurgeOpen }) => isPurgeOpen);
}

/** The same for who ends a purge. */
export async function seePurged(session: Session, named: readonly Named[]): Promise<(JoinedObject | undefined)[]> {
  return judge(session, await seeAll(session, named), () => true);
}

async function judge(
  session: Session,
  objects: readonly (SeenObject | undefined)[],
  isAsked: (object: SeenObject) => boolean,
): Promise<(JoinedObject | undefined)[]> {
  const asked = objects.flatMap((one) => (one !== undefined && isAsked(one) ? [one.scope] : []));
  const taken = asked.length === 0 ? undefined : await Purged.read(session, asked);
  const judged: (JoinedObject | undefined)[] = [];
  for (const object of objects) {
    if (object === undefined) {
      judged.push(undefined);
      continue;
    }
    const versions: SeenVersion[] = [];
    const purged: SeenVersion[] = [];
    for (const version of object.versions) {
      const { actor, counter } = version.dot;
      const isGone = taken !== undefined && (await taken.has(object.scope, Number(actor), counter));
      (isGone ? purged : versions).push(version);
    }
    judged.push({ id: object.id, versions, purged, current: object.versions[0] });
  }
  return judged;
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
