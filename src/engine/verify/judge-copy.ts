import type { Head } from '../../ports/storage.ts';

/** One copy as it was read, all of it. */
export interface ReadCopy {
  readonly head: Omit<Head, 'digests'>;
  readonly sha256: string;
}

/** What the catalog knows of the copy at this store, under the token it was read with; undefined: nothing. */
export interface KnownCopy {
  /** Of the version the catalog takes for current. */
  readonly isCurrent: boolean;
}

export interface JudgeCopy {
  readonly copy: ReadCopy;
  readonly known: KnownCopy | undefined;
  /** The bytes every copy should have. */
  readonly sha256: string;
  /** Of the version the catalog takes for current, where that is another one: the source changed since. */
  readonly formerSha256: string | undefined;
  /** Undefined: the source does not have it. */
  readonly source: Pick<Head, 'size' | 'modifiedNs'> | undefined;
}

/**
 * Bytes that differ from the object's: of another version, or of none. A copy that was recorded under this very token must have
 * the recorded version's bytes; one that carries Pando's mark must have the mark's; of one that nobody knows, another size or
 * time says that somebody wrote it.
 */
export function judgeCopy({ copy, known, sha256, formerSha256, source }: JudgeCopy): 'intact' | 'stale' | 'corrupt' {
  if (copy.sha256 === sha256) return 'intact';
  if (copy.sha256 === formerSha256) return 'stale';
  if (known !== undefined) return known.isCurrent ? 'corrupt' : 'stale';
  const { mark, size, modifiedNs } = copy.head;
  if (mark?.sha256 !== undefined) return mark.sha256 === copy.sha256 ? 'stale' : 'corrupt';
  return size !== source?.size || modifiedNs !== source.modifiedNs ? 'stale' : 'corrupt';
}
