import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Body,
  type Got,
  type Listed,
  type ListingFailure,
  type ListOptions,
  type Mark,
  type Published,
  type PublishOptions,
  type StageOptions,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from '../../ports/storage.ts';

/** One store, opened for the contract. Its disposal takes everything away again. */
export interface StorageUnderTest extends AsyncDisposable {
  readonly storage: Storage;
  /** The same place opened once more, as another process would open it. The test closes it. */
  reopen(): Promise<Storage>;
  /** How many things lie in the store that are no objects: staged bytes, parts of uploads, temporary names. */
  countLeftovers(): Promise<number>;
}

/** Weaknesses a store declares; the contract then asks for what remains. */
export type StorageGap =
  /** Writing the same bytes again gives the same token. */
  | 'same-bytes-same-token'
  /** `a` and `a/b` cannot both be objects. */
  | 'no-object-below-object'
  /** Deletes and publishes of objects in parts do not enforce `ifAbsent` and `ifToken`, they look just before. */
  | 'parts-not-conditional'
  /** Modification times before 1970 become 1970. */
  | 'no-times-before-1970'
  /** There is no flush to be asked for: `flushAll` is `unsupported`. */
  | 'no-flush';

export interface StorageContractOptions {
  readonly gaps?: readonly StorageGap[];
  /** Objects of this size and around it are written; take the size from which the adapter writes in parts. */
  readonly partBytes?: number;
  /** Small objects can be read and staged at once (`getAtOnce`, `stageAtOnce`). */
  readonly atOnce?: boolean;
  /** Small objects can be put together (`putTogether`). */
  readonly together?: boolean;
  /** Longest key in bytes that this opening must accept. */
  readonly keyBytesMax?: number;
  /** For one test. */
  readonly timeoutMs?: number;
  /** A store of the same kind at an address where nothing answers. */
  openUnreachable?(): Promise<Storage>;
  /** The same store with credentials, or rights, that do not suffice. */
  openDenied?(): Promise<Storage>;
  /** A store whose root (directory, bucket) does not exist. */
  openWithoutRoot?(): Promise<Storage>;
}

/** What every section of the contract works with. */
export interface Contract {
  readonly options: StorageContractOptions;
  readonly partBytes: number;
  /** Opened before the first test. */
  store(): StorageUnderTest;
  storage(): Storage;
  /** A fresh prefix of this test's own, ending with `/`. */
  prefix(): string;
  has(gap: StorageGap): boolean;
}

export type PutOptions = Partial<StageOptions> & PublishOptions;

/** stage, flush and publish of one object; throws what publish answers. */
export async function putObject(
  storage: Storage,
  key: string,
  body: Body,
  options: PutOptions = {},
): Promise<Published> {
  const { ifAbsent, ifToken, ...stage } = options;
  const mark = options.mark ?? (body instanceof Uint8Array ? markOf(body) : unknownMark());
  const staged = await storage.stage(key, body, { attributes: {}, ...stage, mark });
  await storage.flush([staged]);
  const conditions = { ...(ifAbsent === undefined ? {} : { ifAbsent }), ...(ifToken === undefined ? {} : { ifToken }) };
  const [outcome] = await storage.publish([{ staged, options: conditions }]);
  if (outcome === undefined || outcome instanceof StorageError) throw outcome ?? new Error('publish gave no answer');
  return outcome;
}

export async function readBody(got: Got): Promise<Buffer> {
  if (got.body instanceof Uint8Array) return Buffer.from(got.body);
  const chunks: Buffer[] = [];
  for await (const chunk of got.body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

export async function readObject(storage: Storage, key: string): Promise<Buffer> {
  return readBody(await storage.get(key));
}

export interface ListedAll {
  readonly keys: string[];
  readonly objects: Listed[];
  readonly failures: ListingFailure[];
  readonly pages: number;
}

export async function listAll(storage: Storage, prefix: string, options?: ListOptions): Promise<ListedAll> {
  const objects: Listed[] = [];
  const failures: ListingFailure[] = [];
  let pages = 0;
  for await (const page of storage.list(prefix, options)) {
    pages++;
    objects.push(...page.objects);
    failures.push(...page.failures);
  }
  return { keys: objects.map((object) => object.key), objects, failures, pages };
}

/** Bytes that differ by position and by `seed`. */
export function patternBytes(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

let operations = 0;

/** An operation id as the engine gives them, other each time. */
function operationId(): string {
  return `01900000-0000-7000-8000-${(++operations).toString(16).padStart(12, '0')}`;
}

export function markOf(bytes: Uint8Array): Mark {
  return { operation: operationId(), sha256: sha256Of(bytes) };
}

export function unknownMark(): Mark {
  return { operation: operationId(), sha256: undefined };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes in chunks, all in one buffer that is used again, as a socket or file would. */
export async function* inChunks(bytes: Uint8Array, chunkBytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  // A Buffer, whose `slice` is no copy.
  const reused = Buffer.alloc(chunkBytes);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const piece = bytes.subarray(at, at + chunkBytes);
    reused.set(piece);
    yield reused.subarray(0, piece.length);
    reused.fill(0xee);
  }
}

/** The promise fails with a `StorageError` of this kind; gives the error. */
export async function expectKind(promise: PromiseLike<unknown>, kind: StorageErrorKind): Promise<StorageError> {
  const outcome = await promise.then(
    () => 'success' as const,
    (error: unknown) => error,
  );
  expect(outcome, 'the failure of a store is a StorageError').toBeInstanceOf(StorageError);
  const error = outcome as StorageError;
  expect(error.kind, error.message).toBe(kind);
  return error;
}

export async function expectAbsent(storage: Storage, key: string): Promise<void> {
  await expectKind(storage.head(key), 'not-found');
}
