import type { Lease } from '../../ports/catalog.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import { settleTransfers } from '../rules/settle-transfers.ts';
import type { Session, SetStatement } from '../session.ts';

const lend: SetStatement = {
  columns: { id: 'int', token: 'int', owner: 'text', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update request set state = 'SUBMITTED', attempts = request.attempts + 1, token = request.token + 1, owner = r.owner,
       due_ms = ${nowMs} + r.lease, updated_ms = ${nowMs}
     from ${rows} where request.id = r.id and request.token = r.token and request.state = 'QUEUED'
     returning request.id, request.token`,
};

/** The attempts are settled, and their requests lent again before anybody else sees them. */
export async function continueUploads(
  session: Session,
  outcomes: readonly TransferOutcome[],
  { owner, leaseMs }: { readonly owner: string; readonly leaseMs: number },
): Promise<readonly (Lease | undefined)[]> {
  const settled = await settleTransfers(session, outcomes);
  const held = outcomes.filter((_, at) => settled[at] === true);
  const lent = new Map(
    await session.all<[id: number, token: number]>(
      lend,
      held.map(({ lease }) => [lease.requestId, lease.token, owner, leaseMs]),
    ),
  );
  return outcomes.map(({ lease: { requestId } }, at) => {
    const token = settled[at] === true ? lent.get(requestId) : undefined;
    return token === undefined ? undefined : { requestId, token };
  });
}
