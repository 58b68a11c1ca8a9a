import type { ObjectName } from '../../domain/object/object-name.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import type { UploadsFinished } from '../../ports/uploads.ts';
import { attach } from '../collections/attach.ts';
import { lockForMembers } from '../collections/lock-for-members.ts';
import { settleTransfers } from '../rules/settle-transfers.ts';
import type { Session, SetStatement } from '../session.ts';
import { keepAuthority } from './keep-authority.ts';

const find: SetStatement = {
  columns: { i: 'int', id: 'int', token: 'int' },
  text: (rows) =>
    `select r.i, o.id, q.store, q.scope, q.name from ${rows} join request q on q.id = r.id and q.token = r.token
       join object o on o.scope = q.scope and o.name = q.name`,
};

type FoundRow = readonly [at: number, object: number, store: number, scope: number, name: string];

/** The dataset is locked before the objects, as by all who change its members. */
export async function finishUploads(
  session: Session,
  outcomes: readonly TransferOutcome[],
  into: ObjectName | undefined,
): Promise<UploadsFinished> {
  if (into !== undefined) await lockForMembers(session, into);
  const found = await session.all<FoundRow>(
    find,
    outcomes.map(({ lease }, at) => [at, lease.requestId, lease.token]),
  );
  const settled = await settleTransfers(session, outcomes);
  const arrived = found.filter(([at]) => settled[at] === true && outcomes[at]?.request.state === 'DONE');
  await session.run(
    keepAuthority,
    arrived.map(([, object, store]) => [object, store]),
  );
  if (into === undefined || arrived.length === 0) return { settled, attached: undefined };
  const members: ObjectName[] = [];
  for (const [, , , scope, name] of arrived)
    members.push({ scope: await session.known.scopes.textOf(session, scope), name });
  return { settled, attached: await attach(session, into, members) };
}
