import type { ObjectName } from '../domain/object/object-name.ts';
import type { Content, ObjectContent, Version } from '../domain/object/version.ts';
import type { CollectionProblem } from '../domain/collection/collection.ts';
import type { OperationRecord } from './catalog.ts';
import type { Arrived } from './journal.ts';

/** Objects of which versions that did not see each other are kept (docs/sites.md, "Conflicts"). All verbs are one transaction each. */
export interface ConflictCatalog {
  /** By scope and name in byte order, from after `after`. `next` undefined: there are no more. */
  listConflicts(query: {
    readonly scope?: string | undefined;
    readonly after?: ObjectName | undefined;
    readonly limit: number;
  }): Promise<ConflictPage>;
  /** Undefined: nothing is kept beside its current version. */
  readConflict(object: ObjectName): Promise<KeptBeside | undefined>;
  /**
   * Writes a version that follows some of an object's versions and none of the others; the object is from then on what the join of it with
   * those says, here and at every site.
   */
  recordAmong(change: AmongChange): Promise<AmongOutcome>;
}

export interface ConflictPage {
  readonly conflicts: readonly Conflict[];
  readonly next: ObjectName | undefined;
}

/** A version that lost, and since when it has been beside another one, in milliseconds since 1970. */
export interface LostVersion extends Version {
  readonly content: ObjectContent;
  readonly foundMs: number;
  /** Ids of all that say the same, its own first. */
  readonly same: readonly number[];
}

export interface Conflict extends ObjectName {
  readonly served: Version;
  /** What somebody wrote and is not served, the latest first; of what is equal only one. */
  readonly lost: readonly LostVersion[];
}

/** As `Conflict`; `lost` is empty where all that is beside the served version is deletes, or says the same as it. */
export interface KeptBeside extends Conflict {
  /** Ids of all versions of the object that nobody has followed, the served one first. */
  readonly versions: readonly number[];
}

export interface AmongChange extends ObjectName {
  /** UUIDv7. */
  readonly operation: string;
  readonly content: Content;
  /** Bytes, durable; absent of a tombstone. */
  readonly copy?: Arrived['copy'];
  /** Ids of all versions the writer knows of, in any order: others now, and nothing is written. */
  readonly sees: readonly number[];
  /** Those of them that it follows. */
  readonly follows: readonly number[];
  /** Outcome kept for the operation's repeats. */
  readonly outcome?: OperationRecord;
}

export type AmongOutcome =
  | { readonly kind: 'recorded'; readonly versionId: number }
  /** This operation made the version before. */
  | { readonly kind: 'repeated'; readonly versionId: number }
  | { readonly kind: 'changed' }
  /** A dataset that holds it is closed or monotonic, and this is no delete. */
  | { readonly kind: 'refused'; readonly problems: readonly CollectionProblem[] };
