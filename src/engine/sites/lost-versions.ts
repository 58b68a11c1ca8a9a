import { conflictName, parseConflictName } from '../../domain/journal/conflict-policy.ts';
import { compareKeys } from '../../domain/object/key.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { KeptBeside, LostVersion } from '../../ports/conflicts.ts';

/** A version that lost, as it is read by a name of its own. */
export interface FoundLost {
  readonly of: ObjectName;
  readonly version: LostVersion;
  readonly kept: KeptBeside;
}

/** The version that a name stands for; undefined: it stands for none. */
export async function findLost(
  catalog: Pick<Catalog, 'readConflict'>,
  object: ObjectName,
): Promise<FoundLost | undefined> {
  const parsed = parseConflictName(object);
  if (parsed === undefined) return undefined;
  const { of, dot } = parsed;
  const kept = await catalog.readConflict(of);
  const version = kept?.lost.find((one) => one.dot.actor === dot.actor && one.dot.counter === dot.counter);
  return kept === undefined || version === undefined ? undefined : { of, version, kept };
}

/** A lost version in a listing. */
export interface LostEntry {
  readonly name: string;
  readonly version: LostVersion;
}

const PAGE = 1_000;

/** The first names of lost versions of a scope that begin so and come after this one, in byte order, `limit` of them at most. */
export async function listLost(
  catalog: Pick<Catalog, 'listConflicts'>,
  scope: string,
  { prefix, after, limit }: { readonly prefix: string; readonly after: string; readonly limit: number },
): Promise<readonly LostEntry[]> {
  let first: LostEntry[] = [];
  let from: ObjectName | undefined;
  do {
    const page = await catalog.listConflicts({ scope, after: from, limit: PAGE });
    const names = page.conflicts.flatMap(({ name, lost }) =>
      lost.map((version) => ({ name: conflictName(name, version.dot), version })),
    );
    const fitting = names.filter(({ name }) => name.startsWith(prefix) && compareKeys(name, after) > 0);
    first = [...first, ...fitting].sort((a, b) => compareKeys(a.name, b.name)).slice(0, limit);
    from = page.next;
  } while (from !== undefined);
  return first;
}
