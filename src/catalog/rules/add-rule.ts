import { sql } from 'kysely';
import type { NewRule, RuleAdded } from '../../ports/rules.ts';
import { closeBarrier } from '../barrier.ts';
import { TARGET_OBJECT } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { passAuthorityOf } from './authority.ts';
import { dueWhen } from './rule-due.ts';
import { encodeWords } from './rule-row.ts';
import { lockTargets, putTargets, resolveTargets, sameness, type TargetRow } from './rule-targets.ts';
import { lockObjectsById } from './seen.ts';
import { endRule } from './tell-rule.ts';

export async function addRule(session: Session, rule: NewRule): Promise<RuleAdded> {
  await lockTargets(session, rule.targets);
  if (rule.targets.some(({ kind }) => kind === 'pattern')) await closeBarrier(session, 'patterns');
  const targets = await resolveTargets(session, rule.targets);
  if ('unknown' in targets) return { kind: 'unknown-target', names: targets.unknown };
  // Before the rule that `insertRule` may end: objects are locked before rules.
  if (rule.besidesAuthoritative) await lockObjectsById(session, objectsOf(targets.rows));
  const same = sameness(rule);
  const added = await insertRule(session, rule, same);
  if ('duplicate' in added) return { kind: 'duplicate', id: added.duplicate };
  await putTargets(session, added.id, targets.rows);
  // What no rule had locked nobody watched: its authoritative copy may have gone.
  if (rule.besidesAuthoritative) await passAuthorityOf(session, objectsOf(targets.rows));
  await session.db
    .updateTable('rule')
    .set({ due_ms: dueWhen(session) })
    .where('id', '=', added.id)
    .execute();
  return { kind: 'added', id: added.id };
}

function objectsOf(targets: readonly TargetRow[]): readonly number[] {
  return targets.flatMap(([kind, target]) => (kind === TARGET_OBJECT ? [target] : []));
}

async function insertRule(
  session: Session,
  rule: NewRule,
  same: string,
): Promise<{ readonly id: number } | { readonly duplicate: number }> {
  const { db } = session;
  const now = nowMs(session);
  const made = await db
    .insertInto('rule')
    .values({
      ...encodeWords(rule),
      same,
      state: rule.needsApproval ? 'WAITING_APPROVAL' : 'INJECT',
      flag: 0,
      ok: 0,
      replicating: 0,
      stuck: 0,
      missing: 0,
      turn_missing: 0,
      times_stuck: 0,
      told: 0,
      created_ms: now,
      updated_ms: now,
      token: 0,
    })
    .onConflict((conflict) => conflict.column('same').where('ended_ms', 'is', null).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made !== undefined) return made;
  const before = await db
    .selectFrom('rule')
    .where('same', '=', same)
    .where('ended_ms', 'is', null)
    .select(['id', sql<number>`case when locked = 0 and expires_ms <= ${now} then 1 else 0 end`.as('isOver')])
    .executeTakeFirstOrThrow();
  if (before.isOver === 0) return { duplicate: before.id };
  // Its lifetime is over, and nobody has ended it yet: it is no reason to refuse what follows it.
  await endRule(session, before.id);
  return insertRule(session, rule, same);
}
