import type { StandingRule } from '../../ports/catalog.ts';
import type { Session } from '../session.ts';

/** Rules that have not ended, by scope and read priority. */
export async function listRules(session: Session, scope?: string): Promise<readonly StandingRule[]> {
  const rows = await session.db
    .selectFrom('rule')
    .innerJoin('scope', 'scope.id', 'rule.scope')
    .innerJoin('store', 'store.id', 'rule.store')
    .where('rule.ended_ms', 'is', null)
    .$if(scope !== undefined, (query) => query.where('scope.name', '=', scope ?? ''))
    .select(['rule.id', 'scope.name', 'store.place', 'store.title', 'rule.priority', 'rule.created_ms'])
    .orderBy('scope.name')
    .orderBy('rule.priority')
    .orderBy('rule.id')
    .execute();
  return rows.map((row) => ({
    id: String(row.id),
    origin: 'profile',
    scope: row.name,
    store: row.place,
    storeTitle: row.title,
    priority: row.priority,
    createdMs: row.created_ms,
  }));
}
