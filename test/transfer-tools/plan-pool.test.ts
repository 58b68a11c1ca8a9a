import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planPool } from '../../src/transfer-tools/plan-pool.ts';

const needs = { isRemote: false, transfers: 16, workers: undefined, processors: 4 };

describe('a plan of a pool', () => {
  test.each([
    ['files take every processor', { ...needs }, { workers: 4, pagesPerWorker: 1, itemsAtOnce: 3 }],
    ['and two workers where there is one', { ...needs, processors: 1 }, { workers: 2 }],
    ['what the user says holds', { ...needs, workers: 7 }, { workers: 7 }],
    ['a remote store leaves one processor', { ...needs, isRemote: true }, { workers: 3, pagesPerWorker: 4 }],
    ['a single transfer is a single page', { ...needs, isRemote: true, transfers: 1 }, { pagesPerWorker: 1 }],
  ])('%s', (_name, given, expected) => {
    expect(planPool(given)).toMatchObject(expected);
  });

  test('of a remote store has room for all transfers, and less than one more for each page', () => {
    const counts = { transfers: fc.integer({ min: 1, max: 500 }), processors: fc.integer({ min: 1, max: 64 }) };
    const property = fc.property(fc.record(counts), (given) => {
      const { workers, pagesPerWorker, itemsAtOnce } = planPool({ ...needs, isRemote: true, ...given });
      const pages = workers * pagesPerWorker;
      expect(pages * itemsAtOnce).toBeGreaterThanOrEqual(given.transfers);
      expect(pages * (itemsAtOnce - 1)).toBeLessThan(given.transfers);
    });
    fc.assert(property);
  });
});
