import { findAncestors } from '../collections/ancestors.ts';
import type { Session, SetStatement } from '../session.ts';

const findRules: SetStatement = {
  columns: { collection: 'int' },
  text: (rows) => `select t.rule from ${rows} join rule_target t on t.kind = 2 and t.target = r.collection`,
};

/**
 * `content-changed` of docs/states.md, "Rules": what is applied begins anew, what is being applied is applied once more, and what
 * is suspended will be when it is resumed. What waits for approval is looked at as a whole then.
 */
const makeDue: SetStatement = {
  columns: { rule: 'int' },
  text: (rows, { nowMs }) =>
    `update rule set
       state = case when rule.state = 'SUSPENDED' then rule.state else 'INJECT' end,
       flag = case when rule.state = 'INJECT' then 1 else 0 end,
       position = case when rule.state = 'INJECT' then rule.position else null end,
       due_ms = case when rule.state in ('INJECT', 'SUSPENDED') then rule.due_ms else ${nowMs} end,
       updated_ms = ${nowMs}
     from ${rows} where rule.id = r.rule
       and rule.state in ('INJECT', 'SUSPENDED', 'REPLICATING', 'OK', 'STUCK')`,
};

/**
 * Members of these collections changed: the rules over them and over all that hold them become due, in the transaction of the
 * change. The caller holds the tree of collections (`lockCollectionTree`), so no ancestor is missed.
 */
export async function contentChanged(session: Session, collections: readonly number[]): Promise<void> {
  if (collections.length === 0) return;
  const ancestors = [...(await findAncestors(session, collections))];
  const found = await session.all<[rule: number]>(
    findRules,
    ancestors.map((id) => [id]),
  );
  // Each once, and in one order for all writers.
  const rules = [...new Set(found.map(([rule]) => rule))].toSorted((a, b) => a - b);
  await session.run(
    makeDue,
    rules.map((rule) => [rule]),
  );
}
