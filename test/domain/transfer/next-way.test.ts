import { describe, expect, test } from 'vitest';
import { chooseNextWay, type WayFailure } from '../../../src/domain/transfer/next-way.ts';

const [FIRST, SECOND, OTHER] = [
  { source: 'a', protocol: 'https' },
  { source: 'a', protocol: 's3' },
  { source: 'b', protocol: 'https' },
] as const;
const WAYS = [FIRST, SECOND, OTHER];
const next = (...failures: readonly WayFailure[]) => chooseNextWay(WAYS, failures)?.way;

describe('the next way', () => {
  test('is the best one at first', () => {
    expect(next()).toEqual(FIRST);
  });

  test('is the one that failed least often', () => {
    const timeout = { at: 'between', kind: 'timeout' } as const;
    expect(next({ ...FIRST, ...timeout })).toEqual(SECOND);
    expect(next(...WAYS.map((way) => ({ ...way, ...timeout })), { ...FIRST, ...timeout })).toEqual(SECOND);
  });

  // Columns: https from a, s3 from a, https from b. `x`: not tried any more.
  test.each<[string, Pick<WayFailure, 'at' | 'kind'>, string]>([
    ['a source without the bytes', { at: 'source', kind: 'not-found' }, 'x . .'],
    ['a source with other bytes', { at: 'source', kind: 'precondition-failed' }, 'x . .'],
    ['a source that rots', { at: 'source', kind: 'corrupt' }, 'x . .'],
    ['a source that denies a protocol', { at: 'source', kind: 'denied' }, 'x . .'],
    ['a source that is down', { at: 'source', kind: 'unavailable' }, '. . .'],
    ['bytes damaged on the way', { at: 'between', kind: 'corrupt' }, '. . .'],
    ['something in the way at the destination', { at: 'destination', kind: 'precondition-failed' }, '. . .'],
    ['a destination that denies a protocol', { at: 'destination', kind: 'denied' }, 'x . .'],
    ['a full destination', { at: 'destination', kind: 'full' }, 'x x x'],
    ['a destination that cannot hold the name', { at: 'destination', kind: 'invalid-key' }, 'x x x'],
  ])('after %s leaves out what is in vain', (_what, failure, left) => {
    const cells = WAYS.map((way) => (chooseNextWay([way], [{ ...FIRST, ...failure }]) === undefined ? 'x' : '.'));
    expect(cells.join(' ')).toBe(left);
  });

  test('is none where nothing leads there', () => {
    expect(chooseNextWay([], [])).toBeUndefined();
  });
});
