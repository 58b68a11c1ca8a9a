import type { ObjectName } from '../object/object-name.ts';
import {
  type CollectionKind,
  type CollectionProblem,
  collectionProblem,
  type CollectionStanding,
  showName,
} from './collection.ts';

/** A member to be, and what the caller takes it for. */
export interface ProposedMember extends ObjectName {
  readonly size?: number;
  readonly sha256?: string;
}

/** What there is under a member's name. By a sync both may have come to be. */
export interface FoundMember {
  readonly object?: { readonly isDeleted: boolean; readonly size: number; readonly sha256: string | undefined };
  /** `isAbove`: it holds the parent already, by whatever way, or is the parent. */
  readonly collection?: { readonly kind: CollectionKind; readonly isAbove: boolean };
}

/** What keeps members from being added or taken out at all (docs/collections.md, "Open, closed, monotonic"). */
export function judgeParent(
  parent: ObjectName,
  found: CollectionStanding | undefined,
  change: 'attach' | 'detach',
): CollectionProblem | undefined {
  const name = showName(parent);
  if (found === undefined)
    return collectionProblem('unknown', parent, `there is no collection ${name}`, 'make it first');
  if (!found.isOpen) {
    const message = `the ${found.kind} ${name} is closed: nothing is added to it or taken out`;
    return collectionProblem('closed', parent, message, `open it again, or make another ${found.kind}`);
  }
  if (change === 'attach' || !found.isMonotonic) return undefined;
  const message = `the ${found.kind} ${name} is monotonic: what is in it stays in it`;
  return collectionProblem('monotonic', parent, message, `make another ${found.kind} of what is to remain`);
}

/** What keeps one from being a member (docs/collections.md, "Members"). */
export function judgeMember(
  parent: ObjectName & { readonly kind: CollectionKind },
  member: ProposedMember,
  found: FoundMember,
): CollectionProblem | undefined {
  return parent.kind === 'dataset' ? judgeObject(member, found) : judgeCollection(parent, member, found);
}

function judgeObject(member: ProposedMember, { object, collection }: FoundMember): CollectionProblem | undefined {
  const name = showName(member);
  if (object !== undefined && !object.isDeleted) return compare(member, object);
  if (collection !== undefined) {
    const message = `${name} is a ${collection.kind}, and a dataset holds objects`;
    return collectionProblem('wrong-kind', member, message, 'add it to a container');
  }
  if (object === undefined)
    return collectionProblem('unknown', member, `there is no object ${name}`, 'write it first, or sync its profile');
  return collectionProblem('deleted', member, `the object ${name} was deleted`, 'leave it out, or write it again');
}

function compare(
  { size, sha256, ...member }: ProposedMember,
  object: NonNullable<FoundMember['object']>,
): CollectionProblem | undefined {
  const name = showName(member);
  const remedy = 'find out which is right; say nothing of size and hash to take the object as it is';
  if (size !== undefined && size !== object.size)
    return collectionProblem('differs', member, `the object ${name} has ${object.size} bytes, not ${size}`, remedy);
  if (sha256 === undefined || sha256.toLowerCase() === object.sha256) return undefined;
  if (object.sha256 !== undefined) {
    const message = `the object ${name} has the sha256 ${object.sha256}, not ${sha256.toLowerCase()}`;
    return collectionProblem('differs', member, message, remedy);
  }
  const message = `the sha256 of the object ${name} is not known: it was only seen in a listing`;
  return collectionProblem('unread', member, message, 'read it once, as pando cat does, or say nothing of its hash');
}

function judgeCollection(
  parent: ObjectName,
  member: ProposedMember,
  { object, collection }: FoundMember,
): CollectionProblem | undefined {
  const name = showName(member);
  if (collection === undefined) {
    if (object === undefined)
      return collectionProblem('unknown', member, `there is no collection ${name}`, 'make it first');
    const message = `${name} is an object, and a container holds collections`;
    return collectionProblem('wrong-kind', member, message, 'add it to a dataset');
  }
  if (!collection.isAbove) return undefined;
  const isItself = parent.scope === member.scope && parent.name === member.name;
  const message = isItself
    ? `${name} cannot hold itself`
    : `${name} holds ${showName(parent)} already, so it cannot be in it`;
  return collectionProblem('cycle', member, message, 'leave it out');
}
