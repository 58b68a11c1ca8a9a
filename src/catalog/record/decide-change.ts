import type { Change } from '../../ports/catalog.ts';
import { type ContentColumns, encodeContent, encodeOperation } from '../content.ts';
import type { FoundObject } from './find-objects.ts';

/** A change with its content as the columns it is compared and stored in. */
export interface EncodedChange {
  /** Position among the changes of the call. */
  readonly index: number;
  readonly change: Change;
  readonly content: ContentColumns;
  readonly sha256: string | null;
  readonly operation: Uint8Array;
}

/** A change that makes a version, and the object it is made on. */
export interface Accepted {
  readonly encoded: EncodedChange;
  readonly found: FoundObject | undefined;
  readonly versionId: number;
}

export type Decision =
  | { readonly kind: 'recorded' }
  | { readonly kind: 'repeated'; readonly versionId: number }
  | { readonly kind: 'conflict'; readonly currentId: number | undefined };

export function encodeChange(change: Change, index: number): EncodedChange {
  return {
    index,
    change,
    content: encodeContent(change.content),
    sha256: change.content.kind === 'object' ? (change.content.sha256?.toLowerCase() ?? null) : null,
    operation: encodeOperation(change.operation),
  };
}

/**
 * What becomes of a change, seen against the object as it is now. `madeBefore` is the version its operation made already.
 *
 * A repeat is found before a conflict: who asks twice for one thing gets it, whatever happened in between.
 */
export function decideChange(
  encoded: EncodedChange,
  found: FoundObject | undefined,
  madeBefore: number | undefined,
): Decision {
  if (madeBefore !== undefined) return { kind: 'repeated', versionId: madeBefore };
  if (encoded.change.isAlone === true && found !== undefined && found.siblings > 0)
    return { kind: 'conflict', currentId: found.current.id };
  if (encoded.change.isOverCurrent === true || encoded.change.follows === found?.current.id)
    return { kind: 'recorded' };
  if (found !== undefined && encoded.change.isConditional !== true && isEqualContent(encoded, found.current)) {
    return { kind: 'repeated', versionId: found.current.id };
  }
  return { kind: 'conflict', currentId: found?.current.id };
}

/** The same state of the object reached by somebody else: bytes known to be equal, and all that is told about them. */
function isEqualContent(encoded: EncodedChange, current: FoundObject['current']): boolean {
  const [kind, size, , contentType, metadata] = encoded.content;
  if (kind !== current.kind) return false;
  if (encoded.change.content.kind === 'tombstone') return true;
  return (
    encoded.sha256 !== null &&
    encoded.sha256 === current.sha256 &&
    size === current.size &&
    contentType === current.contentType &&
    metadata === current.metadata
  );
}
