import { reasonToKeep } from '../../domain/replica/deletion-choice.ts';
import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import type { NewRequest } from '../../ports/catalog.ts';
import type { CountsAsGood, ReplicaKey } from '../../ports/rules.ts';
import { LEAVING, PLACED, stateCode, TOMBSTONE } from '../codes.ts';
import { keysOf, lockObjects } from '../record/find-objects.ts';
import { queueRequests } from '../record/queue-requests.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { HAS_POLICY, IS_AUTHORITATIVE, passAuthorityOf } from './authority.ts';
import { cancelCopies } from './copy-requests.ts';
import { IS_SOURCE, type SeenCopy, seeCopies } from './released.ts';
import { keepSpace, SpaceDeltas } from './space.ts';

/** What makes room is more urgent than copies, and less than deletes that somebody asked for. */
const DELETE_PRIORITY = 1;

const find: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text', store: 'int', version: 'int' },
  text: (rows) =>
    `select r.i, p.object, p.placed, v.size, ${IS_SOURCE},
       (select count(*) from lock l where l.object = p.object and l.store = p.store), o.kind,
       case when p.token is null then 0 else 1 end, ${IS_AUTHORITATIVE}, ${HAS_POLICY}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name
       join replica p on p.object = o.id and p.store = r.store and p.version = r.version join version v on v.id = p.version`,
};

type FoundRow = readonly [
  at: number,
  object: number,
  placed: number | null,
  bytes: number,
  isSource: number,
  locks: number,
  kind: number,
  hasToken: number,
  isAuthoritative: number,
  hasPolicy: number,
];

const begin: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `update replica set state = ${stateCode('BEING_DELETED')}, placed = ${LEAVING}, used_ms = null from ${rows}
     where replica.object = r.object and replica.store = r.store and replica.version = r.version`,
};

/**
 * The objects' rows are locked before anything is counted: two who each delete the other's spare wait for each other, and the
 * second finds the last good copy.
 */
export async function condemn(
  session: Session,
  replicas: readonly ReplicaKey[],
  { exceptStores }: CountsAsGood,
): Promise<readonly boolean[]> {
  await lockObjects(session, replicas);
  const found = await findReplicas(session, replicas);
  const inMemory = new Set(exceptStores);
  const copies = Map.groupBy(
    await seeCopies(
      session,
      found.map(([, object]) => object),
    ),
    ({ object }) => object,
  );
  const condemned = new Set<number>();
  const rows: SqlValue[][] = [];
  const space = new SpaceDeltas();
  const gone = new Set<SeenCopy>();
  const authoritative: number[] = [];
  for (const [at, object, placed, bytes, isSource, locks, kind, hasToken, isAuthoritative, hasPolicy] of found) {
    const { store, versionId } = replicas[at] as ReplicaKey;
    const all = (copies.get(object) ?? []).filter((copy) => !gone.has(copy));
    const own = all.find((copy) => copy.version === versionId && copy.facts.store === store);
    if (own === undefined || placed === null || placed === PLACED || kind === TOMBSTONE) continue;
    const goodOrHeldCopies = all.filter((copy) => isGoodCopy(factsOf(copy, inMemory))).length;
    const hasBytes = own.token !== undefined;
    const facts = { hasBytes, objectId: object, versionId, bytes, lastUsedMs: 0, purge: false };
    const uses = {
      locks,
      isSourceInUse: isSource === 1,
      isCountedBesides: hasPolicy === 1 && isAuthoritative === 1,
      goodOrHeldCopies,
    };
    if (reasonToKeep({ ...factsOf(own, inMemory), ...facts, ...uses }) !== undefined) continue;
    gone.add(own);
    condemned.add(at);
    if (isAuthoritative === 1) authoritative.push(object);
    rows.push([object, own.storeId, versionId]);
    const seen = { store: own.storeId, bytes, hasToken: hasToken === 1 };
    space.subtract({ ...seen, state: stateCode(own.facts.state), placed });
    space.add({ ...seen, state: stateCode('BEING_DELETED'), placed: LEAVING });
  }
  await session.run(begin, rows);
  await cancelCopies(
    session,
    rows.map(([, store, version]) => [Number(version), Number(store)]),
    'its replica is being deleted',
  );
  await queueRequests(
    session,
    [...condemned].map((at) => deleteOf(replicas[at] as ReplicaKey)),
  );
  await keepSpace(session, space);
  await passAuthorityOf(session, authoritative);
  return replicas.map((_, at) => condemned.has(at));
}

async function findReplicas(session: Session, replicas: readonly ReplicaKey[]): Promise<readonly FoundRow[]> {
  const keys = await keysOf(session, replicas);
  const rows: SqlValue[][] = [];
  for (const [at, { store, versionId }] of replicas.entries()) {
    const [scope, name] = keys[at] as [number, string];
    rows.push([at, scope, name, await session.known.stores.requireId(session, store), versionId]);
  }
  return session.all<FoundRow>(find, rows);
}

function factsOf({ facts }: SeenCopy, inMemory: ReadonlySet<string>) {
  return { ...facts, isInMemory: inMemory.has(facts.store), sharesBytes: false, isCache: false };
}

function deleteOf({ scope, name, versionId, store }: ReplicaKey): NewRequest {
  return { kind: 'delete', scope, name, versionId, store, reason: 'delete', priority: DELETE_PRIORITY };
}
