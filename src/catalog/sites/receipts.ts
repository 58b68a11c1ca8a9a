import type { Session, SetStatement } from '../session.ts';

const count: SetStatement = {
  columns: { site: 'text' },
  text: (rows) =>
    `insert into receipt (site, taken) select r.site, 1 from ${rows} where true
     on conflict (site) do update set taken = receipt.taken + 1`,
};

const find: SetStatement = {
  columns: { site: 'text' },
  text: (rows) => `select c.taken from ${rows} join receipt c on c.site = r.site`,
};

/** In the transaction that takes what a site sent: an older copy of the catalog has a lower number (docs/sites.md, "Restored catalogs"). */
export async function countReceipt(session: Session, site: string): Promise<void> {
  await session.run(count, [[site]]);
}

export async function readReceipt(session: Session, site: string): Promise<number> {
  const [row] = await session.all<[taken: number]>(find, [[site]]);
  return row?.[0] ?? 0;
}

export async function readPeerReceipt({ db }: Session, peer: string): Promise<number | undefined> {
  const row = await db.selectFrom('peer').where('name', '=', peer).select('receipt').executeTakeFirst();
  return row?.receipt ?? undefined;
}
