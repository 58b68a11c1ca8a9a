import { sql } from 'kysely';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleQuery, RuleRecord } from '../../ports/rules.ts';
import type { Session } from '../session.ts';
import { findRulesOf } from './rules-of.ts';
import { decodeRule, type RuleRow } from './rule-row.ts';
import { readTargets } from './rule-targets.ts';

/** Rules that have ended are not told. */
export async function readRule(session: Session, id: number): Promise<RuleRecord | undefined> {
  const rows = await session.db
    .selectFrom('rule')
    .selectAll()
    .where('id', '=', id)
    .where('ended_ms', 'is', null)
    .execute();
  return (await decodeRules(session, rows))[0];
}

/** By id, from after `after`. */
export async function listRules(session: Session, query: RuleQuery): Promise<readonly RuleRecord[]> {
  const { account, state, scope, after, limit } = query;
  const scopeId = scope === undefined ? undefined : ((await session.known.scopes.findId(session, scope)) ?? -1);
  const rows = await session.db
    .selectFrom('rule')
    .selectAll()
    .where('ended_ms', 'is', null)
    .$if(account !== undefined, (select) => select.where('account', '=', account ?? ''))
    .$if(state !== undefined, (select) => select.where('state', '=', state ?? ''))
    .$if(after !== undefined, (select) => select.where('id', '>', after ?? 0))
    .$if(scopeId !== undefined, (select) =>
      select.where(
        sql<boolean>`exists (select 1 from rule_target t where t.rule = rule.id and t.scope = ${scopeId ?? -1})`,
      ),
    )
    .orderBy('id')
    .limit(limit)
    .execute();
  return decodeRules(session, rows);
}

export async function listRulesOf(session: Session, name: ObjectName): Promise<readonly RuleRecord[]> {
  const ids = await findRulesOf(session, name);
  if (ids.length === 0) return [];
  const rows = await session.db
    .selectFrom('rule')
    .selectAll()
    .where('id', 'in', ids)
    .where('ended_ms', 'is', null)
    .orderBy('id')
    .execute();
  return decodeRules(session, rows);
}

export async function decodeRules(session: Session, rows: readonly RuleRow[]): Promise<RuleRecord[]> {
  const targets = await readTargets(
    session,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => decodeRule(row, targets.get(row.id) ?? []));
}
