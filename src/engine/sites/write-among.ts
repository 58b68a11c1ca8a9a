import { type ConflictPolicy, LOST_MAX } from '../../domain/journal/conflict-policy.ts';
import { type EntityTags, entityTagOf, matchesStrongly } from '../../domain/object/entity-tag.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Version } from '../../domain/object/version.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { KeptBeside } from '../../ports/conflicts.ts';
import { ObjectError } from '../object-error.ts';

/** What is done about conflicts, and which states of the object a client has named (`If-Match`). */
export interface UnderPolicy {
  readonly policy: ConflictPolicy;
  readonly named: EntityTags | undefined;
}

/** Which versions a write has to know of, and which of these it follows. */
export interface Among {
  readonly sees: readonly number[];
  readonly follows: readonly number[];
}

/**
 * What a write to an object follows of which several versions are kept (docs/sites.md, "Conflicts"); undefined: all there is, as ever.
 *
 * - `keep-both`: what is served, and none of those that lost: they stay what they are.
 * - `reject`: all, and only if the client names each of them.
 *
 * Fails with an `ObjectError`: `conflict` where the client has to decide first.
 */
export async function seeAmong(
  catalog: Pick<Catalog, 'readConflict'>,
  object: ObjectName,
  { policy, named }: UnderPolicy,
): Promise<Among | undefined> {
  if (policy === 'last-writer-wins') return undefined;
  const kept = await catalog.readConflict(object);
  if (kept === undefined) return undefined;
  const { versions: sees, lost } = kept;
  if (policy === 'reject') {
    demandNamed(object, kept, named);
    return { sees, follows: sees };
  }
  if (lost.length >= LOST_MAX)
    throw new ObjectError(
      'conflict',
      object,
      `${lost.length} versions of it are kept beside each other: delete some of them first`,
    );
  const others = new Set(lost.flatMap(({ same }) => same));
  return { sees, follows: sees.filter((id) => !others.has(id)) };
}

function demandNamed(object: ObjectName, { served, lost }: KeptBeside, named: EntityTags | undefined): void {
  if (lost.length === 0) return;
  const tags = [served, ...lost].flatMap((one) => tagOf(one) ?? []);
  // Whoever says `*` has not seen them.
  const isNamed = (tag: string): boolean => named !== undefined && named !== '*' && matchesStrongly(named, tag);
  if (tags.every(isNamed)) return;
  throw new ObjectError(
    'conflict',
    object,
    `it was written at several sites without knowing of each other: name all in If-Match: ${tags.map((tag) => `"${tag}"`).join(', ')}`,
  );
}

function tagOf({ content, operation }: Version): string | undefined {
  return content.kind === 'object' ? entityTagOf(content, operation) : undefined;
}
