import type { NewRule, RuleAdded } from '../../ports/rules.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { waitForMakers } from './pattern-barrier.ts';
import { dueWhen } from './rule-due.ts';
import { encodeWords } from './rule-row.ts';
import { lockTargets, putTargets, resolveTargets, sameness } from './rule-targets.ts';

export async function addRule(session: Session, rule: NewRule): Promise<RuleAdded> {
  await lockTargets(session, rule.targets);
  if (rule.targets.some(({ kind }) => kind === 'pattern')) await waitForMakers(session);
  const targets = await resolveTargets(session, rule.targets);
  if ('unknown' in targets) return { kind: 'unknown-target', names: targets.unknown };
  const { db } = session;
  const now = nowMs(session);
  const same = sameness(rule);
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
  if (made === undefined) {
    const { id } = await db
      .selectFrom('rule')
      .where('same', '=', same)
      .where('ended_ms', 'is', null)
      .select('id')
      .executeTakeFirstOrThrow();
    return { kind: 'duplicate', id };
  }
  await putTargets(session, made.id, targets.rows);
  await db
    .updateTable('rule')
    .set({ due_ms: dueWhen(session) })
    .where('id', '=', made.id)
    .execute();
  return { kind: 'added', id: made.id };
}
