import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { besideEachOther } from '../../src/domain/beside-each-other.ts';

test('where one loop fails the other is stopped, and has ended before that is told', async () => {
  const stop = new AbortController();
  let hasEnded = false;
  const other = (async () => {
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    await sleep(10);
    hasEnded = true;
    return 'given back';
  })();
  await expect(besideEachOther(stop, [other, Promise.reject(new Error('the first'))])).rejects.toThrow('the first');
  expect(hasEnded).toBe(true);
});

test('what fails because of the first is not what is told', async () => {
  const stop = new AbortController();
  const second = (async () => {
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    throw new Error('the second');
  })();
  await expect(besideEachOther(stop, [second, Promise.reject(new Error('the first'))])).rejects.toThrow('the first');
});

test('each tells what it came to', async () => {
  expect(await besideEachOther(new AbortController(), [Promise.resolve(1), Promise.resolve('b')])).toEqual([1, 'b']);
});
