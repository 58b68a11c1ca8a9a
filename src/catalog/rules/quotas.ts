import type { PageQuota, RuleCatalog } from '../../ports/rules.ts';
import type { AccountUse, Quota } from '../../ports/quotas.ts';
import type { Session, SetStatement } from '../session.ts';

export async function setQuota(session: Session, quota: Parameters<RuleCatalog['setQuota']>[0]): Promise<void> {
  const { account, expression, bytes } = quota;
  const { db } = session;
  if (bytes === undefined) {
    await db.deleteFrom('quota').where('account', '=', account).where('expression', '=', expression).execute();
    return;
  }
  await db
    .insertInto('quota')
    .values({ account, expression, bytes })
    .onConflict((conflict) => conflict.columns(['account', 'expression']).doUpdateSet({ bytes }))
    .execute();
}

/** By account, then by expression. */
export async function listQuotas(session: Session, account?: string): Promise<readonly Quota[]> {
  return session.db
    .selectFrom('quota')
    .selectAll()
    .$if(account !== undefined, (query) => query.where('account', '=', account ?? ''))
    .orderBy('account')
    .orderBy('expression')
    .execute();
}

export async function readAccountUse(session: Session, account: string): Promise<readonly AccountUse[]> {
  const rows = await session.db
    .selectFrom('account_use')
    .innerJoin('store', 'store.id', 'account_use.store')
    .select(['store.place', 'account_use.bytes', 'account_use.locks'])
    .where('account', '=', account)
    .where('locks', '>', 0)
    .orderBy('store.place')
    .execute();
  return rows.map(({ place, bytes, locks }) => ({ store: place, bytes, locks }));
}

const lockQuota: SetStatement = {
  columns: { account: 'text', expression: 'text' },
  text: (rows, { forUpdate }) =>
    `select q.bytes from ${rows} join quota q on q.account = r.account and q.expression = r.expression ${forUpdate}`,
};

const sumUse: SetStatement = {
  columns: { account: 'text', store: 'int' },
  text: (rows) => `select u.bytes from ${rows} join account_use u on u.account = r.account and u.store = r.store`,
};

/**
 * Quotas that the account is above by now. Who claims under one of them waits here for the others who do, so that two who each
 * fit are not both let in.
 */
export async function findQuotasExceeded(
  session: Session,
  account: string,
  quotas: readonly PageQuota[],
): Promise<readonly string[]> {
  const exceeded: string[] = [];
  for (const { expression, stores } of quotas.toSorted((a, b) => (a.expression < b.expression ? -1 : 1))) {
    const [limit] = await session.all<[bytes: number]>(lockQuota, [[account, expression]]);
    if (limit === undefined) continue;
    const ids = await session.known.stores.requireIds(session, stores);
    const uses = await session.all<[bytes: number]>(
      sumUse,
      [...ids.values()].map((store) => [account, store]),
    );
    if (uses.reduce((sum, [bytes]) => sum + bytes, 0) > limit[0]) exceeded.push(expression);
  }
  return exceeded;
}
