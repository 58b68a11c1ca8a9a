import type { ReplicaState } from '../replica/replica.ts';

/** What the catalog says of one place of a store at one moment (docs/audit.md, "Three looks"). */
export type PlaceRecord =
  | { readonly kind: 'absent' }
  /** A copy on its way in or out: nothing is expected of the place, and nothing forbidden. */
  | { readonly kind: 'moving' }
  /** Bytes should be there. Two looks that claim the same are of the same copy. */
  | { readonly kind: 'there'; readonly claim: string };

/**
 * What the store showed.
 *
 * - `recorded`: the bytes the catalog says, as far as was looked: by their token, or read.
 * - `other-version`: those of another version of the object, or what somebody wrote.
 * - `wrong`: those of no version.
 */
export type PlaceSeen =
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly bytes: 'recorded' | 'other-version' | 'wrong' };

export type PlaceVerdict = 'ok' | 'lost' | 'dark' | 'stale' | 'corrupt' | 'unreachable' | 'in-flight';

export interface ThreeLooks {
  /** The catalog before the store was listed. */
  readonly before: PlaceRecord;
  readonly seen: PlaceSeen;
  /** The catalog after it. */
  readonly after: PlaceRecord;
}

const BYTES = { recorded: 'ok', 'other-version': 'stale', wrong: 'corrupt' } as const;

/**
 * Only what both looks at the catalog agree on is concluded; what changed between them is in flight, and somebody else's work. Where the
 * store could not be asked nothing is concluded at all (I9).
 */
export function judgePlace({ before, seen, after }: ThreeLooks): PlaceVerdict {
  if (seen.kind === 'unreachable') return 'unreachable';
  if (before.kind === 'absent' && after.kind === 'absent') return seen.kind === 'absent' ? 'ok' : 'dark';
  if (before.kind !== 'there' || after.kind !== 'there' || before.claim !== after.claim) return 'in-flight';
  return seen.kind === 'absent' ? 'lost' : BYTES[seen.bytes];
}

/** Before the second look: what it would be if the catalog stays as it is. Only what is wrong then needs that look. */
export function judgeUnchanged(before: PlaceRecord, seen: PlaceSeen): PlaceVerdict {
  return judgePlace({ before, seen, after: before });
}

/** One row of the catalog at a place. */
export interface PlaceRow {
  readonly versionId: number;
  readonly isCurrent: boolean;
  readonly state: ReplicaState;
  readonly token: string | undefined;
}

/** What one row says. A copy that was given up, or is known to be gone, has no token: nothing is expected of its place. */
export function recordOfRow({ versionId, state, token }: PlaceRow): PlaceRecord {
  if (state === 'COPYING' || state === 'BEING_DELETED') return { kind: 'moving' };
  if (token === undefined && (state === 'UNAVAILABLE' || state === 'BAD')) return { kind: 'absent' };
  return { kind: 'there', claim: `${versionId} ${token ?? ''}` };
}

/**
 * Versions of an object follow each other at one place. While one is on its way nothing is said of the place; else the current one
 * is expected there, or the newest.
 */
export function chooseRow<Row extends PlaceRow>(rows: readonly Row[]): Row | undefined {
  const standing = (row: Row): number => {
    const { kind } = recordOfRow(row);
    if (kind === 'moving') return 3;
    return kind === 'absent' ? 0 : row.isCurrent ? 2 : 1;
  };
  return rows.toSorted((a, b) => standing(b) - standing(a) || b.versionId - a.versionId)[0];
}
