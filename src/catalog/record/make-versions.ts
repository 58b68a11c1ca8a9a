import type { ChangeOutcome } from '../../ports/catalog.ts';
import { TOMBSTONE } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { appendEntries, type JournalRow } from '../sites/append-entries.ts';
import { endSiblings } from '../sites/end-siblings.ts';
import type { Accepted } from './decide-change.ts';
import { type DeletedObject, deleteReplicas } from './delete-replicas.ts';
import { keysOf } from './find-objects.ts';
import { type Given, giveDots } from './give-dots.ts';
import type { SoftStores } from './soft-stores.ts';
import { encodeReplica, insertReplicas, type ReplicaRow } from './upsert-replicas.ts';

export const moveObject: SetStatement = {
  columns: { scope: 'int', name: 'text', current: 'int', kind: 'int' },
  text: (rows) =>
    `update object set current = r.current, kind = r.kind from ${rows}
     where object.scope = r.scope and object.name = r.name`,
};

const supersede: SetStatement = {
  columns: { id: 'int' },
  text: (rows) => `update version set superseded = 1 from ${rows} where version.id = r.id`,
};

export const insertVersion: SetStatement = {
  insertsOnly: true,
  columns: {
    id: 'int',
    object: 'int',
    superseded: 'int',
    actor: 'int',
    counter: 'int',
    context: 'text',
    time_ms: 'int',
    time_n: 'int',
    origin: 'text',
    operation: 'bytes',
    kind: 'int',
    size: 'int',
    sha256: 'bytes',
    content_type: 'text',
    metadata: 'text',
    modified_ns: 'int',
    mode: 'int',
    md5: 'bytes',
  },
  text: (rows) =>
    `insert into version (id, object, superseded, actor, counter, context, time_ms, time_n, origin, operation,
       kind, size, sha256, content_type, metadata, modified_ns, mode, md5)
     select r.id, r.object, r.superseded, r.actor, r.counter, r.context, r.time_ms, r.time_n, r.origin, r.operation,
       r.kind, r.size, r.sha256, r.content_type, r.metadata, r.modified_ns, r.mode, r.md5 from ${rows}`,
};

/** Writes the versions, their journal entries and replicas, and makes them current. */
export async function makeVersions(
  session: Session,
  accepted: readonly Accepted[],
  outcomes: ChangeOutcome[],
  soft: SoftStores,
): Promise<void> {
  const given = await giveDots(session, await endSiblings(session, accepted));
  await session.run(
    insertVersion,
    accepted.map((one, at) => versionRow(one, given[at] as Given)),
  );
  const entries = await journalRows(session, accepted, given);
  await appendEntries(session, given[0]?.slot ?? 0, entries);
  await moveObjects(session, accepted);
  await insertReplicas(session, await replicaRows(session, accepted, soft));
  await deleteReplicas(session, deletedBy(accepted));
  for (const { encoded, versionId } of accepted) outcomes[encoded.index] = { kind: 'recorded', versionId };
}

function versionRow({ encoded, found, versionId }: Accepted, given: Given): SqlValue[] {
  const { actor, counter, context, time } = given;
  const object = found?.id ?? versionId;
  return [versionId, object, 0, actor, counter, context, time.ms, time.n, null, encoded.operation, ...encoded.content];
}

async function journalRows(
  session: Session,
  accepted: readonly Accepted[],
  given: readonly Given[],
): Promise<JournalRow[]> {
  const keys = await keysOf(
    session,
    accepted.map(({ encoded }) => encoded.change),
  );
  return accepted.map(({ encoded, found, versionId }, at) => {
    const { actor, counter } = given[at] as Given;
    const [scope] = keys[at] as [number, string];
    const { operation, content } = encoded;
    return { kind: content[0], actor, counter, scope, object: found?.id ?? versionId, version: versionId, operation };
  });
}

async function moveObjects(session: Session, accepted: readonly Accepted[]): Promise<void> {
  const moved = accepted.filter(({ found }) => found !== undefined);
  const keys = await keysOf(
    session,
    moved.map(({ encoded }) => encoded.change),
  );
  await session.run(
    supersede,
    moved.map(({ found }) => [found?.current.id ?? 0]),
  );
  await session.run(
    moveObject,
    keys.map(([scope, name], at) => [scope, name, moved[at]?.versionId ?? 0, moved[at]?.encoded.content[0] ?? 0]),
  );
}

async function replicaRows(session: Session, accepted: readonly Accepted[], soft: SoftStores): Promise<ReplicaRow[]> {
  const rows: ReplicaRow[] = [];
  const stores = await session.known.stores.requireIds(session, storesOf(accepted));
  for (const { encoded, found, versionId } of accepted) {
    const { scope, name, replicas } = encoded.change;
    for (const [at, replica] of replicas.entries()) {
      if (replicas.findLastIndex(({ store }) => store === replica.store) !== at) continue;
      const store = stores.get(replica.store) ?? 0;
      rows.push(
        encodeReplica(replica, { object: found?.id ?? versionId, scope, name, store, version: versionId }, soft),
      );
    }
  }
  return rows;
}

function storesOf(accepted: readonly Accepted[]): ReadonlySet<string> {
  const stores = new Set<string>();
  for (const { encoded } of accepted) for (const { store } of encoded.change.replicas) stores.add(store);
  return stores;
}

function deletedBy(accepted: readonly Accepted[]): DeletedObject[] {
  const deleted: DeletedObject[] = [];
  for (const { encoded, found } of accepted) {
    const { scope, name } = encoded.change;
    if (encoded.content[0] === TOMBSTONE && found !== undefined) deleted.push({ id: found.id, scope, name });
  }
  return deleted;
}
