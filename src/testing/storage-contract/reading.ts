import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Contract, expectKind, patternBytes, putObject, readBody, readObject } from './harness.ts';

/** Duties of `get`, `head` and `delete`. */
export function describeReading(contract: Contract): void {
  describe('get', () => {
    const bytes = patternBytes(100_000, 7);
    let key = '';
    let token = '';
    beforeAll(async () => {
      key = `${contract.prefix()}object`;
      token = (await putObject(contract.storage(), key, bytes)).token;
    });

    it('gives the whole object with its head', async () => {
      const got = await contract.storage().get(key);
      expect((await readBody(got)).equals(bytes)).toBe(true);
      expect(got.head.size).toBe(bytes.length);
      expect(got.head.token).toBe(token);
    });

    const spans: readonly [string, number, number][] = [
      ['the first byte', 0, 1],
      ['a span in the middle', 1234, 56_789],
      ['the last byte', bytes.length - 1, bytes.length],
      ['a span over all', 0, bytes.length],
      ['no bytes at the beginning', 0, 0],
      ['no bytes in the middle', 500, 500],
      ['no bytes at the end', bytes.length, bytes.length],
      ['what there is of a span that goes beyond the end', bytes.length - 10, bytes.length + 10],
      ['no bytes of a span that lies beyond the end', bytes.length + 10, bytes.length + 20],
    ];
    it.for(spans)('gives %s, and the head of the whole object', async ([, start, end]) => {
      const got = await contract.storage().get(key, { span: { start, end } });
      expect((await readBody(got)).equals(bytes.subarray(start, end))).toBe(true);
      expect(got.head.size).toBe(bytes.length);
      expect(got.head.token).toBe(token);
    });

    it('gives an empty span of an empty object', async () => {
      const empty = `${contract.prefix()}empty`;
      await putObject(contract.storage(), empty, new Uint8Array(0));
      const got = await contract.storage().get(empty, { span: { start: 0, end: 0 } });
      expect((await readBody(got)).length).toBe(0);
    });

    it('gives what the token names, and refuses what another one names', async () => {
      const storage = contract.storage();
      const object = `${contract.prefix()}tokens`;
      const first = await putObject(storage, object, patternBytes(100, 1));
      expect((await readBody(await storage.get(object, { ifToken: first.token }))).length).toBe(100);
      const second = await putObject(storage, object, patternBytes(200, 2));
      await expectKind(storage.get(object, { ifToken: first.token }), 'precondition-failed');
      await expectKind(
        storage.get(object, { ifToken: first.token, span: { start: 1, end: 2 } }),
        'precondition-failed',
      );
      await expectKind(
        storage.get(object, { ifToken: first.token, span: { start: 2, end: 2 } }),
        'precondition-failed',
      );
      expect((await readBody(await storage.get(object, { ifToken: second.token }))).length).toBe(200);
    });

    it('says not-found of what is not there, also with a token and a span', async () => {
      const absent = `${contract.prefix()}absent`;
      await expectKind(contract.storage().get(absent), 'not-found');
      await expectKind(contract.storage().get(absent, { span: { start: 0, end: 0 } }), 'not-found');
      await expectKind(contract.storage().get(absent, { ifToken: token }), 'not-found');
    });

    it('does not confuse a prefix of keys with an object', async () => {
      await putObject(contract.storage(), `${key}-directory/below`, bytes.subarray(0, 3));
      await expectKind(contract.storage().get(`${key}-directory`), 'not-found');
      await expectKind(contract.storage().head(`${key}-directory`), 'not-found');
    });

    it('frees a body that is returned early', async () => {
      for (let round = 0; round < 20; round++) {
        const got = await contract.storage().get(key);
        if (!(got.body instanceof Uint8Array)) await got.body[Symbol.asyncIterator]().return?.();
      }
      expect((await readObject(contract.storage(), key)).length).toBe(bytes.length);
    });

    it('reads the same object many times at once', async () => {
      const all = await Promise.all(Array.from({ length: 32 }, () => readObject(contract.storage(), key)));
      expect(all.every((one) => one.equals(bytes))).toBe(true);
    });

    it('stops as aborted when the signal was aborted before', async () => {
      await expectKind(contract.storage().get(key, { signal: AbortSignal.abort() }), 'aborted');
      await expectKind(contract.storage().head(key, { signal: AbortSignal.abort() }), 'aborted');
    });
  });

  describe('head', () => {
    it('tells size, token and time, and the digests the store vouches for', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}object`;
      const bytes = patternBytes(5000, 3);
      const published = await putObject(storage, key, bytes);
      const head = await storage.head(key);
      expect(head.size).toBe(bytes.length);
      expect(head.token).toBe(published.token);
      expect(head.modifiedNs).toBeTypeOf('bigint');
      for (const [algorithm, digest] of Object.entries(head.digests)) {
        if (algorithm === 'crc32c' || algorithm === 'adler32') continue;
        expect(digest, algorithm).toBe(createHash(algorithm).update(bytes).digest('hex'));
      }
    });

    it('says not-found of what is not there', async () => {
      await expectKind(contract.storage().head(`${contract.prefix()}absent`), 'not-found');
    });
  });

  describe('delete', () => {
    it('takes the object away, and succeeds again when it is gone', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}object`;
      await putObject(storage, key, patternBytes(10));
      await storage.delete(key);
      await expectKind(storage.head(key), 'not-found');
      await storage.delete(key);
      await storage.delete(`${key}/never/was`);
    });

    it('leaves other bytes than the token names alone', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}object`;
      const first = await putObject(storage, key, patternBytes(10, 1));
      const second = await putObject(storage, key, patternBytes(11, 2));
      await expectKind(storage.delete(key, { ifToken: first.token }), 'precondition-failed');
      expect((await storage.head(key)).size).toBe(11);
      await storage.delete(key, { ifToken: second.token });
      await storage.delete(key, { ifToken: second.token });
    });

    it('leaves the neighbours alone', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      for (const name of ['a', 'a.b', 'ab', 'b/c']) await putObject(storage, prefix + name, patternBytes(4));
      await storage.delete(`${prefix}a`);
      await storage.delete(`${prefix}b`);
      for (const name of ['a.b', 'ab', 'b/c']) expect((await storage.head(prefix + name)).size).toBe(4);
    });
  });
}
