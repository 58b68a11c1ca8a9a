import { REQUEST_PRIORITY } from '../../domain/transfer/request-priorities.ts';
import { LEAVING, stateCode } from '../codes.ts';
import { cancelCopies } from '../rules/copy-requests.ts';
import type { Session, SetStatement } from '../session.ts';
import { queueRequests } from './queue-requests.ts';

export interface DeletedObject {
  readonly id: number;
  readonly scope: string;
  readonly name: string;
}

const condemn: SetStatement = {
  columns: { object: 'int', state: 'int' },
  text: (rows) =>
    `update replica set state = r.state, placed = case when replica.placed is null then null else ${LEAVING} end,
       used_ms = null
     from ${rows} where replica.object = r.object
     returning replica.object, replica.store, replica.version`,
};

/** Every replica of these objects is to go: none is served any more, and a delete is queued for each. */
export async function deleteReplicas(session: Session, deleted: readonly DeletedObject[]): Promise<void> {
  if (deleted.length === 0) return;
  const objects = new Map(deleted.map((object) => [object.id, object]));
  const condemned = await session.all<[object: number, store: number, version: number]>(
    condemn,
    [...objects.keys()].map((id) => [id, stateCode('BEING_DELETED')]),
  );
  const requests = [];
  for (const [object, store, versionId] of condemned) {
    const { scope, name } = objects.get(object) as DeletedObject;
    const place = await session.known.stores.textOf(session, store);
    requests.push({
      kind: 'delete',
      scope,
      name,
      versionId,
      store: place,
      reason: 'delete',
      priority: REQUEST_PRIORITY.delete,
    } as const);
  }
  await cancelCopies(
    session,
    condemned.map(([, store, version]) => [version, store]),
    'the object was deleted',
  );
  await queueRequests(session, requests);
}
