import { createHash, randomUUID } from 'node:crypto';
import { type Body, type Head, type Storage, StorageError, type StorageErrorKind } from '../../ports/storage.ts';
import { Adler32 } from './adler32.ts';
import type { FtsFile, JobParams } from './fts-job.ts';

/** A store, and the URLs that begin so lead into it: `https://disk.example/data/`. */
export interface FtsStore {
  readonly url: string;
  readonly storage: Storage;
}

/** Why a file was not moved, in the words of the server. */
export class MoveFailure extends Error {
  /** What lies at a destination that was occupied. */
  readonly found: unknown;

  constructor(reason: string, found?: unknown) {
    super(reason);
    this.found = found;
  }
}

export interface MoveFile {
  readonly stores: readonly FtsStore[];
  readonly file: FtsFile;
  readonly params: JobParams;
  /** A byte is another on the way; `unnoticed`: and nothing is compared. */
  readonly wrongBytes: 'noticed' | 'unnoticed' | undefined;
  readonly signal: AbortSignal;
}

const ERRNO: Partial<Record<StorageErrorKind, number>> = {
  'not-found': 2,
  denied: 13,
  throttled: 16,
  'precondition-failed': 17,
  blocked: 17,
  full: 28,
  'read-only': 30,
  'invalid-key': 36,
  unsupported: 95,
  timeout: 110,
  aborted: 125,
};

/** Moves one file. Its size is given back; a failure is a `MoveFailure`. What fails leaves the destination as it was. */
export async function moveFile({ stores, file, params, wrongBytes, signal }: MoveFile): Promise<number> {
  const from = locate(stores, file.sourceUrl, 'SOURCE');
  const to = locate(stores, file.destinationUrl, 'DESTINATION');
  const wanted = readChecksum(file.checksum);
  if (!params.overwrite) await refuseOccupied(to, wanted?.algorithm ?? 'adler32', params);
  const source = await at('SOURCE', () => from.storage.get(from.key, { signal }));
  const { size } = source.head;
  if (file.userSize !== undefined && file.userSize !== size) {
    await close(source.body);
    throw new MoveFailure('SOURCE [5] User specified source file size mismatch');
  }
  if ((params.verify === 'both' || params.verify === 'source') && wanted !== undefined) {
    const digest = await at('SOURCE', () => checksumOf(from, wanted.algorithm));
    if (digest !== wanted.value) {
      await close(source.body);
      throw new MoveFailure(`SOURCE CHECKSUM MISMATCH [5] User and source ${wanted.algorithm} do not match`);
    }
  }
  const hash = hasher(wanted?.algorithm ?? 'adler32');
  const body = passing(source.body, (chunk) => hash.update(chunk), wrongBytes !== undefined);
  // FTS leaves no marks; what it wrote has one of nobody here.
  const mark = { operation: randomUUID(), sha256: undefined };
  const staged = await at('TRANSFER', () => to.storage.stage(to.key, body, { attributes: {}, mark, size, signal }));
  const isCompared = params.verify === 'both' || params.verify === 'target';
  if (wrongBytes !== 'unnoticed' && isCompared && wanted !== undefined && hash.hex() !== wanted.value) {
    await to.storage.discard([staged]);
    throw new MoveFailure(`DESTINATION CHECKSUM MISMATCH [5] User and destination ${wanted.algorithm} do not match`);
  }
  if (signal.aborted) {
    await to.storage.discard([staged]);
    throw new MoveFailure('TRANSFER [125] Transfer canceled');
  }
  await at('DESTINATION', async () => {
    await to.storage.flush([staged]);
    const [published] = await to.storage.publish([{ staged, options: params.overwrite ? {} : { ifAbsent: true } }]);
    if (published === undefined || published instanceof StorageError) throw published ?? new Error('no answer');
  });
  return size;
}

interface Located {
  readonly storage: Storage;
  readonly key: string;
}

function locate(stores: readonly FtsStore[], url: string, end: 'SOURCE' | 'DESTINATION'): Located {
  const store = stores.find((one) => url.startsWith(one.url));
  if (store === undefined) throw new MoveFailure(`${end} [93] Protocol not supported`);
  return { storage: store.storage, key: decodeURIComponent(url.slice(store.url.length)) };
}

async function refuseOccupied(to: Located, algorithm: string, { dstFileReport }: JobParams): Promise<void> {
  let head: Head;
  try {
    head = await to.storage.head(to.key);
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'not-found') return;
    throw reasonOf('DESTINATION', error);
  }
  const value = await at('DESTINATION', () => checksumOf(to, algorithm));
  const found = { file_size: head.size, checksum_type: algorithm.toUpperCase(), checksum_value: value };
  const reason = 'DESTINATION [17] Destination file exists and overwrite is not enabled';
  throw new MoveFailure(reason, dstFileReport ? found : undefined);
}

function readChecksum(text: string | undefined): { readonly algorithm: string; readonly value: string } | undefined {
  const [algorithm, value] = text?.toLowerCase().split(':') ?? [];
  return algorithm === undefined || value === undefined ? undefined : { algorithm, value };
}

async function checksumOf({ storage, key }: Located, algorithm: string): Promise<string> {
  const hash = hasher(algorithm);
  for await (const chunk of passing((await storage.get(key)).body, (one) => hash.update(one), false)) void chunk;
  return hash.hex();
}

function hasher(algorithm: string): { update(chunk: Uint8Array): void; hex(): string } {
  if (algorithm === 'adler32') return new Adler32();
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest('hex') };
}

async function* passing(body: Body, look: (chunk: Uint8Array) => void, isDamaged: boolean): AsyncGenerator<Uint8Array> {
  let isFirst = isDamaged;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    // A copy: a slice of a Buffer is the same bytes.
    const passed = isFirst ? new Uint8Array(chunk) : chunk;
    if (isFirst && passed.length > 0) {
      passed[0] = (passed[0] ?? 0) ^ 0xff;
      isFirst = false;
    }
    look(passed);
    yield passed;
  }
}

async function close(body: Body): Promise<void> {
  if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.();
}

async function at<T>(end: 'SOURCE' | 'TRANSFER' | 'DESTINATION', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw reasonOf(end, error);
  }
}

function reasonOf(end: string, error: unknown): MoveFailure {
  if (!(error instanceof StorageError)) throw error;
  return new MoveFailure(`${end} [${ERRNO[error.kind] ?? 5}] ${error.kind}`);
}
