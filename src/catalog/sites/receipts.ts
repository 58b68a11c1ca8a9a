import { sql } from 'kysely';
import type { Session } from '../session.ts';

/** In the transaction that takes what a site sent: an older copy of the catalog has a lower number (docs/sites.md, "Restored catalogs"). */
export async function countReceipt({ db }: Session, site: string): Promise<void> {
  await db
    .insertInto('receipt')
    .values({ site, taken: 1 })
    .onConflict((conflict) => conflict.column('site').doUpdateSet({ taken: sql<number>`receipt.taken + 1` }))
    .execute();
}

export async function readReceipt({ db }: Session, site: string): Promise<number> {
  const row = await db.selectFrom('receipt').where('site', '=', site).select('taken').executeTakeFirst();
  return row?.taken ?? 0;
}

export async function readPeerReceipt({ db }: Session, peer: string): Promise<number | undefined> {
  const row = await db.selectFrom('peer').where('name', '=', peer).select('receipt').executeTakeFirst();
  return row?.receipt ?? undefined;
}
