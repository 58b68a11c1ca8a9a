import { describe, expect, it } from 'vitest';
import { StorageError, type StageOptions } from '../../ports/storage.ts';
import { type Contract, expectAbsent, markOf, patternBytes, putObject, readObject } from './harness.ts';

/** Duties of `getAtOnce` and `stageAtOnce`, where the store has them: what `get` and `stage` do, and nothing by halves. */
export function describeAtOnce(contract: Contract): void {
  const smallOf = (bytes: Uint8Array, more: StageOptions['attributes'] = {}): StageOptions => ({
    attributes: more,
    mark: markOf(bytes),
    size: bytes.length,
  });

  describe.runIf(contract.options.atOnce === true)('at once', () => {
    it('what is read is what `get` reads', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(4096);
      await putObject(storage, key, bytes, {
        attributes: { contentType: 'text/x', metadata: { a: 'b' }, mode: 0o640 },
      });
      const got = await storage.get(key);
      const into = new Uint8Array(8192);
      const atOnce = storage.getAtOnce?.(key, { into });
      expect(atOnce?.head).toEqual(got.head);
      expect(Buffer.from(atOnce?.body ?? [])).toEqual(Buffer.from(bytes));
      expect(atOnce?.body.buffer).toBe(into.buffer);
      expect(storage.getAtOnce?.(key, { ifToken: got.head.token })?.body).toEqual(Buffer.from(bytes));
    });

    it('what is absent, large, or another than expected is left to `get`', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      await putObject(storage, `${prefix}large`, patternBytes(contract.partBytes));
      await putObject(storage, `${prefix}small`, patternBytes(10));
      for (const name of ['large', 'small']) await storage.head(`${prefix}${name}`);
      expect(storage.getAtOnce?.(`${prefix}absent`, {})).toBeUndefined();
      expect(storage.getAtOnce?.(`${prefix}large`, {})).toBeUndefined();
      expect(storage.getAtOnce?.(`${prefix}small`, { ifToken: 'other' })).toBeUndefined();
    });

    it('what is staged is published like any other, with all that belongs to it', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}new/a`;
      const bytes = patternBytes(4096);
      const attributes = {
        modifiedNs: 1_600_000_000_123_456_789n,
        mode: 0o440,
        contentType: 'text/x',
        metadata: { a: 'b' },
      };
      await contract
        .storage()
        .head(key)
        .catch(() => undefined);
      await putObject(storage, `${key}-before`, bytes);
      const options = smallOf(bytes, attributes);
      const staged = storage.stageAtOnce?.(key, bytes, options);
      if (staged === undefined) throw new Error('it was not staged');
      await expectAbsent(storage, key);
      await storage.flush([staged]);
      const [outcome] = await storage.publish([{ staged, options: { ifAbsent: true } }]);
      const head = await storage.head(key);
      expect(outcome).toEqual({ token: head.token, verification: 'written' });
      expect(head).toMatchObject({ size: 4096, mark: options.mark, attributes });
      expect(await readObject(storage, key)).toEqual(Buffer.from(bytes));
    });

    it('of what is staged nothing is published onto what is there, unless it is expected', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const [old, bytes] = [patternBytes(10), patternBytes(20)];
      const { token } = await putObject(storage, key, old);
      const publish = async (options: { ifAbsent?: boolean; ifToken?: string }) => {
        const staged = storage.stageAtOnce?.(key, bytes, smallOf(bytes));
        if (staged === undefined) throw new Error('it was not staged');
        await storage.flush([staged]);
        return (await storage.publish([{ staged, options }]))[0];
      };
      expect(await publish({ ifAbsent: true })).toMatchObject({ kind: 'precondition-failed' });
      expect(await publish({ ifToken: 'other' })).toMatchObject({ kind: 'precondition-failed' });
      expect(await readObject(storage, key)).toEqual(Buffer.from(old));
      expect(await publish({ ifToken: token })).not.toBeInstanceOf(StorageError);
      expect(await readObject(storage, key)).toEqual(Buffer.from(bytes));
      expect(await contract.store().countLeftovers()).toBe(0);
    });

    it('what is staged and discarded leaves nothing', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(10);
      const staged = storage.stageAtOnce?.(key, bytes, smallOf(bytes));
      if (staged === undefined) throw new Error('it was not staged');
      await storage.discard([staged]);
      await expectAbsent(storage, key);
      expect(await contract.store().countLeftovers()).toBe(0);
    });

    it('what is no plain matter is left to `stage`, and nothing of it is staged', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(10);
      const large = patternBytes(contract.partBytes);
      expect(storage.stageAtOnce?.(key, bytes, { ...smallOf(bytes), size: 11 })).toBeUndefined();
      expect(storage.stageAtOnce?.(key, large, smallOf(large))).toBeUndefined();
      expect(storage.stageAtOnce?.(key, bytes, smallOf(bytes, { link: 'b' }))).toBeUndefined();
      expect(await contract.store().countLeftovers()).toBe(0);
    });

    it('a key that is none is refused', () => {
      const storage = contract.storage();
      const bytes = patternBytes(10);
      for (const key of ['../a', '/a', 'a//b', '.pando/a']) {
        expect(() => storage.getAtOnce?.(key, {})).toThrow(expect.objectContaining({ kind: 'invalid-key' }));
        const stage = () => storage.stageAtOnce?.(key, bytes, smallOf(bytes));
        expect(stage).toThrow(expect.objectContaining({ kind: 'invalid-key' }));
      }
    });
  });
}
