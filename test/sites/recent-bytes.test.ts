import { expect, test } from 'vitest';
import { RecentBytes } from '../../src/engine/sites/recent-bytes.ts';

const MIB = 1024 * 1024;

test('bytes that were kept a moment ago are had by their operation, if they are those that are meant', () => {
  const recent = new RecentBytes();
  const whole = Buffer.from('before the object after');
  recent.add('one', 'hash of one', whole.subarray(7, 17));
  whole.fill(0);
  expect(Buffer.from(recent.get('one', 'hash of one') ?? []).toString()).toBe('the object');
  expect(recent.get('one', 'another hash')).toBeUndefined();
  expect(recent.get('one', undefined)).toBeUndefined();
  expect(recent.get('two', 'hash of one')).toBeUndefined();
});

test('they take no more than 16 MiB, the oldest go first, and large ones are not among them', () => {
  const recent = new RecentBytes();
  const part = new Uint8Array(MIB / 4);
  for (let at = 0; at < 100; at++) recent.add(`${at}`, 'hash', part);
  const kept = Array.from({ length: 100 }, (_, at) => at).filter((at) => recent.get(`${at}`, 'hash') !== undefined);
  expect(kept).toEqual(Array.from({ length: 64 }, (_, at) => at + 36));
  recent.add('large', 'hash', new Uint8Array(MIB / 4 + 1));
  expect(recent.get('large', 'hash')).toBeUndefined();
});
