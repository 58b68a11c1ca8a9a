import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FactChange, StuckReason } from '../../../src/domain/rule/stuck-reason.ts';
import { hastenRetryMs, stuckWaitMs } from '../../../src/domain/rule/stuck-retry.ts';

const REASONS: readonly StuckReason['kind'][] = [
  'no-source',
  'sources-fail',
  'destination-fails',
  'destination-full',
  'destination-refuses',
  'no-store',
];
const MINUTE_MS = 60_000;

describe('somebody who is stuck', () => {
  test('waits twice as long each time, up to eight hours', () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 100].map((times) => stuckWaitMs(times, 0.999_999) / MINUTE_MS);
    expect(minutes.map(Math.round)).toEqual([10, 20, 40, 80, 160, 320, 480, 480]);
  });

  test('waits at least half of that, whatever chance says', () => {
    expect([1, 2, 100].map((times) => stuckWaitMs(times, 0) / MINUTE_MS)).toEqual([5, 10, 240]);
  });

  // Columns: the reasons above.
  test.each<[FactChange, string]>([
    ['source-appeared', 'soon soon late late late late'],
    ['store-returned', 'soon soon soon late late soon'],
    ['space-freed', 'late late late soon late soon'],
    ['store-changed', 'soon soon soon soon soon soon'],
    ['rule-changed', 'soon soon soon soon soon soon'],
    ['asked', 'now now now now now now'],
  ])('after %s is tried again: %s', (change, when) => {
    const words = REASONS.map((reason) => {
      const retryMs = hastenRetryMs({ reason, retryMs: 600_000 }, change, { nowMs: 1_000, fraction: 0.5 });
      return retryMs === 600_000 ? 'late' : retryMs === 31_000 ? 'soon' : retryMs === 1_000 ? 'now' : retryMs;
    });
    expect(words.join(' ')).toBe(when);
  });

  test('is never tried later because a fact changed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...REASONS),
        fc.constantFrom<FactChange>('source-appeared', 'store-returned', 'space-freed', 'asked'),
        fc.nat(100_000),
        fc.nat(100_000),
        (reason, change, retryMs, nowMs) => {
          expect(hastenRetryMs({ reason, retryMs }, change, { nowMs, fraction: 0.9 })).toBeLessThanOrEqual(retryMs);
        },
      ),
    );
  });
});
