import type { Session } from '../session.ts';

/** Journal entries are kept for peers only: where there is none they are pruned before they are written. */
export async function hasPeers(session: Session): Promise<boolean> {
  return (await session.db.selectFrom('peer').select('id').limit(1).execute()).length > 0;
}
