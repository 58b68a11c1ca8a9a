import { expect, it } from 'vitest';
import { decodeContent, encodeContent } from '../../src/catalog/content.ts';

const object = { kind: 'object', size: 1, sha256: undefined } as const;

it.each([
  [2n ** 63n - 1n, true],
  [-(2n ** 63n), true],
  [2n ** 63n, false],
  [-(2n ** 63n) - 1n, false],
  // 2500-01-01, as file systems keep it.
  [16_725_225_600n * 1_000_000_000n, false],
])('a time of %s ns is kept: %s', (modifiedNs, isKept) => {
  const column = encodeContent({ ...object, modifiedNs })[5] as bigint | null;
  expect(column).toBe(isKept ? modifiedNs : null);
  const row = [0, 1, null, null, null, column === null ? null : String(column), null, null] as const;
  expect(decodeContent(row)).toEqual(isKept ? { ...object, modifiedNs } : object);
});
