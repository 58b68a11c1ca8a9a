import type { ReplicaChange } from '../../ports/catalog.ts';
import { TOMBSTONE } from '../codes.ts';
import { encodeSha256 } from '../content.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';
import { type DeletedObject, deleteReplicas } from './delete-replicas.ts';
import { type FoundObject, findObjects } from './find-objects.ts';
import { keepSoft, type SoftStores } from './soft-stores.ts';
import { dropReplicas, encodeReplica, type ReplicaRow, updateReplicas, upsertReplicas } from './upsert-replicas.ts';

const learnHash: SetStatement = {
  columns: { id: 'int', object: 'int', sha256: 'bytes' },
  text: (rows) =>
    `update version set sha256 = r.sha256 from ${rows}
     where version.id = r.id and version.object = r.object and version.sha256 is null`,
};

/** What became of copies. The objects' rows are locked by the caller. */
export async function recordReplicas(
  session: Session,
  changes: readonly ReplicaChange[],
  soft: SoftStores,
): Promise<void> {
  for (const round of rounds(changes, (one) => `${one.scope}\0${one.name}\0${one.store}\0${one.versionId}`)) {
    await recordRound(session, round, soft);
  }
}

async function recordRound(session: Session, round: readonly ReplicaChange[], soft: SoftStores): Promise<void> {
  const found = await findObjects(session, round);
  const stores = await session.known.stores.requireIds(
    session,
    round.map(({ store }) => store),
  );
  const upserts: ReplicaRow[] = [];
  const updates: [...ReplicaRow, ifToken: string][] = [];
  const drops: [number, number, number, string | undefined][] = [];
  const hashes: SqlValue[][] = [];
  const deleted: DeletedObject[] = [];
  for (const [at, change] of round.entries()) {
    const object = found[at];
    if (object === undefined) continue;
    const { name, scope, versionId, to, ifToken } = change;
    const store = stores.get(change.store) ?? 0;
    if (change.sha256 !== undefined) hashes.push([versionId, object.id, encodeSha256(change.sha256)]);
    if (to === 'drop') {
      drops.push([object.id, store, versionId, ifToken]);
      continue;
    }
    const row = encodeReplica(to, { object: object.id, scope, name, store, version: versionId }, soft);
    if (ifToken === undefined) upserts.push(row);
    else updates.push([...row, ifToken]);
    if (cameTooLate(object)) deleted.push({ id: object.id, scope, name });
  }
  await session.run(learnHash, hashes);
  await dropReplicas(session, drops);
  await upsertReplicas(session, await keepSoft(session, upserts));
  await updateReplicas(session, await keepSoft(session, updates));
  await deleteReplicas(session, deleted);
}

/** A copy that ends after its object was deleted is deleted, not kept (I5). */
function cameTooLate(object: FoundObject): boolean {
  return object.current.kind === TOMBSTONE;
}
