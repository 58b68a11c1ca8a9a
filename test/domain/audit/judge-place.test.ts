import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseRow,
  judgePlace,
  judgeUnchanged,
  type PlaceRecord,
  type PlaceRow,
  type PlaceSeen,
  recordOfRow,
} from '../../../src/domain/audit/judge-place.ts';
import { findTooDifferent } from '../../../src/domain/audit/difference-limit.ts';
import { REPLICA_STATES } from '../../../src/domain/replica/replica.ts';

const A: PlaceRecord = { kind: 'there', claim: '1 t' };
const B: PlaceRecord = { kind: 'there', claim: '2 u' };
const C: PlaceRecord = { kind: 'moving' };
const none: PlaceRecord = { kind: 'absent' };
const no: PlaceSeen = { kind: 'absent' };
const yes: PlaceSeen = { kind: 'present', bytes: 'recorded' };
const other: PlaceSeen = { kind: 'present', bytes: 'other-version' };
const wrong: PlaceSeen = { kind: 'present', bytes: 'wrong' };
const unknown: PlaceSeen = { kind: 'unreachable' };

describe('three looks at a place', () => {
  // Those of the field first: reference vectors of a three-way comparison of sorted dumps.
  test.each([
    ['there, missing, there', A, no, A, 'lost'],
    ['absent, seen, absent', none, yes, none, 'dark'],
    ['there, seen, there', A, yes, A, 'ok'],
    ['absent, seen, there: made meanwhile', none, yes, A, 'in-flight'],
    ['there, seen, absent: deleted meanwhile', A, yes, none, 'in-flight'],
    ['there, missing, absent', A, no, none, 'in-flight'],
    ['absent, missing, there', none, no, A, 'in-flight'],
    ['there, missing, being copied', A, no, C, 'in-flight'],
    ['being copied, missing, there', C, no, A, 'in-flight'],
    ['being copied, missing, being copied', C, no, C, 'in-flight'],
    ['being copied, seen, absent', C, yes, none, 'in-flight'],
    ['absent, seen, being copied: an upload', none, yes, C, 'in-flight'],
    ['absent, missing, absent', none, no, none, 'ok'],
    ['there, seen with wrong bytes, there', A, wrong, A, 'corrupt'],
    ['there, seen with those of another version, there', A, other, A, 'stale'],
    ['there, missing, there as another version', A, no, B, 'in-flight'],
    ['there, seen with other bytes, there as another version', A, other, B, 'in-flight'],
    ['there, not to be seen, there', A, unknown, A, 'unreachable'],
    ['absent, not to be seen, absent', none, unknown, none, 'unreachable'],
    ['being copied, not to be seen, there', C, unknown, A, 'unreachable'],
  ] as const)('%s', (_, before, seen, after, verdict) => {
    expect(judgePlace({ before, seen, after })).toBe(verdict);
  });

  const record = fc.constantFrom(A, B, C, none);
  const seen = fc.constantFrom(no, yes, other, wrong, unknown);
  const WRONG = new Set(['lost', 'dark', 'stale', 'corrupt']);

  test('what is not wrong while the catalog stays is not wrong whatever the second look shows', () => {
    fc.assert(
      fc.property(record, seen, record, (before, shown, after) => {
        if (!WRONG.has(judgeUnchanged(before, shown)))
          expect(WRONG.has(judgePlace({ before, seen: shown, after }))).toBe(false);
      }),
    );
  });

  test('nothing is wrong unless both looks agree, nor where the store could not be asked', () => {
    fc.assert(
      fc.property(record, seen, record, (before, shown, after) => {
        const verdict = judgePlace({ before, seen: shown, after });
        if (WRONG.has(verdict))
          expect([before, shown.kind]).toEqual([after, shown.kind === 'absent' ? 'absent' : 'present']);
      }),
    );
  });
});

describe('rows at one place', () => {
  const row = (over: Partial<PlaceRow> = {}): PlaceRow => ({
    versionId: 1,
    isCurrent: true,
    state: 'AVAILABLE',
    token: 't',
    ...over,
  });

  test.each(REPLICA_STATES.map((state) => [state] as const))('%s', (state) => {
    const moving = state === 'COPYING' || state === 'BEING_DELETED';
    const needsToken = state === 'BAD' || state === 'UNAVAILABLE';
    expect(recordOfRow(row({ state })).kind).toBe(moving ? 'moving' : 'there');
    expect(recordOfRow(row({ state, token: undefined })).kind).toBe(
      moving ? 'moving' : needsToken ? 'absent' : 'there',
    );
  });

  test('a version on its way keeps the place, then the current one, then the newest', () => {
    const older = row({ isCurrent: false, versionId: 1 });
    const newer = row({ isCurrent: false, versionId: 2 });
    expect(chooseRow([older, row({ versionId: 3, state: 'COPYING', token: undefined })])?.versionId).toBe(3);
    expect(chooseRow([newer, row({ versionId: 1 })])?.versionId).toBe(1);
    expect(chooseRow([older, newer])).toBe(newer);
    expect(chooseRow([older, row({ versionId: 3, state: 'UNAVAILABLE', token: undefined })])).toBe(older);
    expect(chooseRow([])).toBeUndefined();
  });
});

describe('too many differences', () => {
  const counts = { known: 100, listed: 100, lost: 0, dark: 0, stale: 0, corrupt: 0 };

  test.each([
    [{ lost: 10 }, undefined],
    [{ lost: 11 }, '11 of 100 copies are lost (11 %)'],
    [{ corrupt: 6, stale: 5 }, '11 of 100 copies hold other bytes (11 %)'],
    [{ dark: 10 }, undefined],
    [{ dark: 11, listed: 101 }, '11 of 101 files are dark (10.9 %)'],
    [{ known: 0, dark: 5, listed: 5 }, '5 of 5 files are dark (100 %)'],
    [{ known: 1000, lost: 101 }, '101 of 1000 copies are lost (10.1 %)'],
    [{ known: 1_000_000, lost: 100_001 }, '100001 of 1000000 copies are lost (10.1 %)'],
    [{ known: 0, listed: 0 }, undefined],
  ])('%o', (found, told) => {
    expect(findTooDifferent({ ...counts, ...found }, 10)).toBe(told);
  });

  test('with 100 percent nothing is too much', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), (known, dark) => {
        expect(findTooDifferent({ ...counts, known, listed: dark, lost: known, dark }, 100)).toBeUndefined();
      }),
    );
  });
});
