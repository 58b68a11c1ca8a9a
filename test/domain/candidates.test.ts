import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRead, type ReadFacts } from '../../src/domain/replica/candidates.ts';
import { judgeBytes, stateAfterFinding } from '../../src/domain/replica/observation.ts';
import { REPLICA_STATES, type Replica, type ReplicaState } from '../../src/domain/replica/replica.ts';

const replica = (store: string, state: ReplicaState, versionId = 2): Replica => ({
  store,
  state,
  versionId,
  place: 'a',
  token: `t-${store}`,
  verification: 'written',
});
const stores: ReadFacts['stores'] = [
  { store: 'r0', role: 'replica', advice: 'in-place' },
  { store: 'r1', role: 'replica', advice: 'in-place' },
  { store: 'source', role: 'source', advice: 'in-place' },
];
const plan = (replicas: readonly Replica[], more: Partial<ReadFacts> = {}) =>
  planRead({ name: 'a', versionId: 2, replicas, stores, anyVersion: false, ...more });
const order = (replicas: readonly Replica[], more: Partial<ReadFacts> = {}) =>
  plan(replicas, more).candidates.map(({ kind, store }) => `${kind} ${store}`);

describe('a read asks', () => {
  test('replicas by priority, then the source', () => {
    expect(order([replica('source', 'AVAILABLE'), replica('r1', 'AVAILABLE'), replica('r0', 'AVAILABLE')])).toEqual([
      'exact r0',
      'exact r1',
      'exact source',
    ]);
  });

  test('stores that failed lately last', () => {
    const failing = stores.map((one) => (one.store === 'r0' ? { ...one, advice: 'last' as const } : one));
    const replicas = ['r0', 'r1', 'source'].map((store) => replica(store, 'AVAILABLE'));
    expect(order(replicas, { stores: failing })).toEqual(['exact r1', 'exact source', 'exact r0']);
  });

  test('a copy that was only seen after all that are verified', () => {
    expect(order([replica('r0', 'UNVERIFIED'), replica('r1', 'AVAILABLE'), replica('source', 'BAD')])).toEqual([
      'exact r1',
      'look-again source',
      'exact r0',
    ]);
  });

  test('a copy in doubt last of all, to be hashed first; it is to be filled all the same', () => {
    const made = plan([replica('r0', 'SUSPICIOUS'), replica('r1', 'UNVERIFIED'), replica('source', 'BAD')]);
    expect(made.candidates).toMatchObject([
      { kind: 'look-again', store: 'source' },
      { kind: 'exact', store: 'r1' },
      { kind: 'look-again', store: 'r0', token: 't-r0' },
    ]);
    expect(made.lacking).toEqual(['r0']);
  });

  test.each([
    ['BAD', true],
    ['COPYING', false],
    ['BEING_DELETED', false],
  ] as const)('no replica that is %s; whether it lacks the object: %s', (state, lacks) => {
    const made = plan([replica('r0', state), replica('r1', 'AVAILABLE'), replica('source', 'AVAILABLE')]);
    expect(made.candidates.map(({ store }) => store)).toEqual(['r1', 'source']);
    expect(made.rejections).toMatchObject([{ store: 'r0' }]);
    expect(made.lacking).toEqual(lacks ? ['r0'] : []);
  });

  test('no replica of an older version, unless the caller takes any', () => {
    const replicas = [replica('r0', 'AVAILABLE', 1), replica('source', 'AVAILABLE')];
    expect(order(replicas)).toEqual(['exact source']);
    expect(order(replicas, { anyVersion: true })).toEqual(['as-found r0', 'exact source']);
    expect(order([replica('r0', 'BEING_DELETED', 1)], { anyVersion: true })).not.toContain('as-found r0');
  });
});

test('every store is either asked or passed over with a reason, once', () => {
  const anyReplica = fc.record({
    store: fc.constantFrom('r0', 'r1', 'source'),
    state: fc.constantFrom(...REPLICA_STATES),
    versionId: fc.constantFrom(1, 2),
  });
  const advice = fc.constantFrom('in-place' as const, 'probe' as const, 'last' as const);
  fc.assert(
    fc.property(
      fc.uniqueArray(anyReplica, { selector: ({ store, versionId }) => `${store} ${versionId}` }),
      fc.tuple(advice, advice, advice),
      fc.boolean(),
      (rows, advices, anyVersion) => {
        const replicas = rows.map(({ store, state, versionId }) => replica(store, state, versionId));
        const advised = stores.map((one, at) => ({ ...one, advice: advices[at]! }));
        const made = plan(replicas, { stores: advised, anyVersion });
        expect([...made.candidates, ...made.rejections].map(({ store }) => store).toSorted()).toEqual([
          'r0',
          'r1',
          'source',
        ]);
        for (const { why } of [...made.candidates, ...made.rejections]) expect(why).not.toBe('');
        for (const one of made.candidates) {
          const { state } = replicas.find(({ store, versionId }) => store === one.store && versionId === 2) ?? {};
          if (one.kind === 'exact')
            expect(['AVAILABLE', 'UNVERIFIED', 'TEMPORARY_UNAVAILABLE', 'UNAVAILABLE']).toContain(state);
        }
      },
    ),
  );
});

describe('an observation', () => {
  test.each([
    ['the same bytes under another token', { token: 't', sha256: 'x' }, { token: 'u', sha256: 'x' }, 'same'],
    ['other bytes under another token', { token: 't', sha256: 'x' }, { token: 'u', sha256: 'y' }, 'changed'],
    ['other bytes under the same token', { token: 't', sha256: 'x' }, { token: 't', sha256: 'y' }, 'rotted'],
    ['the first full read', { token: 't', sha256: undefined }, { token: 't', sha256: 'y' }, 'learnt'],
    [
      'other bytes before the first full read',
      { token: 't', sha256: undefined },
      { token: 'u', sha256: 'y' },
      'changed',
    ],
  ] as const)('of %s is judged', (_, known, seen, judgement) => {
    expect(judgeBytes(known, seen)).toBe(judgement);
  });

  test('of a missing copy forgets a replica, and never the source’s', () => {
    expect(stateAfterFinding('missing', 'replica')).toBe('drop');
    expect(stateAfterFinding('missing', 'source')).toBe('BAD');
  });
});
