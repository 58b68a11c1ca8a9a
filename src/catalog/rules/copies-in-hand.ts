import { sql } from 'kysely';
import type { Lease } from '../../ports/catalog.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement } from '../session.ts';
import { IS_HANDED_OVER } from './handed-over.ts';

/** Longer than any lease: who has not left a copy by then has lost it anyway, and publishes nothing any more. */
export const IN_HAND_MS_MAX = 120_000;

export async function isCopyInHand(
  session: Session,
  { versionId, store }: { readonly versionId: number; readonly store: string },
): Promise<boolean> {
  const id = await session.known.stores.findId(session, store);
  if (id === undefined) return false;
  const { rows } = await sql`
    select id from request where version = ${versionId} and store = ${id} and kind = 'copy' and state = 'CANCELLED'
      and ((owner is not null and updated_ms > ${nowMs(session)} - ${sql.lit(IN_HAND_MS_MAX)}) or ${sql.raw(IS_HANDED_OVER)})`.execute(
    session.db,
  );
  return rows.length > 0;
}

const leave: SetStatement = {
  columns: { id: 'int', token: 'int' },
  text: (rows) =>
    `update request set owner = null from ${rows}
     where request.id = r.id and request.token = r.token and request.state = 'CANCELLED'`,
};

export async function leaveCopies(session: Session, leases: readonly Lease[]): Promise<void> {
  await session.run(
    leave,
    leases.map(({ requestId, token }) => [requestId, token]),
  );
}
