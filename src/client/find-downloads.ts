import type { Catalog } from '../ports/catalog.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { findNearest } from './nearest-names.ts';
import { type DefaultScope, isPattern, parseName, parseNamePattern } from './object-names.ts';
import { walkMembers, walkObjects } from './walk-catalog.ts';

type NamesCatalog = Pick<Catalog, 'readObject' | 'readCollection' | 'listMembers' | 'scanScope' | 'listCollections'>;

export type DownloadNamed = ObjectName | { readonly written: string; readonly why: string };

/**
 * The objects that are meant: by name, by pattern, or as members of a dataset or container, each once. What means nothing is told in
 * its place.
 */
export async function* findDownloads(
  catalog: NamesCatalog,
  names: readonly string[],
  scope: DefaultScope,
): AsyncGenerator<DownloadNamed> {
  const seen = new Set<string>();
  for (const written of names) {
    let isAny = false;
    for await (const one of meantBy(catalog, written, scope)) {
      isAny = true;
      if ('why' in one) yield one;
      else if (!seen.has(formatObjectName(one))) {
        seen.add(formatObjectName(one));
        yield { scope: one.scope, name: one.name };
      }
    }
    if (!isAny) yield { written, why: isPattern(written) ? 'no object matches it' : 'it holds no object' };
  }
}

async function* meantBy(catalog: NamesCatalog, written: string, scope: DefaultScope): AsyncGenerator<DownloadNamed> {
  if (isPattern(written)) {
    const wanted = parseNamePattern(written, scope);
    for await (const object of walkObjects(catalog, wanted)) if (wanted.matches(object.name)) yield object;
    return;
  }
  const name = parseName(written, scope);
  const object = await catalog.readObject(name.scope, name.name);
  if (object !== undefined && object.current.content.kind === 'object') {
    yield name;
    return;
  }
  const collection = await catalog.readCollection(name);
  if (collection !== undefined) {
    yield* membersOf(catalog, name, new Set());
    return;
  }
  if (object !== undefined) return yield { written, why: 'it was deleted' };
  const nearest = await findNearest(catalog, name, 'object');
  yield { written, why: `there is no such object${nearest === undefined ? '' : `: did you mean ${nearest}?`}` };
}

/** By whatever way they are in it; a container that is reached twice is gone through once. */
async function* membersOf(catalog: NamesCatalog, parent: ObjectName, passed: Set<string>): AsyncGenerator<ObjectName> {
  if (passed.has(formatObjectName(parent))) return;
  passed.add(formatObjectName(parent));
  for await (const member of walkMembers(catalog, parent)) {
    if (member.kind !== 'object') yield* membersOf(catalog, member, passed);
    else if (!member.isDeleted) yield member;
  }
}
