import { describe, expect, it } from 'vitest';
import type { Published, StorageError, WholeObject } from '../../ports/storage.ts';
import { type Contract, expectAbsent, markOf, patternBytes, putObject, readObject } from './harness.ts';

/** Duties of `putTogether`, where the store has it: what `stage`, `flush` and `publish` with `ifAbsent` do, for many at once. */
export function describeTogether(contract: Contract): void {
  const objectOf = (key: string, bytes: Uint8Array, attributes: WholeObject['options']['attributes'] = {}) => ({
    key,
    bytes,
    options: { attributes, mark: markOf(bytes) },
  });
  const put = (objects: readonly WholeObject[]): Promise<readonly (Published | StorageError)[]> => {
    const { putTogether } = contract.storage();
    if (putTogether === undefined) throw new Error('the store puts nothing together');
    return putTogether.call(contract.storage(), objects);
  };

  describe.runIf(contract.options.together === true)('together', () => {
    it('all are there, with all that belongs to them, and tell the tokens that are read', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const attributes = { contentType: 'text/x', metadata: { a: 'b' }, mode: 0o640 };
      // Some have no bytes, and some are more than is written at once.
      const sizes = [0, 1, 4096, 300_000, ...Array.from({ length: 20 }, (_, at) => at)];
      const objects = sizes.map((size, at) => objectOf(`${prefix}d${at % 3}/${at}`, patternBytes(size), attributes));
      const outcomes = await put(objects);
      for (const [at, { key, bytes, options }] of objects.entries()) {
        const head = await storage.head(key);
        expect(outcomes[at]).toEqual({ token: head.token, verification: 'written' });
        expect(head).toMatchObject({ size: bytes.length, mark: options.mark, attributes });
        expect(await readObject(storage, key)).toEqual(Buffer.from(bytes));
      }
      expect(await contract.store().countLeftovers()).toBe(0);
    });

    it('what is there stays as it is, and stops no other', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      await putObject(storage, `${prefix}b`, patternBytes(10));
      const outcomes = await put(['a', 'b', 'c'].map((name) => objectOf(`${prefix}${name}`, patternBytes(20))));
      expect(outcomes[1]).toMatchObject({ kind: 'precondition-failed', key: `${prefix}b` });
      expect(await readObject(storage, `${prefix}b`)).toEqual(Buffer.from(patternBytes(10)));
      for (const name of ['a', 'c']) expect(await readObject(storage, `${prefix}${name}`)).toHaveLength(20);
      expect(await contract.store().countLeftovers()).toBe(0);
    });

    it('those that come while others are put are put, too', async () => {
      const prefix = contract.prefix();
      const groups = Array.from({ length: 5 }, (_, group) => [objectOf(`${prefix}${group}`, patternBytes(group))]);
      const outcomes = await Promise.all(groups.map(put));
      expect(outcomes.flat()).toHaveLength(5);
      for (const one of outcomes.flat()) expect(one).toHaveProperty('token');
    });

    it('a key that is none is refused, and nothing is put', async () => {
      const key = `${contract.prefix()}a`;
      await expect(put([objectOf(key, patternBytes(1)), objectOf('../a', patternBytes(1))])).rejects.toMatchObject({
        kind: 'invalid-key',
      });
      await expectAbsent(contract.storage(), key);
    });
  });
}
