import type { RuleWords } from '../../domain/rule/rule.ts';
import type { RuleRecord } from '../../ports/rules.ts';
import { closeBarrier } from '../barrier.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { followWords, lockWaiting } from './follow-words.ts';
import { decodeRules } from './read-rules.ts';
import { dueWhen } from './rule-due.ts';
import { encodeWords } from './rule-row.ts';
import { lockTargets, putTargets, readTargets, resolveTargets, sameness } from './rule-targets.ts';
import { lockRule, tellRule } from './tell-rule.ts';
import { CatalogError } from '../../ports/catalog.ts';

/** Words that change nothing of what the rule has and asks for. */
const HARMLESS: ReadonlySet<keyof RuleWords> = new Set([
  'comment',
  'notify',
  'isLocked',
  'expiresMs',
  'purge',
  'replaces',
]);

/** Words that go with each copy that is asked for. */
const ASKED_WITH: readonly (keyof RuleWords)[] = ['priority', 'activity', 'sourceExpression'];

export async function updateRule(
  session: Session,
  id: number,
  words: Partial<RuleWords>,
): Promise<RuleRecord | undefined> {
  await lockTargets(session, words.targets ?? []);
  if (words.targets?.some(({ kind }) => kind === 'pattern') === true) await closeBarrier(session, 'patterns');
  const isAskedAnew = ASKED_WITH.some((word) => word in words);
  if (isAskedAnew) await lockWaiting(session, id);
  const row = await lockRule(session, id);
  if (row === undefined) return undefined;
  const [before] = await decodeRules(session, [row]);
  const after = { ...(before as RuleRecord), ...words };
  if (after.account !== row.account) throw new CatalogError('failed', `rule ${id} keeps its account`);
  if (words.targets !== undefined) await changeTargets(session, id, words.targets);
  const targets = (await readTargets(session, [id])).get(id) ?? [];
  await session.db
    .updateTable('rule')
    .set({ ...encodeWords(after), same: sameness({ ...after, targets }), updated_ms: nowMs(session) })
    .where('id', '=', id)
    .execute();
  await session.db
    .updateTable('rule')
    .set({ due_ms: dueWhen(session) })
    .where('id', '=', id)
    .where('owner', 'is', null)
    .execute();
  if (isAskedAnew) await followWords(session, id);
  const isHarmless = Object.keys(words).every((word) => HARMLESS.has(word as keyof RuleWords));
  if (!isHarmless) await tellRule(session, id, 'content-changed');
  const changed = await session.db.selectFrom('rule').selectAll().where('id', '=', id).execute();
  return (await decodeRules(session, changed))[0];
}

async function changeTargets(session: Session, id: number, targets: RuleWords['targets']): Promise<void> {
  const resolved = await resolveTargets(session, targets);
  if ('unknown' in resolved) {
    const names = resolved.unknown.map(({ scope, name }) => `${scope}:${name}`).join(', ');
    throw new CatalogError('failed', `rule ${id} cannot be about what is not there: ${names}`);
  }
  await putTargets(session, id, resolved.rows);
}
