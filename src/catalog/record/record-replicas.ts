import type { ReplicaChange } from '../../ports/catalog.ts';
import { TOMBSTONE } from '../codes.ts';
import { encodeSha256 } from '../content.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';
import { type DeletedObject, deleteReplicas } from './delete-replicas.ts';
import { findHeads, type FoundHead } from './find-objects.ts';
import { keepSoft, type SoftStores } from './soft-stores.ts';
import { dropReplicas, encodeReplica, type ReplicaRow, updateReplicas, upsertReplicas } from './upsert-replicas.ts';

const learnHash: SetStatement = {
  columns: { id: 'int', object: 'int', sha256: 'bytes' },
  text: (rows) =>
    `update version set sha256 = r.sha256 from ${rows}
     where version.id = r.id and version.object = r.object and version.sha256 is null`,
};

const findVersions: SetStatement = {
  columns: { i: 'int', id: 'int', object: 'int' },
  text: (rows) => `select r.i from ${rows} join version v on v.id = r.id and v.object = r.object`,
};

/** What became of copies. The objects' rows are locked by the caller, who may have seen them: `heads`, each at the index of its change. */
export async function recordReplicas(
  session: Session,
  changes: readonly ReplicaChange[],
  soft: SoftStores,
  heads?: readonly (FoundHead | undefined)[],
): Promise<void> {
  const seen = (heads ?? (await findHeads(session, changes))).map(
    (head, at) => [changes[at] as ReplicaChange, head] as const,
  );
  for (const round of rounds(seen, ([one]) => `${one.scope}\0${one.name}\0${one.store}\0${one.versionId}`)) {
    await recordRound(session, round, soft);
  }
}

async function recordRound(
  session: Session,
  round: readonly (readonly [ReplicaChange, FoundHead | undefined])[],
  soft: SoftStores,
): Promise<void> {
  const stores = await session.known.stores.requireIds(
    session,
    round.map(([{ store }]) => store),
  );
  const upserts: ReplicaRow[] = [];
  const updates: [...ReplicaRow, ifToken: string][] = [];
  const drops: [number, number, number, string | undefined][] = [];
  const hashes: SqlValue[][] = [];
  const deleted: DeletedObject[] = [];
  const late: LateCopy[] = [];
  for (const [change, object] of round) {
    if (object === undefined) continue;
    const { name, scope, versionId, to, ifToken } = change;
    const store = stores.get(change.store) ?? 0;
    if (change.sha256 !== undefined) hashes.push([versionId, object.id, encodeSha256(change.sha256)]);
    if (to === 'drop') {
      drops.push([object.id, store, versionId, ifToken]);
      continue;
    }
    const row = encodeReplica(to, { object: object.id, scope, name, store, version: versionId }, soft);
    if (cameTooLate(object)) {
      deleted.push({ id: object.id, scope, name });
      if (ifToken === undefined) late.push({ at: upserts.length, tombstone: object.current.id });
    }
    if (ifToken === undefined) upserts.push(row);
    else updates.push([...row, ifToken]);
  }
  await session.run(learnHash, hashes);
  await dropReplicas(session, drops);
  await upsertReplicas(session, await keepSoft(session, await underTombstones(session, upserts, late)));
  await updateReplicas(session, await keepSoft(session, updates));
  await deleteReplicas(session, deleted);
}

/** A copy that ends after its object was deleted is deleted, not kept (I5). */
function cameTooLate(object: FoundHead): boolean {
  return object.current.kind === TOMBSTONE;
}

interface LateCopy {
  /** Index of its row. */
  readonly at: number;
  /** Id of the version that deleted its object. */
  readonly tombstone: number;
}

/** Column of a `ReplicaRow`. */
const VERSION = 2;

/** A late copy whose version is forgotten by now would have no row to be deleted by: it is told as one of the tombstone. */
async function underTombstones(
  session: Session,
  rows: readonly ReplicaRow[],
  late: readonly LateCopy[],
): Promise<readonly ReplicaRow[]> {
  if (late.length === 0) return rows;
  const asked = late.map(({ at }) => [at, rows[at]?.[VERSION] ?? 0, rows[at]?.[0] ?? 0]);
  const known = new Set((await session.all<[at: number]>(findVersions, asked)).map(([at]) => at));
  const tombstones = new Map(late.filter(({ at }) => !known.has(at)).map(({ at, tombstone }) => [at, tombstone]));
  return rows.map((row, at) => {
    const tombstone = tombstones.get(at);
    return tombstone === undefined ? row : (row.with(VERSION, tombstone) as unknown as ReplicaRow);
  });
}
