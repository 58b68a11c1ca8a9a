import { sql } from 'kysely';
import { type RuleEvent, type RuleStatus, transitionRule } from '../../domain/rule/rule-state.ts';
import type { RuleTold } from '../../ports/rules.ts';
import { lockCode } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { decodeRules } from './read-rules.ts';
import { dueWhen } from './rule-due.ts';
import { encodeStatus, factsOf, type RuleRow, statusOf } from './rule-row.ts';

export async function tellRule(session: Session, id: number, event: RuleEvent): Promise<RuleTold> {
  const row = await lockRule(session, id);
  if (row === undefined) return { kind: 'unknown' };
  const transition = transitionRule(statusOf(row), event, factsOf(row));
  if (transition.kind === 'refused') return transition;
  if (transition.kind === 'ended') {
    await endRule(session, id);
    return { kind: 'ended' };
  }
  const told = transition.kind === 'moved' ? await moveRule(session, row, transition.to) : row;
  if (event === 'resumed') await wakeStuck(session, id);
  const [rule] = await decodeRules(session, [told]);
  return rule === undefined ? { kind: 'unknown' } : { kind: 'told', rule };
}

/** One that has ended is not there any more. */
export async function lockRule(session: Session, id: number): Promise<RuleRow | undefined> {
  const { rows } = await sql<RuleRow>`
    select * from rule where id = ${id} and ended_ms is null ${sql.raw(session.engine.forUpdate)}`.execute(session.db);
  return rows[0];
}

/** Whoever works on it has lost its lease; its locks go in pages. */
export async function endRule(session: Session, id: number): Promise<void> {
  const now = nowMs(session);
  await session.db
    .updateTable('rule')
    .set({ ended_ms: now, due_ms: now, updated_ms: now, owner: null, token: sql<number>`token + 1` })
    .where('id', '=', id)
    .execute();
}

/**
 * What is being applied when its content changes is applied once more; a turn that began before must not end it. Who works on a
 * rule that is suspended has lost its lease.
 */
async function moveRule(session: Session, before: RuleRow, to: RuleStatus): Promise<RuleRow> {
  const { state, flag } = encodeStatus(to);
  const isBehind = state === 'INJECT' && before.owner !== null && before.state !== 'SUSPENDED';
  const isFresh = state === 'INJECT' && before.state !== 'INJECT' && !isBehind;
  const letsGo = state === 'SUSPENDED';
  await session.db
    .updateTable('rule')
    .set({
      state,
      flag: isBehind ? 1 : flag,
      updated_ms: nowMs(session),
      ...(isFresh ? { position: null } : {}),
      ...(letsGo ? { owner: null, position: null, token: sql<number>`token + 1` } : {}),
    })
    .where('id', '=', before.id)
    .execute();
  if (!isBehind) {
    await session.db
      .updateTable('rule')
      .set({ due_ms: dueWhen(session) })
      .where('id', '=', before.id)
      .where('owner', 'is', null)
      .execute();
  }
  return session.db.selectFrom('rule').selectAll().where('id', '=', before.id).executeTakeFirstOrThrow();
}

/** Stuck locks of a suspended rule that were passed over are tried again. */
async function wakeStuck(session: Session, rule: number): Promise<void> {
  await session.db
    .updateTable('lock')
    .set({ retry_ms: nowMs(session) })
    .where('rule', '=', rule)
    .where(sql<boolean>`state = ${sql.raw(String(lockCode('STUCK')))}`)
    .where('retry_ms', 'is', null)
    .execute();
}

/** The content of these rules has changed. */
export async function tellContentChanged(session: Session, rules: Iterable<number>): Promise<void> {
  for (const rule of [...new Set(rules)].sort((a, b) => a - b)) await tellRule(session, rule, 'content-changed');
}
