import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/**
 * Remembers which peers an entry does not go on to, because the sites it was sent to have them among them already. Should one of those never
 * hear of it, because the way from there to it is cut, a comparison finds it.
 */
export async function notePassedOver(session: Session, sites: ReadonlySet<string>): Promise<void> {
  if (sites.size === 0) return;
  await session.db
    .updateTable('peer')
    .set({ passed_over_ms: nowMs(session) })
    .where('site', 'in', [...sites])
    .where('direction', '<>', 'receive')
    .where('passed_over_ms', 'is', null)
    .execute();
}
