import { keysOf, type Named } from '../record/find-objects.ts';
import type { Session, SetStatement } from '../session.ts';

/** An object as decisions about its locks see it. */
export interface SeenObject {
  readonly id: number;
  /** The scope's number. */
  readonly scope: number;
  readonly name: string;
  readonly current: number;
  readonly kind: number;
  /** Of the current version. */
  readonly bytes: number;
  /** The store where it is authoritative. */
  readonly authority: number;
  /** That was said, or copies are counted besides it by its own policy; else it is its scope's source, whether that has ever had it or not. */
  readonly hasAuthority: boolean;
}

export interface SeenReplica {
  readonly object: number;
  readonly store: number;
  readonly version: number;
  readonly state: number;
  readonly hasToken: boolean;
  readonly placed: number | null;
  /** As `replica.place` has it. */
  readonly place: string | null;
  /** Of its version. */
  readonly bytes: number;
}

/** Of a rule, what its locks need. */
export interface LockOwner {
  readonly rule: number;
  readonly account: string;
  readonly priority: number;
  readonly activity: string;
  readonly sourceExpression: string | null;
}

export interface SeenLock extends LockOwner {
  readonly object: number;
  readonly store: number;
  readonly state: number;
}

const OBJECT = `o.id, o.scope, o.name, o.current, o.kind, v.size, coalesce(t.authority, s.source),
  case when coalesce(t.authority, 0) > 0 or t.policy is not null then 1 else 0 end`;
const OF_OBJECT = `join version v on v.id = o.current join scope s on s.id = o.scope
  left join object_trait t on t.object = o.id`;
type ObjectRow = readonly [
  id: number,
  scope: number,
  name: string,
  current: number,
  kind: number,
  bytes: number,
  authority: number,
  hasAuthority: number,
];

const objectsById: SetStatement = {
  columns: { id: 'int' },
  text: (rows) => `select ${OBJECT} from ${rows} join object o on o.id = r.id ${OF_OBJECT}`,
};

const lockById: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { forUpdate }) =>
    `select o.id from ${rows} join object o on o.id = r.id order by o.scope, o.name ${forUpdate}`,
};

const affected: SetStatement = {
  columns: { scope: 'int', name: 'text' },
  text: (rows) =>
    `select ${OBJECT} from ${rows} join object o on o.scope = r.scope and o.name = r.name ${OF_OBJECT}
     where exists (select 1 from lock l where l.object = o.id)
       or exists (select 1 from replica p where p.object = o.id and p.placed is not null)`,
};

const replicas: SetStatement = {
  columns: { id: 'int' },
  text: (rows) =>
    `select p.object, p.store, p.version, p.state, case when p.token is null then 0 else 1 end, p.placed, p.place, v.size
     from ${rows} join replica p on p.object = r.id join version v on v.id = p.version`,
};

type ReplicaRow = readonly [number, number, number, number, number, number | null, string | null, number];

const locks: SetStatement = {
  columns: { id: 'int' },
  text: (rows) =>
    `select l.object, l.store, l.rule, l.state, u.account, u.priority, u.activity, u.source_expression
     from ${rows} join lock l on l.object = r.id join rule u on u.id = l.rule`,
};

type LockRow = readonly [number, number, number, number, string, number, string, string | null];

/** Locks the rows of objects by number, in the order in which all writers lock them. */
export async function lockObjectsById(session: Session, ids: readonly number[]): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(lockById, toRows(ids));
}

export async function seeObjects(session: Session, ids: readonly number[]): Promise<SeenObject[]> {
  return (await session.all<ObjectRow>(objectsById, toRows(ids))).map(toObject);
}

/** Of these objects, those with locks or placed replicas. */
export async function seeAffected(
  session: Session,
  keys: readonly (readonly [scope: number, name: string])[],
): Promise<SeenObject[]> {
  return (await session.all<ObjectRow>(affected, keys)).map(toObject);
}

const named: SetStatement = {
  columns: { scope: 'int', name: 'text' },
  text: (rows) => `select ${OBJECT} from ${rows} join object o on o.scope = r.scope and o.name = r.name ${OF_OBJECT}`,
};

export async function seeObjectsNamed(session: Session, names: readonly Named[]): Promise<SeenObject[]> {
  const keys = new Map((await keysOf(session, names)).map((key) => [`${key[0]} ${key[1]}`, key]));
  return (await session.all<ObjectRow>(named, [...keys.values()])).map(toObject);
}

/** All replicas of all versions. */
export async function seeReplicas(session: Session, ids: readonly number[]): Promise<SeenReplica[]> {
  const rows = await session.all<ReplicaRow>(replicas, toRows(ids));
  return rows.map(([object, store, version, state, hasToken, placed, place, bytes]) => ({
    object,
    store,
    version,
    state,
    hasToken: hasToken === 1,
    placed,
    place,
    bytes,
  }));
}

export async function seeLocks(session: Session, ids: readonly number[]): Promise<SeenLock[]> {
  const rows = await session.all<LockRow>(locks, toRows(ids));
  return rows.map(([object, store, rule, state, account, priority, activity, sourceExpression]) => ({
    object,
    store,
    rule,
    state,
    account,
    priority,
    activity,
    sourceExpression,
  }));
}

function toObject([id, scope, name, current, kind, bytes, authority, said]: ObjectRow): SeenObject {
  return { id, scope, name, current, kind, bytes, authority, hasAuthority: said === 1 };
}

function toRows(ids: readonly number[]): [number][] {
  return ids.map((id) => [id]);
}
