import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPLICA_STATES, type ReplicaState } from '../../../src/domain/replica/replica.ts';
import { type ReplicaEvent, transitionReplica } from '../../../src/domain/replica/transition-replica.ts';
import { claimReplica, lockEventAfter } from '../../../src/domain/rule/claim-replica.ts';
import { type Lock, transitionLock } from '../../../src/domain/rule/lock.ts';

/** In the order of the columns below; undefined: there is no replica. */
const STATES: readonly (ReplicaState | undefined)[] = [undefined, ...REPLICA_STATES];
const CODES: Readonly<Record<string, ReplicaState | undefined>> = {
  '∅': undefined,
  V: 'UNVERIFIED',
  C: 'COPYING',
  A: 'AVAILABLE',
  T: 'TEMPORARY_UNAVAILABLE',
  U: 'UNAVAILABLE',
  S: 'SUSPICIOUS',
  B: 'BAD',
  D: 'BEING_DELETED',
};

/** Columns: `∅ V C A T U S B D`. `=`: unchanged. `x`: refused. */
const EXPECTED: readonly (readonly [event: ReplicaEvent, after: string])[] = [
  ['seen', 'V = = = = = = = ='],
  ['copy-began', 'C C = x x C C C x'],
  ['copied', 'A A A = A A A A x'],
  ['copy-given-up', 'x x U x x = x x x'],
  ['copy-withdrawn', '= x ∅ x x x x x x'],
  ['confirmed', 'A A A = A A A A x'],
  ['found-wrong', 'x B x B B B B = x'],
  ['doubted', 'x S x S S S = S x'],
  ['found-missing', '= ∅ x ∅ ∅ ∅ ∅ ∅ ∅'],
  ['missing-at-source', '= B x B B B B = ∅'],
  ['became-unreachable', '= = = T = = = = ='],
  ['stayed-unreachable', '= = = U U = = = ='],
  ['recognised', 'x = x = A A = = ='],
  ['delete-began', '= D D D D D D D ='],
  ['deleted', '= x x x x x x x ∅'],
  ['spared', 'x = = = = = = = S'],
];
const EVENTS = EXPECTED.map(([event]) => event);

describe('a replica', () => {
  test.each(EXPECTED)('that was %s becomes, from each state: %s', (event, after) => {
    const cells = STATES.map((state) => {
      const transition = transitionReplica(state, event);
      if (transition.kind === 'refused') return 'x';
      if (transition.kind === 'unchanged') {
        expect(transition.to).toBe(state);
        return '=';
      }
      return Object.keys(CODES).find((code) => CODES[code] === transition.to);
    });
    expect(cells.join(' ')).toBe(after);
  });

  test('is told why an event is refused', () => {
    expect(transitionReplica('BEING_DELETED', 'copied')).toEqual({
      kind: 'refused',
      why: 'its bytes are on their way out',
    });
  });

  test('is the same after an event that is told twice', () => {
    fc.assert(
      fc.property(fc.constantFrom(...STATES), fc.constantFrom(...EVENTS), (state, event) => {
        const once = stateAfter(state, event);
        expect(stateAfter(once, event)).toBe(once);
      }),
    );
  });

  test('is available only since it was verified last, and not doubted since', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }), (events) => {
        let state: ReplicaState | undefined;
        let isProved = false;
        // What is being copied has none yet, and nothing is recognised by one it does not have.
        let hasToken = false;
        for (const event of events) {
          if (event === 'recognised' && !hasToken) continue;
          const transition = transitionReplica(state, event);
          if (transition.kind !== 'moved') continue;
          if (event === 'copied' || event === 'confirmed') isProved = true;
          else if (!['became-unreachable', 'stayed-unreachable', 'recognised'].includes(event)) isProved = false;
          if (event === 'copy-began') hasToken = false;
          else if (['seen', 'copied', 'confirmed'].includes(event)) hasToken = true;
          state = transition.to;
          if (state === 'AVAILABLE' || state === 'TEMPORARY_UNAVAILABLE') expect(isProved).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('on its way out is brought back by nothing that is learnt of its bytes', () => {
    const leaving = EVENTS.filter((event) => stateAfter('BEING_DELETED', event) !== 'BEING_DELETED');
    expect(leaving).toEqual(['found-missing', 'missing-at-source', 'deleted', 'spared']);
  });

  test('has locks that are OK exactly while the store has it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STATES),
        fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }),
        (first, events) => {
          let state = first;
          let lock: Lock = { state: claimReplica(state).lock, stuckMs: 0 };
          for (const event of events) {
            const after = stateAfter(state, event);
            const told = lockEventAfter(state, after);
            if (told !== undefined) {
              const transition = transitionLock(lock, told, 0);
              expect(transition.kind).toBe('moved');
              if (transition.kind === 'moved') lock = transition.to;
            }
            state = after;
            expect(lock.state === 'OK').toBe(state === 'AVAILABLE' || state === 'TEMPORARY_UNAVAILABLE');
          }
        },
      ),
    );
  });
});

describe('a rule that claims a replica', () => {
  test('asks for a copy unless one is there or under way', () => {
    const asked = STATES.filter((state) => claimReplica(state).request);
    expect(asked).toEqual([undefined, 'UNVERIFIED', 'UNAVAILABLE', 'SUSPICIOUS', 'BAD', 'BEING_DELETED']);
    expect(claimReplica('AVAILABLE')).toEqual({ lock: 'OK', request: false });
    expect(claimReplica('COPYING')).toEqual({ lock: 'REPLICATING', request: false });
  });
});

function stateAfter(state: ReplicaState | undefined, event: ReplicaEvent): ReplicaState | undefined {
  const transition = transitionReplica(state, event);
  return transition.kind === 'refused' ? state : transition.to;
}
