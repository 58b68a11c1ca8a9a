import { describe, expect, it } from 'vitest';
import { type Attributes, type Staged, StorageError } from '../../ports/storage.ts';
import {
  type Contract,
  expectAbsent,
  expectKind,
  inChunks,
  listAll,
  markOf,
  patternBytes,
  putObject,
  readObject,
  unknownMark,
} from './harness.ts';

/** Duties of `stage`, `flush`, `publish` and `discard`. */
export function describeWriting(contract: Contract): void {
  describe('stage, flush, publish', () => {
    it('shows nothing of an object before it is published, and all of it after', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const bytes = patternBytes(3000);
      const staged = await storage.stage(`${prefix}a/b`, bytes, {
        attributes: {},
        mark: markOf(bytes),
        size: bytes.length,
      });
      expect(staged).toMatchObject({ key: `${prefix}a/b`, size: bytes.length });
      await storage.flush([staged]);
      await expectAbsent(storage, `${prefix}a/b`);
      expect((await listAll(storage, prefix)).keys).toEqual([]);
      const [published] = await storage.publish([{ staged, options: {} }]);
      expect(published).not.toBeInstanceOf(StorageError);
      expect((await readObject(storage, `${prefix}a/b`)).equals(bytes)).toBe(true);
    });

    it('shows the old object until the new one is published', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      await putObject(storage, key, patternBytes(10, 1));
      const bytes = patternBytes(20, 2);
      const staged = await storage.stage(key, bytes, { attributes: {}, mark: markOf(bytes) });
      await storage.flush([staged]);
      expect((await storage.head(key)).size).toBe(10);
      await storage.publish([{ staged, options: {} }]);
      expect((await storage.head(key)).size).toBe(20);
    });

    it('shows nothing of what was discarded, and leaves nothing', async () => {
      const { storage, countLeftovers } = contract.store();
      const key = `${contract.prefix()}a`;
      const before = await countLeftovers();
      const staged = await storage.stage(key, patternBytes(10), { attributes: {}, mark: unknownMark() });
      await storage.discard([staged]);
      await expectAbsent(storage, key);
      expect(await countLeftovers()).toBe(before);
    });

    it('flushes everything that was published before, where there is a flush', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      await putObject(storage, key, patternBytes(10));
      if (contract.has('no-flush')) await expectKind(storage.flushAll(), 'unsupported');
      else await storage.flushAll();
      expect((await storage.head(key)).size).toBe(10);
    });

    it('flushes and publishes many at once, and answers each in order', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      await putObject(storage, `${prefix}taken`, patternBytes(1));
      const staged: Staged[] = [];
      for (const name of ['a', 'taken', 'c']) {
        const bytes = patternBytes(50, name.length);
        staged.push(await storage.stage(prefix + name, bytes, { attributes: {}, mark: markOf(bytes) }));
      }
      await storage.flush(staged);
      const outcomes = await storage.publish(staged.map((one) => ({ staged: one, options: { ifAbsent: true } })));
      expect(outcomes.map((outcome) => (outcome instanceof StorageError ? outcome.kind : 'published'))).toEqual([
        'published',
        'precondition-failed',
        'published',
      ]);
      expect((await storage.head(`${prefix}taken`)).size).toBe(1);
    });

    it('says how well the bytes are verified', async () => {
      const storage = contract.storage();
      const published = await putObject(storage, `${contract.prefix()}a`, patternBytes(1000));
      expect(published.verification).toBe(storage.capabilities.checksPut ? 'store' : 'written');
    });

    it('refuses bytes that are not what the mark says, where the store checks', async () => {
      const storage = contract.storage();
      if (!storage.capabilities.checksPut) return;
      const key = `${contract.prefix()}a`;
      await expectKind(
        putObject(storage, key, patternBytes(1000, 1), { mark: markOf(patternBytes(1000, 2)) }),
        'corrupt',
      );
      await expectAbsent(storage, key);
    });

    it('gives a replaced object another token', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const first = await putObject(storage, key, patternBytes(100, 1));
      const second = await putObject(storage, key, patternBytes(100, 2));
      expect(second.token).not.toBe(first.token);
      if (contract.has('same-bytes-same-token')) return;
      const third = await putObject(storage, key, patternBytes(100, 2));
      expect(third.token).not.toBe(second.token);
    });

    it('writes an object below an object, where the store can', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      await putObject(storage, `${prefix}a`, patternBytes(3));
      expect(storage.capabilities.directories).toBe(contract.has('no-object-below-object'));
      const below = putObject(storage, `${prefix}a/b`, patternBytes(4));
      if (contract.has('no-object-below-object')) {
        await expect(below).rejects.toBeInstanceOf(StorageError);
        expect((await listAll(storage, prefix)).keys).toEqual([`${prefix}a`]);
        await putObject(storage, `${prefix}d/b`, patternBytes(4));
        await expectKind(putObject(storage, `${prefix}d`, patternBytes(3), { ifAbsent: true }), 'blocked');
        return;
      }
      await below;
      expect((await listAll(storage, prefix)).keys).toEqual([`${prefix}a`, `${prefix}a/b`]);
      expect((await readObject(storage, `${prefix}a`)).length).toBe(3);
    });
  });

  describe('conditions', () => {
    it('ifAbsent writes a free key and leaves a taken one alone', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      await putObject(storage, key, patternBytes(10), { ifAbsent: true });
      await expectKind(putObject(storage, key, patternBytes(20), { ifAbsent: true }), 'precondition-failed');
      expect((await storage.head(key)).size).toBe(10);
    });

    it('ifToken replaces exactly what it names', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const first = await putObject(storage, key, patternBytes(10, 1));
      const second = await putObject(storage, key, patternBytes(20, 2), { ifToken: first.token });
      await expectKind(putObject(storage, key, patternBytes(30, 3), { ifToken: first.token }), 'precondition-failed');
      await putObject(storage, key, patternBytes(40, 4), { ifToken: second.token });
      expect((await storage.head(key)).size).toBe(40);
    });

    it('ifToken does not write where nothing is', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const { token } = await putObject(storage, `${prefix}a`, patternBytes(10));
      await expectKind(putObject(storage, `${prefix}b`, patternBytes(10), { ifToken: token }), 'precondition-failed');
      await expectAbsent(storage, `${prefix}b`);
    });

    it('of 16 that publish a free key at once exactly one wins, where that is enforced', async () => {
      const storage = contract.storage();
      if (storage.capabilities.conditionalPut === 'none') return;
      for (let round = 0; round < 3; round++) {
        const key = `${contract.prefix()}a`;
        const sizes = await race(contract, key, 16, { ifAbsent: true });
        expect(sizes.length).toBe(1);
        expect((await storage.head(key)).size).toBe(sizes[0]);
      }
    });

    it('of 8 that replace the same object at once exactly one wins, where that is enforced', async () => {
      const storage = contract.storage();
      if (storage.capabilities.conditionalPut !== 'enforced') return;
      for (let round = 0; round < 3; round++) {
        const key = `${contract.prefix()}a`;
        const { token } = await putObject(storage, key, patternBytes(3));
        const sizes = await race(contract, key, 8, { ifToken: token });
        expect(sizes.length).toBe(1);
        expect((await storage.head(key)).size).toBe(sizes[0]);
      }
    });
  });

  describe('attributes and mark', () => {
    const attributes: Attributes = {
      contentType: 'application/x-test; charset=utf-8',
      metadata: {
        plain: 'value',
        'with-dash': ' spaces around ',
        under_score: 'b',
        'dotted.name': 'c',
        Upper: 'D',
        'schlüssel 🌲': 'grüße 🌲 =?UTF-8?B?eA==?= 100 % "quoted"',
        lines: 'one\ntwo\u0000three',
        percent: '%41 + %2B',
        empty: '',
        mtime: 'a user may call a key so',
        'pando-operation': 'or so',
        constructor: 'not a name of the language',
      },
      modifiedNs: 1_234_567_890_123_456_789n,
      mode: 0o640,
    };

    it('come back as they were given, as far as the store keeps them', async () => {
      const storage = contract.storage();
      const { keepsMetadata, mtimeResolutionNs } = storage.capabilities;
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(77);
      const mark = markOf(bytes);
      await putObject(storage, key, bytes, { attributes, mark });
      for (const head of [await storage.head(key), (await storage.get(key)).head]) {
        expect(head.mark).toEqual(mark);
        if (keepsMetadata) {
          expect(head.attributes.contentType).toBe(attributes.contentType);
          expect({ ...head.attributes.metadata }).toEqual(attributes.metadata);
        }
        if (mtimeResolutionNs === 0n) continue;
        expect(head.modifiedNs).toBe(roundedDown(attributes.modifiedNs as bigint, mtimeResolutionNs));
        expect(head.attributes.modifiedNs).toBe(head.modifiedNs);
        expect(head.attributes.mode).toBe(0o640);
      }
    });

    it('keep a time before 1970', async () => {
      const storage = contract.storage();
      const { mtimeResolutionNs } = storage.capabilities;
      if (mtimeResolutionNs === 0n) return;
      const key = `${contract.prefix()}a`;
      const modifiedNs = -1_500_000_000n;
      await putObject(storage, key, patternBytes(7), { attributes: { modifiedNs } });
      const kept = contract.has('no-times-before-1970') ? 0n : roundedDown(modifiedNs, mtimeResolutionNs);
      expect((await storage.head(key)).modifiedNs).toBe(kept);
    });

    it('none given means none told, and those of the replaced object do not stay', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      await putObject(storage, key, patternBytes(7), { attributes });
      await putObject(storage, key, patternBytes(8), { attributes: {} });
      expect((await storage.head(key)).attributes.metadata ?? {}).toEqual({});
    });

    it('a mark completed at publish is the mark that is kept', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(5000);
      const mark = markOf(bytes);
      const staged = await storage.stage(key, inChunks(bytes), {
        attributes: {},
        mark: { ...mark, sha256: undefined },
      });
      await storage.flush([staged]);
      await storage.publish([{ staged, options: { mark } }]);
      expect((await storage.head(key)).mark).toEqual(mark);
    });
  });
}

/** `count` writers publish at once, through two openings; gives the sizes of those that won. */
async function race(
  contract: Contract,
  key: string,
  count: number,
  condition: { ifAbsent: true } | { ifToken: string },
): Promise<number[]> {
  await using other = await contract.store().reopen();
  const staged = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const storage = i % 2 === 0 ? contract.storage() : other;
      const bytes = patternBytes(100 + i, i);
      return { storage, staged: await storage.stage(key, bytes, { attributes: {}, mark: markOf(bytes) }) };
    }),
  );
  await Promise.all(staged.map((one) => one.storage.flush([one.staged])));
  const outcomes = await Promise.all(
    staged.map(async (one) => (await one.storage.publish([{ staged: one.staged, options: condition }]))[0]),
  );
  const sizes: number[] = [];
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome instanceof StorageError) expect(outcome.kind, outcome.message).toBe('precondition-failed');
    else sizes.push(100 + i);
  }
  return sizes;
}

/** Towards minus infinity, as file systems do. */
function roundedDown(ns: bigint, resolutionNs: bigint): bigint {
  const rest = ns % resolutionNs;
  return ns - (rest < 0n ? rest + resolutionNs : rest);
}
