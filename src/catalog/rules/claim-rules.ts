import { sql } from 'kysely';
import type { ClaimedRule, RuleCatalog, RuleLease } from '../../ports/rules.ts';
import type { Session, SetStatement } from '../session.ts';
import { decodeRules } from './read-rules.ts';
import type { RuleRow } from './rule-row.ts';
import { endRule } from './tell-rule.ts';

const lend: SetStatement = {
  columns: { id: 'int', owner: 'text', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update rule set token = rule.token + 1, owner = r.owner, due_ms = ${nowMs} + r.lease from ${rows} where rule.id = r.id
     returning rule.id, rule.token`,
};

export async function claimRules(
  session: Session,
  claim: Parameters<RuleCatalog['claimRules']>[0],
): Promise<readonly ClaimedRule[]> {
  const { engine, db } = session;
  const now = sql.raw(engine.nowMs);
  const wanted = claim.rules === undefined ? sql`` : within(claim.rules);
  const { rows } = await sql<RuleRow>`
    select * from rule where due_ms is not null and due_ms <= ${now} ${wanted}
    order by due_ms, id limit ${claim.limit} ${sql.raw(engine.skipLocked)}`.execute(db);
  const ended = await endExpired(session, rows);
  const lent = await session.all<[id: number, token: number]>(
    lend,
    rows.map(({ id }) => [id, claim.owner, claim.leaseMs]),
  );
  const tokens = new Map(lent);
  const records = await decodeRules(session, rows);
  return rows.map((row, at): ClaimedRule => {
    const isOver = row.ended_ms !== null || ended.has(row.id);
    return {
      lease: { rule: row.id, token: tokens.get(row.id) ?? 0 },
      rule: records[at] as ClaimedRule['rule'],
      work: isOver ? 'end' : 'apply',
      position: isOver ? undefined : (row.position ?? undefined),
    };
  });
}

function within(rules: readonly number[]) {
  return rules.length === 0 ? sql`and 1 = 0` : sql`and id in (${sql.join(rules)})`;
}

/** Rules whose lifetime is over end here, unless they are locked. */
async function endExpired(session: Session, rows: readonly RuleRow[]): Promise<ReadonlySet<number>> {
  const ended = new Set<number>();
  for (const { id, expires_ms, locked, ended_ms } of rows) {
    if (ended_ms !== null || locked === 1 || expires_ms === null) continue;
    const { rows: over } = await sql<{ id: number }>`
      select id from rule where id = ${id} and expires_ms <= ${sql.raw(session.engine.nowMs)}`.execute(session.db);
    if (over.length === 0) continue;
    await endRule(session, id);
    ended.add(id);
  }
  return ended;
}

const renew: SetStatement = {
  columns: { rule: 'int', token: 'int', lease: 'int' },
  text: (rows, { nowMs }) =>
    `update rule set due_ms = ${nowMs} + r.lease from ${rows}
     where rule.id = r.rule and rule.token = r.token and rule.owner is not null returning rule.id`,
};

export async function renewRules(
  session: Session,
  leases: readonly RuleLease[],
  leaseMs: number,
): Promise<readonly boolean[]> {
  const found = await session.all<[number]>(
    renew,
    leases.map(({ rule, token }) => [rule, token, leaseMs]),
  );
  const renewed = new Set(found.map(([rule]) => rule));
  return leases.map(({ rule }) => renewed.has(rule));
}
