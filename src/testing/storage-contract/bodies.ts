import { describe, expect, it } from 'vitest';
import { StorageError } from '../../ports/storage.ts';
import {
  type Contract,
  expectAbsent,
  expectKind,
  inChunks,
  markOf,
  patternBytes,
  putObject,
  readBody,
  readObject,
  unknownMark,
} from './harness.ts';

/** Duties towards bodies: of any size, in any chunks, and ones that lie, break or hang. */
export function describeBodies(contract: Contract): void {
  const { partBytes } = contract;
  const sizes = [0, 1, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes + 12_345];

  describe('bodies', () => {
    it.for(sizes)('of %i bytes come back as they were, whole or in chunks, announced or not', async (size) => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const bytes = patternBytes(size, size + 1);
      await putObject(storage, `${prefix}whole`, bytes, { size });
      await putObject(storage, `${prefix}chunks`, inChunks(bytes), { size });
      await putObject(storage, `${prefix}unknown`, inChunks(bytes, 100_001), { mark: markOf(bytes) });
      for (const name of ['whole', 'chunks', 'unknown']) {
        expect((await readObject(storage, prefix + name)).equals(bytes), name).toBe(true);
        expect((await storage.head(prefix + name)).size).toBe(size);
      }
    });

    it('of several parts keep attributes and a mark that is known only at the end', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(partBytes + 17, 4);
      const mark = markOf(bytes);
      const attributes = {
        metadata: { name: 'wert €' },
        modifiedNs: 1_600_000_000_123_000_000n,
        contentType: 'text/x-part',
      };
      const staged = await storage.stage(key, inChunks(bytes), {
        attributes,
        mark: { ...mark, sha256: undefined },
        size: bytes.length,
      });
      await storage.flush([staged]);
      const [published] = await storage.publish([{ staged, options: { mark } }]);
      expect(published).toMatchObject({ token: (await storage.head(key)).token });
      const head = await storage.head(key);
      expect(head.mark).toEqual(mark);
      if (storage.capabilities.keepsMetadata) {
        expect(head.attributes).toMatchObject({ contentType: 'text/x-part', metadata: { name: 'wert €' } });
      }
      await putObject(storage, key, patternBytes(5));
      expect((await storage.head(key)).mark?.sha256, 'the mark of what was there before is not told').not.toBe(
        mark.sha256,
      );
    });

    it('of several parts are published on the same conditions', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(partBytes + 1, 4);
      const first = await putObject(storage, key, bytes, { ifAbsent: true });
      await expectKind(putObject(storage, key, bytes, { ifAbsent: true }), 'precondition-failed');
      const small = await putObject(storage, key, patternBytes(5), { ifToken: first.token });
      await expectKind(putObject(storage, key, bytes, { ifToken: first.token }), 'precondition-failed');
      await putObject(storage, key, bytes, { ifToken: small.token });
      expect((await storage.head(key)).size).toBe(bytes.length);
      expect(await contract.store().countLeftovers()).toBe(0);
    });

    it('are read in spans over the edges of parts', async () => {
      const storage = contract.storage();
      const key = `${contract.prefix()}a`;
      const bytes = patternBytes(2 * partBytes, 5);
      await putObject(storage, key, inChunks(bytes), { size: bytes.length });
      const span = { start: partBytes - 3, end: partBytes + 4 };
      expect((await readBody(await storage.get(key, { span }))).equals(bytes.subarray(span.start, span.end))).toBe(
        true,
      );
    });
  });

  describe.each([
    ['small', 1000],
    ['several parts', partBytes + 1000],
  ] as const)('a body (%s)', (_, size) => {
    it('that is longer than announced is corrupt, and nothing of it stays', async () => {
      await expectNothing(
        contract,
        (key) => putObject(contract.storage(), key, inChunks(patternBytes(size + 1)), { size }),
        'corrupt',
      );
    });

    it('that is shorter than announced is corrupt, and nothing of it stays', async () => {
      await expectNothing(
        contract,
        (key) => putObject(contract.storage(), key, inChunks(patternBytes(size - 1)), { size }),
        'corrupt',
      );
    });

    it('that breaks midway leaves nothing, and its error is told', async () => {
      const broken = new Error('the source broke');
      const failure = await expectNothing(contract, (key) =>
        putObject(contract.storage(), key, breaking(patternBytes(size), broken), { size: size + 10 }),
      );
      expect(failure.cause).toBe(broken);
    });

    it('that fails as another store failed keeps that failure', async () => {
      const broken = new StorageError('throttled', { store: 'elsewhere', key: 'k' }, 'slow down');
      const failure = await expectNothing(contract, (key) =>
        putObject(contract.storage(), key, breaking(patternBytes(size), broken)),
      );
      expect(failure).toBe(broken);
    });

    it('that hangs is given up when the signal aborts', async () => {
      const aborter = new AbortController();
      setTimeout(() => aborter.abort(), 30);
      await expectNothing(
        contract,
        (key) =>
          putObject(contract.storage(), key, hanging(patternBytes(size)), { size: size + 10, signal: aborter.signal }),
        'aborted',
      );
    });

    it('is not begun when the signal was aborted before', async () => {
      let asked = false;
      const body = {
        [Symbol.asyncIterator]() {
          asked = true;
          return inChunks(patternBytes(size));
        },
      };
      const options = { attributes: {}, mark: unknownMark(), signal: AbortSignal.abort() };
      await expectKind(contract.storage().stage(`${contract.prefix()}a`, body, options), 'aborted');
      expect(asked).toBe(false);
    });
  });
}

async function expectNothing(
  contract: Contract,
  put: (key: string) => Promise<unknown>,
  kind?: StorageError['kind'],
): Promise<StorageError> {
  const key = `${contract.prefix()}a`;
  const failure = await put(key).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(StorageError);
  if (kind !== undefined) expect((failure as StorageError).kind, (failure as StorageError).message).toBe(kind);
  await expectAbsent(contract.storage(), key);
  expect(await contract.store().countLeftovers()).toBe(0);
  return failure as StorageError;
}

async function* breaking(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes);
  throw error;
}

async function* hanging(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes);
  await new Promise(() => {});
}
