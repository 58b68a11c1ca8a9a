import type { CollectionKind, CollectionProblem } from '../domain/collection/collection.ts';
import { findNearestWord } from '../domain/nearest-word.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { Catalog } from '../ports/catalog.ts';

export type NamesCatalog = Pick<Catalog, 'scanScope' | 'listCollections'>;

/** So many unknown names are looked into; who mistyped more has another mistake. */
const NAMES_MAX = 5;
/** Names that are compared with one. */
const CANDIDATES_MAX = 1_000;

/** The same problems; those about unknown names say which one may be meant. */
export async function suggestNames(
  catalog: NamesCatalog,
  problems: readonly CollectionProblem[],
  wanted: 'object' | CollectionKind | undefined,
): Promise<readonly CollectionProblem[]> {
  let left = NAMES_MAX;
  const told: CollectionProblem[] = [];
  for (const problem of problems) {
    const nearest = problem.kind === 'unknown' && left-- > 0 ? await findNearest(catalog, problem, wanted) : undefined;
    told.push(nearest === undefined ? problem : { ...problem, remedy: `did you mean ${nearest}?` });
  }
  return told;
}

/** The most similar name in the same scope; of objects, in the same directory. */
export async function findNearest(
  catalog: NamesCatalog,
  { scope, name }: ObjectName,
  wanted: 'object' | CollectionKind | undefined,
): Promise<string | undefined> {
  const directory = wanted === 'object' ? name.slice(0, name.lastIndexOf('/') + 1) : '';
  const candidates =
    wanted === 'object' ? await listNames(catalog, scope, directory) : await listCollections(catalog, scope, wanted);
  const nearest = findNearestWord(
    name.slice(directory.length),
    candidates.map((candidate) => candidate.slice(directory.length)),
  );
  return nearest === undefined ? undefined : formatObjectName({ scope, name: `${directory}${nearest}` });
}

async function listNames(catalog: NamesCatalog, scope: string, prefix: string): Promise<readonly string[]> {
  const page = { scope, prefix, limit: CANDIDATES_MAX, stores: [], deleted: false, details: false };
  return (await catalog.scanScope(page)).names;
}

async function listCollections(
  catalog: NamesCatalog,
  scope: string,
  kind: CollectionKind | undefined,
): Promise<readonly string[]> {
  const query = { scope, limit: CANDIDATES_MAX, ...(kind === undefined ? {} : { kind }) };
  return (await catalog.listCollections(query)).map(({ name }) => name);
}
