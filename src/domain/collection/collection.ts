import { escapeKey } from '../object/key.ts';
import { formatObjectName, type ObjectName } from '../object/object-name.ts';

/** A dataset holds objects, a container holds collections (docs/collections.md). */
export type CollectionKind = 'dataset' | 'container';

/** What of a collection decides what may be done with it. */
export interface CollectionStanding {
  readonly kind: CollectionKind;
  /** Closed: its members stay as they are. */
  readonly isOpen: boolean;
  /** What is in it stays in it. */
  readonly isMonotonic: boolean;
}

export type CollectionProblemKind =
  | 'unknown'
  /** An object has the name that a collection is to have, or the other way round. */
  | 'name-taken'
  /** There is a collection of that name, and it is of another kind. */
  | 'other-collection'
  | 'closed'
  | 'monotonic'
  | 'wrong-kind'
  | 'cycle'
  | 'deleted'
  /** The object is not what the caller takes it for. */
  | 'differs'
  /** What the caller says of it cannot be compared: its bytes were never read. */
  | 'unread'
  /** The object is in a closed or monotonic dataset. */
  | 'frozen';

/** Why something is refused, and how to mend it. */
export interface CollectionProblem extends ObjectName {
  readonly kind: CollectionProblemKind;
  readonly message: string;
  readonly remedy: string;
}

/** A name as messages write it. */
export function showName(name: ObjectName): string {
  return escapeKey(formatObjectName(name));
}

export function collectionProblem(
  kind: CollectionProblemKind,
  { scope, name }: ObjectName,
  message: string,
  remedy: string,
): CollectionProblem {
  return { kind, scope, name, message, remedy };
}
