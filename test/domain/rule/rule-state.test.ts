import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  deriveRuleState,
  type RuleEvent,
  type RuleFacts,
  type RuleStatus,
  transitionRule,
} from '../../../src/domain/rule/rule-state.ts';

/** In the order of the columns below. */
const STATUSES: readonly (readonly [code: string, status: RuleStatus])[] = [
  ['W', { state: 'WAITING_APPROVAL' }],
  ['I', { state: 'INJECT', again: false }],
  ['I+', { state: 'INJECT', again: true }],
  ['U', { state: 'SUSPENDED', isApplied: true }],
  ['U-', { state: 'SUSPENDED', isApplied: false }],
  ['R', { state: 'REPLICATING' }],
  ['O', { state: 'OK' }],
  ['S', { state: 'STUCK' }],
];
/** By its locks the rule is `REPLICATING`. */
const FACTS: RuleFacts = { counts: { ok: 3, replicating: 1, stuck: 0 }, missingCopies: 0, isLocked: false };

/** Columns: `W I I+ U U- R O S`. `=`: unchanged. `x`: refused. `†`: ended. */
const EXPECTED: readonly (readonly [event: RuleEvent, after: string])[] = [
  ['approved', 'I = = = = = = ='],
  ['denied', '† x x x x x x x'],
  ['suspended', 'x U- U- = = U U U'],
  ['resumed', 'x = = R I = = ='],
  ['content-changed', '= I+ = U- = I I I'],
  ['applied', 'x R I x x = = ='],
  ['counted', 'x = = = = = R R'],
  ['deleted', '† † † † † † † †'],
  ['expired', '† † † † † † † †'],
  ['replaced', '† † † † † † † †'],
];

describe('a rule', () => {
  test.each(EXPECTED)('that was %s becomes, from each state: %s', (event, after) => {
    const cells = STATUSES.map(([, status]) => {
      const transition = transitionRule(status, event, FACTS);
      if (transition.kind === 'refused') return 'x';
      if (transition.kind === 'ended') return '†';
      if (transition.kind === 'unchanged') return '=';
      return STATUSES.find(([, one]) => JSON.stringify(one) === JSON.stringify(transition.to))?.[0];
    });
    expect(cells.join(' ')).toBe(after);
  });

  test('is stuck if any lock is, else replicating if any lock is, else OK; also one without content', () => {
    expect(deriveRuleState({ ok: 5, replicating: 2, stuck: 1 }, 0)).toBe('STUCK');
    expect(deriveRuleState({ ok: 5, replicating: 2, stuck: 0 }, 0)).toBe('REPLICATING');
    expect(deriveRuleState({ ok: 5, replicating: 0, stuck: 0 }, 0)).toBe('OK');
    expect(deriveRuleState({ ok: 0, replicating: 0, stuck: 0 }, 0)).toBe('OK');
  });

  test('is not OK while copies lack a store, though all of its locks are', () => {
    expect(deriveRuleState({ ok: 5, replicating: 0, stuck: 0 }, 1)).toBe('STUCK');
  });

  test('that is locked does not end, but a denial ends it', () => {
    const locked = { ...FACTS, isLocked: true };
    expect(transitionRule({ state: 'OK' }, 'deleted', locked)).toEqual({ kind: 'refused', why: 'the rule is locked' });
    expect(transitionRule({ state: 'OK' }, 'expired', locked).kind).toBe('refused');
    expect(transitionRule({ state: 'WAITING_APPROVAL' }, 'denied', locked).kind).toBe('ended');
  });

  test('looks at content that came while it was suspended when it is resumed', () => {
    expect(statusAfter({ state: 'OK' }, ['suspended', 'content-changed', 'counted', 'resumed'])).toEqual({
      state: 'INJECT',
      again: false,
    });
  });

  test('is applied again when its content changed behind the page it was at', () => {
    expect(statusAfter({ state: 'INJECT', again: false }, ['content-changed', 'applied', 'applied'])).toEqual({
      state: 'REPLICATING',
    });
  });

  test('is the same after an event that is told twice, but for the rounds it is applied in', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STATUSES.map(([, status]) => status)),
        fc.constantFrom(
          ...EXPECTED.map(([event]) => event).filter((event) => event !== 'applied' && event !== 'content-changed'),
        ),
        (status, event) => {
          const once = statusAfter(status, [event]);
          expect(statusAfter(once, [event])).toEqual(once);
        },
      ),
    );
  });

  test('shows what its locks say whenever it is neither suspended, being applied nor waiting', () => {
    const count = fc.nat(2);
    const step = fc.record({
      event: fc.constantFrom(...EXPECTED.map(([event]) => event)),
      counts: fc.record({ ok: count, replicating: count, stuck: count }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let status: RuleStatus = { state: 'WAITING_APPROVAL' };
        for (const { event, counts } of steps) {
          for (const told of [event, 'counted'] as const) {
            const transition = transitionRule(status, told, { ...FACTS, counts });
            if (transition.kind === 'moved') status = transition.to;
          }
          const isDerived = status.state === 'OK' || status.state === 'REPLICATING' || status.state === 'STUCK';
          if (isDerived) expect(status.state).toBe(deriveRuleState(counts, 0));
        }
      }),
    );
  });
});

function statusAfter(status: RuleStatus, events: readonly RuleEvent[]): RuleStatus {
  let now = status;
  for (const event of events) {
    const transition = transitionRule(now, event, FACTS);
    if (transition.kind === 'moved') now = transition.to;
  }
  return now;
}
