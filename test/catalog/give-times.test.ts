import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prefixEnd } from '../../src/catalog/verbs/scan-scope.ts';
import { giveTimes } from '../../src/catalog/record/give-dots.ts';
import {
  CLOCK_DRIFT_MS_MAX,
  compareHybrid,
  HYBRID_ZERO,
  type HybridTime,
} from '../../src/domain/object/hybrid-clock.ts';
import { compareKeys } from '../../src/domain/object/key.ts';

const time = fc.record({ ms: fc.nat(200_000), n: fc.nat(3) });

describe('the times of new versions', () => {
  it('are each above the version they follow, and the clock never goes back', () => {
    fc.assert(
      fc.property(time, fc.array(fc.option(time, { nil: undefined })), fc.nat(200_000), (last, previous, nowMs) => {
        const { times, clock } = giveTimes(last, previous, nowMs);
        expect(compareHybrid(clock, last)).toBeGreaterThanOrEqual(0);
        for (const [at, before] of previous.entries()) {
          expect(compareHybrid(times[at] as HybridTime, before ?? HYBRID_ZERO)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('are different from each other', () => {
    const { times } = giveTimes({ ms: 5, n: 0 }, [undefined, undefined, undefined], 5);
    expect(times).toEqual([
      { ms: 5, n: 1 },
      { ms: 5, n: 2 },
      { ms: 5, n: 3 },
    ]);
  });

  it('do not pull the clock along with a version from far ahead', () => {
    const ahead = { ms: 1000 + CLOCK_DRIFT_MS_MAX + 1, n: 7 };
    expect(giveTimes({ ms: 1000, n: 0 }, [ahead], 1000)).toEqual({
      times: [{ ms: ahead.ms, n: 8 }],
      clock: { ms: 1000, n: 0 },
    });
  });
});

describe('the end of a prefix', () => {
  const name = fc.string({ unit: 'binary', maxLength: 5 });

  it('comes after all names with the prefix, and not after any other that does', () => {
    fc.assert(
      fc.property(name, name, (prefix, other) => {
        const end = prefixEnd(prefix);
        const isBefore = end === undefined || compareKeys(other, end) < 0;
        expect(isBefore && compareKeys(other, prefix) >= 0).toBe(other.startsWith(prefix));
      }),
    );
  });

  it('is not where every name begins with it', () => {
    expect(prefixEnd('')).toBeUndefined();
    expect(prefixEnd('\u{10ffff}')).toBeUndefined();
    expect(prefixEnd('a\u{10ffff}')).toBe('b');
    expect(prefixEnd('\u{d7ff}')).toBe('\u{e000}');
  });
});
