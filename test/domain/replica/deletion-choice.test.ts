import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseDeletions,
  type ReleasedReplica,
  reasonToKeep,
  type StoreSpace,
} from '../../../src/domain/replica/deletion-choice.ts';
import { type CopyFacts, isGoodCopy } from '../../../src/domain/replica/good-copy.ts';
import type { ReplicaState } from '../../../src/domain/replica/replica.ts';

const GOOD: CopyFacts = {
  state: 'AVAILABLE',
  verification: 'written',
  isSoft: false,
  isCurrent: true,
  isInMemory: false,
  sharesBytes: false,
  isCache: false,
};
const ROOMY: StoreSpace = { freeBytes: 1_000, minFreeBytes: 100, leavingBytes: 0, greedy: false };
const short = (bytes: number, leavingBytes = 0): StoreSpace => ({ ...ROOMY, freeBytes: 100 - bytes, leavingBytes });

const released = (objectId: number, more: Partial<ReleasedReplica> = {}): ReleasedReplica => ({
  ...GOOD,
  objectId,
  versionId: objectId,
  bytes: 10,
  lastUsedMs: objectId,
  locks: 0,
  purge: false,
  isSourceInUse: false,
  isCountedBesides: false,
  hasBytes: true,
  goodOrHeldCopies: 2,
  ...more,
});
const going = (replicas: readonly ReleasedReplica[], space: StoreSpace) =>
  chooseDeletions(replicas, space).chosen.map(({ replica }) => replica.objectId);
const keptBecause = (more: Partial<ReleasedReplica>) =>
  chooseDeletions([released(1, more)], { ...ROOMY, greedy: true }).kept.map(({ why }) => why);

describe('a good copy', () => {
  test('is available, verified, durable, current, by itself, on a disk and wanted', () => {
    expect(isGoodCopy(GOOD)).toBe(true);
  });

  test.each<[string, Partial<CopyFacts>]>([
    ['not available', { state: 'TEMPORARY_UNAVAILABLE' }],
    ['not verified', { verification: 'none' }],
    ['soft', { isSoft: true }],
    ['of an older version', { isCurrent: false }],
    ['in memory', { isInMemory: true }],
    ['a clone of another', { sharesBytes: true }],
    ['kept by a read', { isCache: true }],
  ])('is none that is %s', (_what, more) => {
    expect(isGoodCopy({ ...GOOD, ...more })).toBe(false);
  });
});

describe('of the released replicas of a store', () => {
  const four = [released(4), released(2), released(3), released(1)];

  test('none goes while there is space enough', () => {
    expect(going(four, ROOMY)).toEqual([]);
    expect(chooseDeletions(four, ROOMY).kept[0]?.why).toBe('its store has space enough');
  });

  test('as many go as space is short, those used longest ago first', () => {
    expect(going(four, short(15))).toEqual([1, 2]);
    expect(going(four, short(20))).toEqual([1, 2]);
    expect(going(four, short(21))).toEqual([1, 2, 3]);
  });

  test('none goes for space that is being freed already', () => {
    expect(going(four, short(15, 10))).toEqual([1]);
    expect(going(four, short(15, 15))).toEqual([]);
  });

  test('all go from a greedy store', () => {
    expect(going(four, { ...ROOMY, greedy: true })).toEqual([1, 2, 3, 4]);
  });

  test('those whose rule ended with purge go at once and before the others, for whom they make space', () => {
    const withPurge = [...four, released(9, { purge: true })];
    expect(going(withPurge, ROOMY)).toEqual([9]);
    expect(going(withPurge, short(15))).toEqual([9, 1]);
  });

  test('only those to be purged go where the free space is not known', () => {
    const { chosen, kept } = chooseDeletions([released(1), released(2, { purge: true })], {
      ...ROOMY,
      freeBytes: undefined,
    });
    expect(chosen.map(({ replica }) => replica.objectId)).toEqual([2]);
    expect(kept.map(({ why }) => why)).toEqual(['the free space of its store is not known']);
  });

  test('what remains short is told', () => {
    expect(chooseDeletions(four, short(95)).shortBytes).toBe(55);
  });

  test.each<[string, Partial<ReleasedReplica>]>([
    ['a rule claims it', { locks: 1 }],
    ['it is being deleted already', { state: 'BEING_DELETED' }],
    ['it is still being written', { state: 'COPYING' }],
    ['a request reads from it', { isSourceInUse: true }],
    ['it is the authoritative copy, and a policy counts besides it', { isCountedBesides: true }],
    ...(['TEMPORARY_UNAVAILABLE', 'UNAVAILABLE', 'SUSPICIOUS'] as const).map(
      (state): [string, Partial<ReleasedReplica>] => [
        'it is the authoritative copy, and a policy counts besides it',
        { isCountedBesides: true, state },
      ],
    ),
    ['it is the last good copy', { goodOrHeldCopies: 1 }],
    ['there is no good copy of the object', { goodOrHeldCopies: 0, state: 'SUSPICIOUS' }],
    ['there is no good copy of the object', { goodOrHeldCopies: 0, isCache: true }],
    ['there is no good copy of the object', { goodOrHeldCopies: 0, isCurrent: false }],
  ])('one stays because %s', (why, more) => {
    expect(keptBecause(more)).toEqual([why]);
    expect(keptBecause({ ...more, purge: true })).toEqual([why]);
  });

  test.each<Partial<ReleasedReplica>>([{ state: 'BAD' }, { state: 'UNAVAILABLE', hasBytes: false }])(
    'what is left where the object is authoritative goes when it cannot be good: %j',
    (more) => {
      expect(keptBecause({ isCountedBesides: true, ...more })).toEqual([]);
    },
  );

  test('a copy kept by a read goes while a good or held copy exists', () => {
    expect(keptBecause({ goodOrHeldCopies: 1, isCache: true })).toEqual([]);
  });

  test('one of two good copies of an object here goes where there is no third', () => {
    const two = [released(1, { versionId: 1 }), released(1, { versionId: 2 })];
    expect(going(two, { ...ROOMY, greedy: true })).toEqual([1]);
  });
});

