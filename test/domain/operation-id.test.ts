import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isOperationExpired,
  nextOperationId,
  OPERATION_RETENTION_MS,
  operationTimeMs,
  parseOperationId,
} from '../../src/domain/object/operation-id.ts';

const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const time = fc.nat({ max: 2 ** 47 });

describe('an operation id', () => {
  test('is a UUIDv7 that tells its time', () => {
    fc.assert(
      fc.property(time, random, (ms, bytes) => {
        const id = nextOperationId(undefined, ms, bytes);
        expect(parseOperationId(id)).toBe(id);
        expect(operationTimeMs(id)).toBe(ms);
      }),
    );
  });

  test('sorts after the one before, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), random), { maxLength: 50 }), (steps) => {
        let last: string | undefined;
        for (const [ms, bytes] of steps) {
          const id = nextOperationId(last, ms, bytes);
          if (last !== undefined) expect(id > last).toBe(true);
          expect(parseOperationId(id)).toBe(id);
          last = id;
        }
      }),
    );
  });

  test('goes on in the next millisecond when one is used up', () => {
    const random = new Uint8Array(10).fill(255);
    let id = nextOperationId(undefined, 7, random);
    for (let given = 1; given <= 0x1000 - 0x7ff; given++) {
      const next = nextOperationId(id, 7, random);
      expect(next > id).toBe(true);
      id = next;
    }
    expect(operationTimeMs(id)).toBe(8);
  });

  test('has one spelling, and other texts are none', () => {
    const id = nextOperationId(undefined, 1_700_000_000_000, new Uint8Array(10).fill(9));
    expect(parseOperationId(id.toUpperCase())).toBe(id);
    for (const text of ['', 'x', id.replace('-7', '-4'), `${id}0`]) expect(parseOperationId(text)).toBeUndefined();
  });

  test('expires when its outcome is not kept any more', () => {
    const id = nextOperationId(undefined, 1_000_000_000, new Uint8Array(10));
    expect(isOperationExpired(id, 1_000_000_000 + OPERATION_RETENTION_MS)).toBe(false);
    expect(isOperationExpired(id, 1_000_000_001 + OPERATION_RETENTION_MS)).toBe(true);
  });
});
