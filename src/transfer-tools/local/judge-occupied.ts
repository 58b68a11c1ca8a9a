import type { ReadOutcome } from '../../ports/copy-pool.ts';
import type { Transfer } from '../../ports/transfer-tool.ts';

/**
 * What lies where a copy is to lie, once it was read.
 *
 * - `wanted`: the bytes that are wanted; a copy that was published and not recorded.
 * - `left`: this very copy was begun before and came out wrong, or one of an earlier version was left: nobody else's, to be replaced.
 * - `unknown`: nobody knows the hash of what is wanted, so only a source can tell.
 * - `other`: somebody else's, which stays.
 */
export type Occupant = 'wanted' | 'left' | 'unknown' | 'other';

export function judgeOccupant(
  { content, leftFrom = [] }: Transfer,
  { head, sha256 }: Extract<ReadOutcome, { readonly kind: 'read' }>,
): Occupant {
  const { mark } = head;
  const isOwn = mark?.operation === content.operation;
  const otherwise = isOwn || (mark !== undefined && leftFrom.includes(mark.operation)) ? 'left' : 'other';
  if (content.sha256 !== undefined) return sha256 === content.sha256 ? 'wanted' : otherwise;
  // Who wrote the mark had read the source.
  if (isOwn) return head.size === content.size && mark.sha256 === sha256 ? 'wanted' : 'left';
  return otherwise === 'other' && head.size === content.size ? 'unknown' : otherwise;
}
