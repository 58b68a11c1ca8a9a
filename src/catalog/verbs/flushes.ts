import type { Session } from '../session.ts';

/** Seals what this start of the machine wrote to the store: copies recorded from now on are not part of the flush. */
export async function beginFlush(session: Session, place: string): Promise<readonly number[]> {
  const { stores, boot } = session.known;
  const store = await stores.findId(session, place);
  if (store === undefined) return [];
  const rows = await session.db
    .updateTable('unflushed')
    .set({ sealed: 1 })
    .where('store', '=', store)
    .where('boot', '=', boot)
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

/** No start of any machine has this name. */
const NO_BOOT = '';

/** A system tells once that it lost what it was to write; from then on a flush that passes says nothing of these copies. */
export async function endFlush(session: Session, flush: readonly number[], passed: boolean): Promise<void> {
  if (flush.length === 0) return;
  if (passed) await session.db.deleteFrom('unflushed').where('id', 'in', flush).execute();
  else await session.db.updateTable('unflushed').set({ boot: NO_BOOT }).where('id', 'in', flush).execute();
}
