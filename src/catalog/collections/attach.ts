import type { CollectionKind, CollectionProblem } from '../../domain/collection/collection.ts';
import { judgeMember, judgeParent } from '../../domain/collection/judge-members.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { CollectionOutcome, NewMember } from '../../ports/collections.ts';
import { lockObjects } from '../record/find-objects.ts';
import { contentChanged } from '../rules/content-changed.ts';
import type { Session } from '../session.ts';
import { findAncestors } from './ancestors.ts';
import { journalCollections } from './collection-journal.ts';
import type { FoundCollection } from './find-collection.ts';
import { findNamed, type NamedThing } from './find-members.ts';
import { lockForMembers } from './lock-for-members.ts';
import { journalMember, membershipOf } from './membership.ts';

/** Rows are locked in one order: the tree of collections, the collection, objects by name, the slot, rules. */
export async function attach(
  session: Session,
  parent: ObjectName,
  members: readonly NewMember[],
): Promise<CollectionOutcome> {
  const found = await lockForMembers(session, parent);
  const refusal = judgeParent(parent, found, 'attach');
  if (refusal !== undefined || found === undefined) return { kind: 'refused', problems: refusal ? [refusal] : [] };
  await lockCompared(session, members);
  const { ids, problems } = await judgeAll(session, { ...found, ...parent }, members);
  if (problems.length > 0) return { kind: 'refused', problems };

  const fresh = await withoutMembers(session, found, [...new Set(ids)]);
  if (fresh.length === 0) return { kind: 'unchanged' };
  const dots = await journalCollections(
    session,
    fresh.map((id) => ({ kind: 'attach', collection: found.id, member: journalMember(found.kind, id) })),
  );
  await session.run(
    membershipOf(found.kind).insert,
    fresh.map((id, at) => [found.id, id, dots[at]?.actor ?? 0, dots[at]?.counter ?? 0]),
  );
  await contentChanged(session, [found.id]);
  return { kind: 'changed', count: fresh.length };
}

/** Objects that are compared with what the caller says of them stay as they are until they are members. */
async function lockCompared(session: Session, members: readonly NewMember[]): Promise<void> {
  const compared: ObjectName[] = [];
  for (const member of members) {
    if (member.size === undefined && member.sha256 === undefined) continue;
    if ((await session.known.scopes.findId(session, member.scope)) !== undefined) compared.push(member);
  }
  await lockObjects(session, compared);
}

interface Judged {
  /** Of the members in their order; complete where there are no problems. */
  readonly ids: readonly number[];
  readonly problems: readonly CollectionProblem[];
}

async function judgeAll(
  session: Session,
  parent: ObjectName & { readonly id: number; readonly kind: CollectionKind },
  members: readonly NewMember[],
): Promise<Judged> {
  const isDataset = parent.kind === 'dataset';
  const things = await findNamed(session, members, isDataset ? 'object' : 'collection');
  const above = isDataset ? undefined : await findAncestors(session, [parent.id]);
  const ids: number[] = [];
  const problems: CollectionProblem[] = [];
  for (const [at, member] of members.entries()) {
    const { object, collection } = things[at] as NamedThing;
    const isAbove = collection !== undefined && above?.has(collection.id) === true;
    const problem = judgeMember(parent, member, {
      ...(object === undefined ? {} : { object }),
      ...(collection === undefined ? {} : { collection: { kind: collection.kind, isAbove } }),
    });
    if (problem !== undefined) problems.push(problem);
    else ids.push((isDataset ? object : collection)?.id ?? 0);
  }
  return { ids, problems };
}

async function withoutMembers(session: Session, { id, kind }: FoundCollection, wanted: readonly number[]) {
  const rows = await session.all<[at: number]>(
    membershipOf(kind).find,
    wanted.map((member, at) => [at, id, member]),
  );
  const present = new Set(rows.map(([at]) => at));
  return wanted.filter((_, at) => !present.has(at));
}
