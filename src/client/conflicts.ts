import type { Pando } from '../compose.ts';
import { type ConflictPolicy, conflictName, conflictPolicyOf } from '../domain/journal/conflict-policy.ts';
import { entityTagOf } from '../domain/object/entity-tag.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { Version } from '../domain/object/version.ts';
import type { Conflict } from '../ports/conflicts.ts';

/** Versions of an object that did not see each other, one served and the others kept (docs/sites.md, "Conflicts"). */
export interface ToldConflict extends ObjectName {
  readonly policy: ConflictPolicy;
  readonly served: ToldVersion;
  readonly lost: readonly LostTold[];
}

export interface ToldVersion {
  /** Operation id. */
  readonly version: string;
  /** Id of the site that wrote it. */
  readonly site: string;
  /** When, in milliseconds since 1970, by that site's clock. */
  readonly writtenMs: number;
  /** Undefined of a delete. */
  readonly size: number | undefined;
  readonly entityTag: string | undefined;
}

export interface LostTold extends ToldVersion {
  /** The name under which it is read, and deleted. */
  readonly name: string;
  /** Since when it has been beside another one here, in milliseconds since 1970. */
  readonly foundMs: number;
}

export interface ConflictsPage {
  readonly conflicts: readonly ToldConflict[];
  /** After what the next page begins; undefined: there is nothing more. */
  readonly next: ObjectName | undefined;
}

export interface ListConflicts {
  readonly scope?: string | undefined;
  readonly after?: ObjectName | undefined;
  /** Objects that are looked at, at most; a page may have fewer conflicts. */
  readonly limit: number;
}

/** One page, by scope and name. */
export async function listConflicts(
  pando: Pick<Pando, 'catalog' | 'configuration'>,
  query: ListConflicts,
): Promise<ConflictsPage> {
  const { conflicts, next } = await (await pando.catalog()).listConflicts(query);
  const policies = pando.configuration.replication?.conflicts ?? {};
  return { conflicts: conflicts.map((one) => tell(one, conflictPolicyOf(policies, one.scope))), next };
}

function tell({ scope, name, served, lost }: Conflict, policy: ConflictPolicy): ToldConflict {
  const told = lost.map((one) => ({ ...tellVersion(one), name: conflictName(name, one.dot), foundMs: one.foundMs }));
  return { scope, name, policy, served: tellVersion(served), lost: told };
}

function tellVersion({ operation, origin, time, content }: Version): ToldVersion {
  const isObject = content.kind === 'object';
  return {
    version: operation,
    site: origin,
    writtenMs: time.ms,
    size: isObject ? content.size : undefined,
    entityTag: isObject ? entityTagOf(content, operation) : undefined,
  };
}
