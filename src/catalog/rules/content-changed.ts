import { findAncestors } from '../collections/ancestors.ts';
import { TARGET_COLLECTION } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { tellContentChanged } from './tell-rule.ts';

const findRules: SetStatement = {
  columns: { collection: 'int' },
  text: (rows) =>
    `select t.rule from ${rows} join rule_target t on t.kind = ${TARGET_COLLECTION} and t.target = r.collection`,
};

/**
 * Members of these collections changed: the rules over them and over all that hold them become due, in the transaction of the
 * change. The caller holds the tree of collections (`lockCollectionTree`), so no ancestor is missed, and no rule: who makes one over
 * a collection takes it alone.
 */
export async function contentChanged(session: Session, collections: readonly number[]): Promise<void> {
  if (collections.length === 0) return;
  const ancestors = [...(await findAncestors(session, collections))];
  const found = await session.all<[rule: number]>(
    findRules,
    ancestors.map((id) => [id]),
  );
  await tellContentChanged(
    session,
    found.map(([rule]) => rule),
  );
}
