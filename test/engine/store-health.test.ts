import { expect, test } from 'vitest';
import { StoreHealth } from '../../src/engine/store-health.ts';

const gone = { kind: 'unavailable', why: 'connection refused' } as const;

test('a store that did not answer is away for a while, longer each time, and until it answers', () => {
  let nowMs = 0;
  const health = new StoreHealth({ monotonicMs: () => nowMs });
  health.failed('s', { kind: 'throttled', why: 'slow down' });
  health.failed('s', { kind: 'aborted', why: 'stopped' });
  expect(health.whyAway('s')).toBeUndefined();
  health.failed('s', gone);
  health.failed('s', { kind: 'timeout', why: 'asked at once with the first' });
  expect([health.whyAway('s'), health.whyAway('other')]).toEqual(['connection refused', undefined]);
  nowMs = 30_000;
  expect(health.whyAway('s')).toBeUndefined();
  health.failed('s', gone);
  nowMs = 89_999;
  expect(health.whyAway('s')).toBe('connection refused');
  health.answered('s');
  expect(health.whyAway('s')).toBeUndefined();
  health.failed('s', gone);
  health.failed('s', { kind: 'not-found', why: 'that is an answer' });
  expect(health.whyAway('s')).toBeUndefined();
});
