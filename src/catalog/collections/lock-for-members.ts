import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Session } from '../session.ts';
import { lockCollectionTree } from './collection-locks.ts';
import { findCollection, type FoundCollection, lockCollection } from './find-collection.ts';

/** The collection, with all locked that a change of its members stands on. What kind it is never changes. */
export async function lockForMembers(session: Session, name: ObjectName): Promise<FoundCollection | undefined> {
  const found = await findCollection(session, name);
  if (found === undefined) return undefined;
  await lockCollectionTree(session, found.kind === 'container' ? 'alone' : 'shared');
  return lockCollection(session, name);
}
