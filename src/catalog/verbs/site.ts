import type { Site } from '../../ports/catalog.ts';
import type { Session } from '../session.ts';

/** This process's place in the catalog; takes a slot when it has none yet. */
export async function readOwnSite(session: Session): Promise<Site> {
  const slot = await session.known.slot.own(session);
  const { counter } = await session.db
    .selectFrom('slot')
    .where('number', '=', slot.number)
    .select('counter')
    .executeTakeFirstOrThrow();
  return { id: session.known.siteId, slot: slot.number, incarnation: slot.incarnation, counter };
}
