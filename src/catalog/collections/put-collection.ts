import { sql } from 'kysely';
import { collectionProblem, showName } from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { CollectionOutcome, NewCollection } from '../../ports/collections.ts';
import { OBJECT } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { kindCode } from './collection-codes.ts';
import { journalCollections } from './collection-journal.ts';
import { lockScopeNames } from './collection-locks.ts';
import { findCollection, type FoundCollection, lockCollection } from './find-collection.ts';

export async function putCollection(session: Session, wanted: NewCollection): Promise<CollectionOutcome> {
  const scope = await makeScope(session, wanted.scope);
  await lockScopeNames(session, [scope], 'alone');
  const found = await findCollection(session, wanted);
  if (found !== undefined) return compare(wanted, found);
  if (await isObject(session, scope, wanted.name)) {
    const message = `${showName(wanted)} is an object`;
    const problem = collectionProblem('name-taken', wanted, message, 'give the collection a name that no object has');
    return { kind: 'refused', problems: [problem] };
  }
  const { id } = await session.db
    .insertInto('collection')
    .values({
      scope,
      name: wanted.name,
      kind: kindCode(wanted.kind),
      is_open: 1,
      monotonic: wanted.isMonotonic ? 1 : 0,
      actor: 0,
      counter: 0,
      created_ms: nowMs(session),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await say(session, id, true);
  return { kind: 'changed', count: 1 };
}

/** A closed collection is not listed as one without: its members stay, and nothing comes or goes. */
export async function setCollectionOpen(
  session: Session,
  name: ObjectName,
  isOpen: boolean,
): Promise<CollectionOutcome> {
  const found = await lockCollection(session, name);
  if (found === undefined) {
    const message = `there is no collection ${showName(name)}`;
    return { kind: 'refused', problems: [collectionProblem('unknown', name, message, 'make it first')] };
  }
  if (found.isOpen === isOpen) return { kind: 'unchanged' };
  await say(session, found.id, isOpen);
  return { kind: 'changed', count: 1 };
}

/** What is said of a collection has a dot of its own. */
async function say(session: Session, id: number, isOpen: boolean): Promise<void> {
  const [given] = await journalCollections(session, [{ kind: 'put-collection', collection: id, isOpen }]);
  if (given === undefined) return;
  await session.db
    .updateTable('collection')
    .set({ is_open: isOpen ? 1 : 0, actor: given.actor, counter: given.counter })
    .where('id', '=', id)
    .execute();
}

/** A scope without a source comes into being with the first collection in it. */
async function makeScope(session: Session, name: string): Promise<number> {
  const known = await session.known.scopes.findId(session, name);
  if (known !== undefined) return known;
  await session.db
    .insertInto('scope')
    .values({ name, title: name, source: 0, created_ms: nowMs(session) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return await session.known.scopes.requireId(session, name);
}

async function isObject(session: Session, scope: number, name: string): Promise<boolean> {
  const { rows } = await sql`
    select id from object where scope = ${scope} and name = ${name} and kind = ${OBJECT}`.execute(session.db);
  return rows.length > 0;
}

function compare(wanted: NewCollection, found: FoundCollection): CollectionOutcome {
  if (wanted.kind === found.kind && wanted.isMonotonic === found.isMonotonic) return { kind: 'unchanged' };
  const is = `${found.isMonotonic ? 'a monotonic' : 'a'} ${found.kind}`;
  const message = `${showName(wanted)} is ${is}, not ${wanted.isMonotonic ? 'a monotonic' : 'a'} ${wanted.kind}`;
  const remedy = 'use it as it is, or give the new one another name';
  return { kind: 'refused', problems: [collectionProblem('other-collection', wanted, message, remedy)] };
}
