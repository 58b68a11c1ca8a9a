import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatBytesRoughly,
  formatDuration,
  formatPercentage,
  parseBytes,
  parseDuration,
  parsePercentage,
  parseRate,
} from '../../src/config/quantity.ts';

describe('sizes', () => {
  it.each([
    ['4096', 4096],
    [4096, 4096],
    ['0', 0],
    ['10k', 10_000],
    ['10K', 10_000],
    ['10kB', 10_000],
    ['10M', 10_000_000],
    ['1.5GB', 1_500_000_000],
    ['1TB', 1_000_000_000_000],
    ['2P', 2_000_000_000_000_000],
    ['7 B', 7],
    ['1KiB', 1024],
    ['16MiB', 16 * 1024 ** 2],
    ['0.5 GiB', 512 * 1024 ** 2],
    ['1Ti', 1024 ** 4],
    ['0.001k', 1],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toEqual({ value: bytes });
  });

  it.each([
    '',
    'ten',
    '10 X',
    '10kk',
    '1,5M',
    '-1',
    '1e3',
    '1.2.3k',
    '.5M',
    '10MBit',
    '0.1',
    '1.0001k',
    '9007199254740993',
    '9999999P',
    true,
    null,
    undefined,
    {},
  ])('%s is none, and the reason is said', (text) => {
    expect(parseBytes(text)).toEqual({ problem: expect.stringMatching(/\w/) });
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('the number %d is none', (number) => {
    expect(parseBytes(number)).toHaveProperty('problem');
  });

  it('read back as they were formatted', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseBytes(formatBytes(bytes))).toEqual({ value: bytes });
      }),
    );
    fc.assert(
      fc.property(fc.nat(999), fc.nat(4), fc.constantFrom(1000, 1024), (n, power, base) => {
        const bytes = n * base ** power;
        expect(parseBytes(formatBytes(bytes))).toEqual({ value: bytes });
      }),
    );
  });

  it('are formatted in the largest unit that divides them', () => {
    expect([0, 1, 1000, 1024, 1536, 5_000_000, 64 * 1024 ** 2].map(formatBytes)).toEqual([
      '0',
      '1',
      '1kB',
      '1KiB',
      '1536',
      '5MB',
      '64MiB',
    ]);
  });

  it('are formatted for people within half a percent', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat().map((n) => n % 9e15),
        (bytes) => {
          const parsed = parseBytes(formatBytesRoughly(bytes));
          expect(Math.abs(('value' in parsed ? parsed.value : Number.NaN) - bytes)).toBeLessThanOrEqual(bytes * 0.005);
        },
      ),
    );
    expect([0, 999, 1000, 12_345, 999_999, 1_500_000_000].map(formatBytesRoughly)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '12.3 kB',
      '1 MB',
      '1.5 GB',
    ]);
  });
});

describe('rates', () => {
  it('are sizes with or without /s', () => {
    expect([parseRate('100M'), parseRate('12.5MB/s'), parseRate(5)]).toEqual([
      { value: 100_000_000 },
      { value: 12_500_000 },
      { value: 5 },
    ]);
  });

  it('are not 0', () => {
    expect(parseRate('0')).toHaveProperty('problem');
  });
});

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['1s', 1000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['30', 30_000],
    [30, 30_000],
    [0.25, 250],
    [0, 0],
  ])('%s is %d milliseconds', (text, ms) => {
    expect(parseDuration(text)).toEqual({ value: ms });
  });

  it.each([
    '',
    'soon',
    '5 minutes',
    '5M',
    '-1s',
    '0.1ms',
    '1..5s',
    '10s5',
    '1e3',
    Number.NaN,
    -1,
    0.0001,
    true,
    null,
    undefined,
  ])('%s is none, and the reason is said', (text) => {
    expect(parseDuration(text)).toEqual({ problem: expect.stringMatching(/\w/) });
  });

  it('read back as they were formatted', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ value: ms });
      }),
    );
    expect([0, 500, 90_000, 5_400_000].map(formatDuration)).toEqual(['0s', '500ms', '1m30s', '1h30m']);
  });
});

describe('percentages', () => {
  it('read back as they were formatted', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100, noNaN: true }), (percent) => {
        const parsed = parsePercentage(formatPercentage(percent));
        expect('value' in parsed ? parsed.value : undefined).toBeCloseTo(percent, 12);
      }),
    );
    expect(parsePercentage('50%')).toEqual({ value: 50 });
    expect(parsePercentage(' 0.5 % ')).toEqual({ value: 0.5 });
  });

  it.each(['50', '%', '101%', '-1%', 'half%', 50, undefined])('%s is none', (text) => {
    expect(parsePercentage(text)).toHaveProperty('problem');
  });
});
