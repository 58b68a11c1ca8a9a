import { expect, test } from 'vitest';
import { Together } from '../../src/engine/sites/together.ts';
import { StorageError } from '../../src/ports/storage.ts';

const refused = new StorageError('precondition-failed', { store: 'local' }, 'it is there');

test('those that come while one group is under way are the next, and each gets its own answer', async () => {
  const groups: (readonly number[])[] = [];
  const free = Promise.withResolvers<void>();
  const together = new Together(async (group: readonly number[]) => {
    groups.push(group);
    await free.promise;
    return group.map((one) => (one === 3 ? refused : one * 10));
  });
  const answers = [1, 2, 3, 4].map((one) => together.add(one));
  free.resolve();
  expect(await Promise.allSettled(answers)).toEqual([
    { status: 'fulfilled', value: 10 },
    { status: 'fulfilled', value: 20 },
    { status: 'rejected', reason: refused },
    { status: 'fulfilled', value: 40 },
  ]);
  expect(groups).toEqual([[1], [2, 3, 4]]);
});

test('a group that fails fails for each of it, and for nobody who comes later', async () => {
  let isBroken = true;
  const together = new Together((group: readonly number[]) =>
    isBroken ? Promise.reject(refused) : Promise.resolve(group),
  );
  const first = [together.add(1), together.add(2)];
  for (const one of first) await expect(one).rejects.toBe(refused);
  isBroken = false;
  expect(await together.add(3)).toBe(3);
});
