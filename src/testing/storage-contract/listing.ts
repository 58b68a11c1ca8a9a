import { beforeAll, describe, expect, it } from 'vitest';
import { compareKeys } from '../../domain/object/key.ts';
import { type Contract, expectKind, listAll, patternBytes, putObject } from './harness.ts';

/** More than one page of every store we know. */
const MANY = 1100;

/** Duties of `list`. */
export function describeListing(contract: Contract): void {
  describe('list', () => {
    const names = [
      'a',
      'a b',
      'a!b',
      'a+b',
      'a-b/c',
      'a.b',
      'a0',
      'a%2Fb',
      'a&b;c=d?e#f',
      'a\'b"c<d>',
      'ab/c/d',
      'b/ä',
      'b/a\u0308',
      'b/\u00ff',
      'b/\u0800',
      'b/\ud7ff',
      'b/\ue000',
      'b/\ufffd',
      'b/\u{10000}',
      'b/\u{1f600}',
      'b/\u{10fffd}',
      '~',
    ];
    let prefix = '';
    let keys: string[] = [];
    beforeAll(async () => {
      prefix = contract.prefix();
      keys = names.map((name) => prefix + name).sort(compareKeys);
      await Promise.all(keys.map((key, i) => putObject(contract.storage(), key, patternBytes(i))));
    });

    it('tells every object with its size, time and the token head tells', async () => {
      const storage = contract.storage();
      const { objects, failures } = await listAll(storage, prefix);
      expect(failures).toEqual([]);
      expect(objects.map((object) => object.key).sort(compareKeys)).toEqual(keys);
      for (const object of objects) {
        const head = await storage.head(object.key);
        expect(object, object.key).toMatchObject({ size: head.size, token: head.token });
        if (storage.capabilities.mtimeResolutionNs !== 0n) expect(object.modifiedNs).toBe(head.modifiedNs);
      }
    });

    it('comes in the order of UTF-8 bytes, where the store sorts', async () => {
      const listed = await listAll(contract.storage(), prefix);
      if (contract.storage().capabilities.sortedListing) expect(listed.keys).toEqual(keys);
    });

    it('tells only what begins with the prefix, whole segments or not', async () => {
      const storage = contract.storage();
      for (const part of ['', 'a', 'a-', 'a-b/', 'b/', 'b/\u{1f600}', 'ab/c', 'nothing', 'a%', 'a+']) {
        const { keys: listed } = await listAll(storage, prefix + part);
        expect(listed.sort(compareKeys), part).toEqual(keys.filter((key) => key.startsWith(prefix + part)));
      }
    });

    it('goes on after any key, whether it is there or not', async () => {
      const storage = contract.storage();
      const points = [
        ...keys,
        `${prefix}b/`,
        `${prefix}a-b`,
        `${prefix}b/\u{1f5ff}`,
        `${prefix}zzz`,
        prefix.slice(0, -1),
        '',
        '\u{10ffff}',
      ];
      for (const startAfter of points) {
        const { keys: listed } = await listAll(storage, prefix, { startAfter });
        expect(listed.sort(compareKeys), startAfter).toEqual(keys.filter((key) => compareKeys(key, startAfter) > 0));
      }
    });

    it('of a prefix without objects is complete and empty', async () => {
      expect((await listAll(contract.storage(), `${prefix}none/`)).keys).toEqual([]);
    });

    it('does not show what Pando keeps for itself', async () => {
      const storage = contract.storage();
      const lease = await storage.lease({
        holder: 'the contract',
        process: { host: 'contract.invalid', pid: 1, startedMs: 1 },
        leaseMs: 1000,
        nowMs: 1,
      });
      const staged = await storage.stage(`${prefix}staged`, patternBytes(10), {
        attributes: {},
        mark: { operation: 'o', sha256: undefined },
      });
      for (const part of ['', '.', '.pando', '.pando/', '.pando/l']) {
        const { keys: listed, failures } = await listAll(storage, part);
        const shown = [...listed, ...failures.map((failure) => failure.shown)];
        expect(shown.filter((key) => key.startsWith('.pando'))).toEqual([]);
        if (part === '') expect(listed).toEqual(expect.arrayContaining(keys));
      }
      await storage.discard([staged]);
      if ('release' in lease) await lease.release();
    });

    it('shows keys that only look like what Pando keeps for itself', async () => {
      const storage = contract.storage();
      const near = ['.pandora', '.pando-notes/x', `${prefix}.pando/x`, `${prefix}x.pando/x`];
      for (const key of near) await putObject(storage, key, patternBytes(1));
      const { keys: listed } = await listAll(storage, '');
      expect(listed).toEqual(expect.arrayContaining(near));
      for (const key of near) await storage.delete(key);
    });

    it('stops as aborted when the signal aborts', async () => {
      await expectKind(listAll(contract.storage(), '', { signal: AbortSignal.abort() }), 'aborted');
    });

    it('never lists above the root', async () => {
      const outcome = await listAll(contract.storage(), '../').then(
        (listed) => listed.keys,
        (error: { kind: string }) => error.kind,
      );
      expect([[], 'invalid-key']).toContainEqual(outcome);
    });

    it(`of ${MANY} objects comes in pages, none missing, none twice, from any point`, async () => {
      const storage = contract.storage();
      const many = contract.prefix();
      const all = Array.from({ length: MANY }, (_, i) => `${many}${String(i).padStart(5, '0')}`);
      for (let at = 0; at < MANY; at += 32) {
        await Promise.all(all.slice(at, at + 32).map((key) => putObject(storage, key, new Uint8Array(1))));
      }
      const whole = await listAll(storage, many);
      expect(whole.keys.sort(compareKeys)).toEqual(all);
      const rest = await listAll(storage, many, { startAfter: all[50] as string });
      expect(rest.keys.sort(compareKeys)).toEqual(all.slice(51));
      const breaker = storage.list(many)[Symbol.asyncIterator]();
      await breaker.next();
      await breaker.return?.();
    });
  });
}
