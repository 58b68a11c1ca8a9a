import { judgeParent } from '../../domain/collection/judge-members.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { CollectionOutcome } from '../../ports/collections.ts';
import { contentChanged } from '../rules/content-changed.ts';
import type { Session } from '../session.ts';
import { journalCollections } from './collection-journal.ts';
import { findNamed } from './find-members.ts';
import { lockForMembers } from './lock-for-members.ts';
import { journalMember, membershipOf } from './membership.ts';

/** Rows are locked in the order of `attach`. */
export async function detach(
  session: Session,
  parent: ObjectName,
  members: readonly ObjectName[],
): Promise<CollectionOutcome> {
  const found = await lockForMembers(session, parent);
  const refusal = judgeParent(parent, found, 'detach');
  if (refusal !== undefined || found === undefined) return { kind: 'refused', problems: refusal ? [refusal] : [] };
  const isDataset = found.kind === 'dataset';
  const things = await findNamed(session, members, isDataset ? 'object' : 'collection');
  const named = new Set(things.flatMap(({ object, collection }) => (isDataset ? object : collection)?.id ?? []));
  const removed = await session.all<[member: number, actor: number, counter: number]>(
    membershipOf(found.kind).remove,
    [...named].map((id) => [found.id, id]),
  );
  if (removed.length === 0) return { kind: 'unchanged' };
  await journalCollections(
    session,
    removed.map(([id, actor, counter]) => ({
      kind: 'detach',
      collection: found.id,
      member: journalMember(found.kind, id),
      undoes: { actor, counter },
    })),
  );
  await contentChanged(session, [found.id]);
  return { kind: 'changed', count: removed.length };
}
