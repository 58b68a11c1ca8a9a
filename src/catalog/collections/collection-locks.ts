import { sql } from 'kysely';
import type { Session } from '../session.ts';

/**
 * Locks which collections hold which, until the transaction ends. Who changes that, or stands on all of it, takes it `alone`:
 * two attaches to containers that together would make a cycle come one after the other. Who changes the objects of a dataset
 * `shares` it, so that the ancestors whose rules become due are all there are. Taken before any row of a collection is.
 *
 * The row of the site stands for it: nothing else locks that.
 */
export async function lockCollectionTree(session: Session, how: 'alone' | 'shared'): Promise<void> {
  const { concurrentWriters, forUpdate, forShare } = session.engine;
  if (!concurrentWriters) return;
  await sql`select one from site ${sql.raw(how === 'alone' ? forUpdate : forShare)}`.execute(session.db);
}

/**
 * Locks which names of a scope are collections: `alone` by who makes one, `shared` by who makes objects that must not have the name
 * of one.
 */
export async function lockScopeNames(
  session: Session,
  scopes: Iterable<number>,
  how: 'alone' | 'shared',
): Promise<void> {
  const { concurrentWriters, forUpdate, forShare } = session.engine;
  const ids = [...new Set(scopes)];
  if (!concurrentWriters || ids.length === 0) return;
  const lock = sql.raw(how === 'alone' ? forUpdate : forShare);
  await sql`select id from scope where id in (${sql.join(ids)}) order by id ${lock}`.execute(session.db);
}
