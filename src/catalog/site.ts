import { type Kysely, sql } from 'kysely';
import type { Random } from '../ports/random.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';

/** The site's id; made with the catalog, in the transaction of the caller. */
export async function readSite(db: Kysely<Schema>, engine: Engine, random: Random): Promise<string> {
  const found = await db.selectFrom('site').select('id').executeTakeFirst();
  if (found !== undefined) return found.id;
  const id = Buffer.from(random.bytes(8)).toString('hex');
  await db
    .insertInto('site')
    .values({ one: 1, id, created_ms: sql<number>`${sql.raw(engine.nowMs)}` })
    .onConflict((conflict) => conflict.column('one').doNothing())
    .execute();
  const { id: kept } = await db.selectFrom('site').select('id').executeTakeFirstOrThrow();
  return kept;
}
