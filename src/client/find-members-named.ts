import { type CollectionKind, collectionProblem } from '../domain/collection/collection.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { NewMember } from '../ports/collections.ts';
import { CollectionError } from './collection-error.ts';
import { type DefaultScope, isPattern, type NamesWanted, parseName, parseNamePattern } from './object-names.ts';
import { walkCollections, walkMembers, walkObjects } from './walk-catalog.ts';

/** A member as callers name it: a name or pattern as text, or a name with what the caller takes the object for. */
export type MemberNamed = string | NewMember;

export type MembersNamed = readonly MemberNamed[] | AsyncIterable<MemberNamed>;

export interface FindIn {
  readonly catalog: Pick<Catalog, 'scanScope' | 'listCollections' | 'listMembers'>;
  readonly scope: DefaultScope;
  /** Of the parent. */
  readonly kind: CollectionKind;
}

/**
 * The members that are meant, as they come. Patterns are compared with what could be added, or with the members of a collection.
 * A pattern that means nothing fails with `not-found`.
 */
export async function* findMembersNamed(
  given: FindIn,
  named: MembersNamed,
  among: 'addable' | ObjectName,
): AsyncGenerator<NewMember> {
  for await (const one of named) {
    if (typeof one !== 'string') yield one;
    else if (isPattern(one)) yield* findMatching(given, parseNamePattern(one, given.scope), among);
    else yield parseName(one, given.scope);
  }
}

async function* findMatching(
  given: FindIn,
  wanted: NamesWanted,
  among: 'addable' | ObjectName,
): AsyncGenerator<NewMember> {
  let isAny = false;
  for await (const { scope, name } of candidates(given, wanted, among)) {
    if (scope !== wanted.scope || !wanted.matches(name)) continue;
    isAny = true;
    yield { scope, name };
  }
  if (isAny) return;
  const what = given.kind === 'dataset' ? 'object' : 'collection';
  const where = among === 'addable' ? 'the catalog has' : 'it has';
  const message = `no ${what} that ${where} matches ${JSON.stringify(wanted.written)}`;
  const remedy = 'patterns: scope:*.csv at any depth, scope:dir/*.csv in one directory, scope:dir/** below it';
  throw new CollectionError([
    collectionProblem('unknown', { scope: wanted.scope, name: wanted.written }, message, remedy),
  ]);
}

function candidates(
  { catalog, kind }: FindIn,
  { scope, prefix }: NamesWanted,
  among: 'addable' | ObjectName,
): AsyncIterable<ObjectName> {
  if (among !== 'addable') return walkMembers(catalog, among);
  return kind === 'dataset' ? walkObjects(catalog, { scope, prefix }) : walkCollections(catalog, { scope });
}
