import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Lock, type LockEvent, stuckMsOf, transitionLock } from '../../../src/domain/rule/lock.ts';
import { addCounts, countsDelta, type LockCounts, NO_LOCKS } from '../../../src/domain/rule/lock-counts.ts';

const REASON = { kind: 'no-source', detail: 'no store has it' } as const;
const OK: Lock = { state: 'OK', stuckMs: 7 };
const REPLICATING: Lock = { state: 'REPLICATING', stuckMs: 7 };
const STUCK: Lock = { state: 'STUCK', stuckMs: 7, reason: REASON, sinceMs: 1_000, retryMs: 9_000 };
const GOT_STUCK: LockEvent = { kind: 'got-stuck', reason: REASON, retryMs: 12_000 };

const anEvent: fc.Arbitrary<LockEvent> = fc.oneof(
  fc
    .constantFrom('satisfied' as const, 'replica-lost' as const, 'version-superseded' as const, 'retried' as const)
    .map((kind): LockEvent => ({ kind })),
  fc.nat(10_000).map((retryMs): LockEvent => ({ kind: 'got-stuck', reason: REASON, retryMs })),
  fc.nat(10_000).map((retryMs): LockEvent => ({ kind: 'hastened', retryMs })),
);

describe('a lock', () => {
  // Columns: OK REPLICATING STUCK. `=`: unchanged. `x`: refused.
  test.each<[LockEvent['kind'], string]>([
    ['satisfied', '= OK OK'],
    ['replica-lost', 'REPLICATING = ='],
    ['version-superseded', 'REPLICATING = REPLICATING'],
    ['retried', 'x = REPLICATING'],
    ['got-stuck', 'x STUCK ='],
    ['hastened', '= = STUCK'],
  ])('that is %s becomes, from each state: %s', (kind, after) => {
    const event = { kind, reason: REASON, retryMs: 5_000 } as LockEvent;
    const cells = [OK, REPLICATING, STUCK].map((lock) => {
      const transition = transitionLock(lock, event, 3_000);
      if (transition.kind === 'refused') return 'x';
      return transition.kind === 'unchanged' ? '=' : transition.to.state;
    });
    expect(cells.join(' ')).toBe(after);
  });

  test('that gets stuck knows why, since when and until when', () => {
    expect(transitionLock(REPLICATING, GOT_STUCK, 3_000)).toEqual({
      kind: 'moved',
      to: { state: 'STUCK', stuckMs: 7, reason: REASON, sinceMs: 3_000, retryMs: 12_000 },
    });
  });

  test('that is stuck already is not put off by hearing so again', () => {
    expect(transitionLock(STUCK, GOT_STUCK, 3_000)).toEqual({ kind: 'unchanged', to: STUCK });
  });

  test('is hastened, and never put off', () => {
    expect(transitionLock(STUCK, { kind: 'hastened', retryMs: 4_000 }, 3_000)).toMatchObject({
      to: { retryMs: 4_000 },
    });
    expect(transitionLock(STUCK, { kind: 'hastened', retryMs: 9_001 }, 3_000).kind).toBe('unchanged');
  });

  test('adds up the time it was stuck', () => {
    expect(transitionLock(STUCK, { kind: 'retried' }, 3_500)).toMatchObject({ to: { stuckMs: 2_507 } });
    expect(stuckMsOf(STUCK, 1_500)).toBe(507);
    expect(stuckMsOf(STUCK, 500)).toBe(7);
  });

  test('never forgets time it was stuck, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anEvent, fc.nat(1_000)), { maxLength: 40 }), (steps) => {
        let lock: Lock = { state: 'REPLICATING', stuckMs: 0 };
        let nowMs = 0;
        for (const [event, laterMs] of steps) {
          nowMs += laterMs;
          const before = stuckMsOf(lock, nowMs);
          lock = lockAfter(lock, event, nowMs);
          expect(stuckMsOf(lock, nowMs)).toBe(before);
        }
      }),
    );
  });

  test('is the same after an event that is told twice', () => {
    fc.assert(
      fc.property(fc.constantFrom(OK, REPLICATING, STUCK), anEvent, (lock, event) => {
        const once = lockAfter(lock, event, 3_000);
        const twice = transitionLock(once, event, 3_000);
        expect(twice.kind === 'refused' ? once : twice.to).toEqual(once);
      }),
    );
  });
});

describe('the counts of a rule', () => {
  test('are those of its locks after any sequence of what can happen to them, in whatever order they are added', () => {
    type Step = readonly [lock: number, event: LockEvent | 'made' | 'gone'];
    const aStep: fc.Arbitrary<Step> = fc.tuple(
      fc.nat(4),
      fc.oneof(anEvent, fc.constantFrom('made' as const, 'gone' as const)),
    );
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 60 }), fc.infiniteStream(fc.nat(1_000)), (steps, order) => {
        const locks = new Map<number, Lock>();
        const deltas: LockCounts[] = [];
        for (const [id, event] of steps) {
          const before = locks.get(id);
          if (event === 'made') locks.set(id, before ?? REPLICATING);
          else if (event === 'gone') locks.delete(id);
          else if (before !== undefined) locks.set(id, lockAfter(before, event, 0));
          deltas.push(countsDelta(before?.state, locks.get(id)?.state));
        }
        const shuffled = deltas
          .map((delta) => ({ delta, key: order.next().value ?? 0 }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ delta }) => delta);
        const states = [...locks.values()].map(({ state }) => state);
        expect(shuffled.reduce(addCounts, NO_LOCKS)).toEqual({
          ok: states.filter((state) => state === 'OK').length,
          replicating: states.filter((state) => state === 'REPLICATING').length,
          stuck: states.filter((state) => state === 'STUCK').length,
        });
      }),
    );
  });
});

function lockAfter(lock: Lock, event: LockEvent, nowMs: number): Lock {
  const transition = transitionLock(lock, event, nowMs);
  return transition.kind === 'refused' ? lock : transition.to;
}
