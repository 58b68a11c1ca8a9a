import { sql } from 'kysely';
import type { HeldCounts } from '../../ports/store-places.ts';
import type { Session } from '../session.ts';

export async function countHeld(session: Session, store: string): Promise<HeldCounts | undefined> {
  const id = await session.known.stores.findId(session, store);
  if (id === undefined) return undefined;
  const { rows: replicas } = await sql<{ count: number }>`
    select count(*) as count from replica where store = ${id}`.execute(session.db);
  const { rows: requests } = await sql<{ kind: string; count: number }>`
    select kind, count(*) as count from request where store = ${id} and due_ms is not null group by kind`.execute(
    session.db,
  );
  const waiting = (kind: string): number => requests.find((row) => row.kind === kind)?.count ?? 0;
  return { copies: replicas[0]?.count ?? 0, copiesWanted: waiting('copy'), deletes: waiting('delete') };
}
