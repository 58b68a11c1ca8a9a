import type { StandingRule } from '../../ports/catalog.ts';
import type { Session } from '../session.ts';

/** Rules that have not ended, by scope and read priority. */
export async function listStandingRules(session: Session, scope?: string): Promise<readonly StandingRule[]> {
  const rows = await session.db
    .selectFrom('standing_rule')
    .innerJoin('scope', 'scope.id', 'standing_rule.scope')
    .innerJoin('store', 'store.id', 'standing_rule.store')
    .where('standing_rule.ended_ms', 'is', null)
    .$if(scope !== undefined, (query) => query.where('scope.name', '=', scope ?? ''))
    .select([
      'standing_rule.id',
      'scope.name',
      'store.place',
      'store.title',
      'standing_rule.priority',
      'standing_rule.created_ms',
    ])
    .orderBy('scope.name')
    .orderBy('standing_rule.priority')
    .orderBy('standing_rule.id')
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
