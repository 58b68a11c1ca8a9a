import { describe, expect, test } from 'vitest';
import { Unflushed } from '../../src/storage/file/unflushed.ts';

describe('a directory that is yet to be flushed', () => {
  test('is flushed by everybody who comes before one of them has done it', () => {
    const unflushed = new Unflushed();
    unflushed.note('d');
    const first = unflushed.pending();
    const second = unflushed.pending();
    expect([...second.keys()]).toEqual(['d']);
    unflushed.flushed(first);
    expect(unflushed.pending().size).toBe(0);
    unflushed.flushed(second);
    expect(unflushed.pending().size).toBe(0);
  });

  test('is flushed once more when it changed meanwhile', () => {
    const unflushed = new Unflushed();
    unflushed.note('d');
    const first = unflushed.pending();
    unflushed.note('d');
    unflushed.flushed(first);
    expect([...unflushed.pending().keys()]).toEqual(['d']);
  });
});