describe('whatever the facts', () => {
  const aCopy = fc.record({
    state: fc.constantFrom<ReplicaState>('AVAILABLE', 'AVAILABLE', 'UNVERIFIED', 'COPYING', 'SUSPICIOUS', 'BAD'),
    verification: fc.constantFrom('none' as const, 'written' as const),
    isSoft: fc.boolean(),
    isCurrent: fc.boolean(),
    isInMemory: fc.boolean(),
    sharesBytes: fc.boolean(),
    isCache: fc.boolean(),
  });
  const aReleased = fc.record({
    copy: fc.oneof(fc.constant(GOOD), aCopy),
    bytes: fc.nat(50),
    lastUsedMs: fc.nat(5),
    locks: fc.constantFrom(0, 0, 0, 1),
    purge: fc.boolean(),
    isSourceInUse: fc.constantFrom(false, false, true),
    isCountedBesides: fc.constantFrom(false, false, true),
    hasBytes: fc.boolean(),
  });
  const anObject = fc.record({
    here: fc.array(aReleased, { maxLength: 3 }),
    elsewhere: fc.array(aCopy, { maxLength: 3 }),
    held: fc.nat(1),
  });
  const aSpace: fc.Arbitrary<StoreSpace> = fc.record({
    freeBytes: fc.option(fc.nat(200), { nil: undefined }),
    minFreeBytes: fc.option(fc.nat(200), { nil: undefined }),
    leavingBytes: fc.nat(50),
    greedy: fc.boolean(),
  });

  test('a good or held copy of every object that loses a replica remains, and of every object that had one', () => {
    fc.assert(
      fc.property(fc.array(anObject, { maxLength: 6 }), aSpace, (objects, space) => {
        const goodOf = objects.map(
          ({ here, elsewhere, held }) =>
            [...here.map(({ copy }) => copy), ...elsewhere].filter(isGoodCopy).length + held,
        );
        const replicas = objects.flatMap(({ here }, objectId) =>
          here.map(({ copy, ...more }, versionId) => ({
            ...copy,
            ...more,
            objectId,
            versionId,
            goodOrHeldCopies: goodOf[objectId] ?? 0,
          })),
        );
        const { chosen, kept } = chooseDeletions(replicas, space);
        expect(chosen.length + kept.length).toBe(replicas.length);
        for (const [objectId, before] of goodOf.entries()) {
          const lost = chosen.filter(({ replica }) => replica.objectId === objectId);
          const left = before - lost.filter(({ replica }) => isGoodCopy(replica)).length;
          if (lost.length > 0 || before > 0) expect(left).toBeGreaterThanOrEqual(1);
        }
        expect(chosen.filter(({ replica }) => reasonToKeep(replica) !== undefined)).toEqual([]);
      }),
    );
  });

  test('no more goes than is needed: without the last one space would still be short', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(5)), { maxLength: 10 }), fc.nat(200), (sizes, freeBytes) => {
        const replicas = sizes.map(([bytes, lastUsedMs], id) => released(id, { bytes, lastUsedMs }));
        const { chosen } = chooseDeletions(replicas, { ...ROOMY, freeBytes, minFreeBytes: 150 });
        const freed = chosen.slice(0, -1).reduce((sum, { replica }) => sum + replica.bytes, 0);
        if (chosen.length > 0) expect(freeBytes + freed).toBeLessThan(150);
      }),
    );
  });
});
