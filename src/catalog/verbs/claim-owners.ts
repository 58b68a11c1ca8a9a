import { sql } from 'kysely';
import type { Session, SetStatement } from '../session.ts';

export async function listClaimOwners({ db }: Session): Promise<readonly string[]> {
  const { rows } = await sql<{ owner: string }>`
    select owner from request where state in ('SUBMITTED', 'CANCELLED') and owner is not null
    union select owner from rule where owner is not null and due_ms is not null`.execute(db);
  return rows.map(({ owner }) => owner);
}

const endOfRequests: SetStatement = {
  columns: { owner: 'text' },
  text: (rows, engine) =>
    `update request set due_ms = ${engine.nowMs}, owner = null from ${rows} where request.owner = r.owner and request.state = 'SUBMITTED'
       and request.due_ms > ${engine.nowMs}`,
};

const endOfCancelled: SetStatement = {
  columns: { owner: 'text' },
  text: (rows) =>
    `update request set owner = null from ${rows} where request.owner = r.owner and request.state = 'CANCELLED'`,
};

const endOfRules: SetStatement = {
  columns: { owner: 'text' },
  text: (rows, engine) =>
    `update rule set due_ms = ${engine.nowMs} from ${rows} where rule.owner = r.owner and rule.due_ms > ${engine.nowMs}`,
};

/**
 * The leases run out now instead of later: whoever claims next does as after any lease that ran out. Nobody waits for what the dead
 * might still leave at a store.
 */
export async function endClaims(session: Session, owners: readonly string[]): Promise<number> {
  const rows = owners.map((owner) => [owner]);
  await session.run(endOfCancelled, rows);
  return (await session.run(endOfRequests, rows)) + (await session.run(endOfRules, rows));
}
