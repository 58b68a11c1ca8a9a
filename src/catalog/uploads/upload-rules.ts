import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleTarget, RuleWords } from '../../domain/rule/rule.ts';
import { addRule } from '../rules/add-rule.ts';
import { dueWhen } from '../rules/rule-due.ts';
import { lockTargets, sameness } from '../rules/rule-targets.ts';
import { findCollection } from '../collections/find-collection.ts';
import type { Session } from '../session.ts';

type Words = Omit<RuleWords, 'targets'>;

/**
 * The rule of an upload into a dataset: the one there is, or a new one where the dataset is empty. Undefined: the dataset has members
 * that such a rule would bring to the store as well, so that each object gets its own. Comes before all else in its transaction.
 */
export async function ruleOfDataset(session: Session, words: Words, dataset: ObjectName): Promise<number | undefined> {
  const rule = { ...words, targets: [{ kind: 'collection', ...dataset }] as const, needsApproval: false };
  const same = sameness(rule);
  const found = await findSame(session, same);
  if (found !== undefined) return found;
  // Only who may make it keeps others from changing members meanwhile.
  await lockTargets(session, rule.targets);
  const foundNow = await findSame(session, same);
  if (foundNow !== undefined) return foundNow;
  const collection = await findCollection(session, dataset);
  if (collection === undefined) return undefined;
  const member = await session.db
    .selectFrom('dataset_object')
    .where('dataset', '=', collection.id)
    .select('object')
    .limit(1)
    .executeTakeFirst();
  return member === undefined ? addApplied(session, words, rule.targets[0]) : undefined;
}

async function findSame(session: Session, same: string): Promise<number | undefined> {
  const found = await session.db
    .selectFrom('rule')
    .where('same', '=', same)
    .where('ended_ms', 'is', null)
    .select('id')
    .executeTakeFirst();
  return found?.id;
}

/** The object exists. */
export async function ruleOfObject(session: Session, words: Words, object: ObjectName): Promise<number> {
  return addApplied(session, words, { kind: 'object', scope: object.scope, name: object.name });
}

/** The upload makes its locks itself, so that there is nothing left to apply it to. */
async function addApplied(session: Session, words: Words, target: RuleTarget): Promise<number> {
  const added = await addRule(session, { ...words, targets: [target], needsApproval: false });
  if (added.kind === 'unknown-target') throw new Error('an upload asks for a rule about what is not there');
  if (added.kind === 'duplicate') return added.id;
  const { db } = session;
  await db.updateTable('rule').set({ state: 'OK', flag: 0 }).where('id', '=', added.id).execute();
  await db
    .updateTable('rule')
    .set({ due_ms: dueWhen(session) })
    .where('id', '=', added.id)
    .execute();
  return added.id;
}
