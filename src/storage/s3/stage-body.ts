import { type Body, type StageOptions, StorageError } from '../../ports/storage.ts';
import { type Chunks, openChunks } from '../body.ts';
import { toStorageError } from './errors.ts';
import type { ObjectAt } from './key-space.ts';
import { LargeObject } from './large-object.ts';
import type { S3Bucket } from './s3-bucket.ts';
import type { S3Settings } from './s3-settings.ts';
import type { SmallObject } from './small-object.ts';

/** What a body became: bytes in memory, or parts in the store. */
export type StagedObject =
  | { readonly kind: 'small'; readonly object: SmallObject; readonly size: number }
  | { readonly kind: 'large'; readonly object: LargeObject; readonly size: number };

/** Reads a body: up to the threshold into memory, beyond it into the store in parts. What fails leaves nothing behind. */
export async function stageBody(
  bucket: S3Bucket,
  settings: S3Settings,
  at: ObjectAt,
  body: Body,
  options: StageOptions,
): Promise<StagedObject> {
  const where = { store: bucket.name, key: at.key };
  const { size, signal } = options;
  if (signal?.aborted === true) throw new StorageError('aborted', where, 'it was aborted', signal.reason);
  const source = new MeasuredBody(where, body, options);
  try {
    const threshold = settings.multipartThreshold;
    const beginning = size !== undefined && size > threshold ? [] : await readUpTo(source, threshold, size);
    if (beginning instanceof Uint8Array) {
      return { kind: 'small', object: { at, bytes: beginning, options }, size: beginning.length };
    }
    return await stageLarge(bucket, settings, at, beginning, source, options);
  } finally {
    source.close();
  }
}

/** The whole body in one piece, or, where it is longer than `limit`, the chunks read so far. */
async function readUpTo(
  source: MeasuredBody,
  limit: number,
  size: number | undefined,
): Promise<Uint8Array | Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (size !== undefined) {
    const bytes = Buffer.allocUnsafe(size);
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      bytes.set(chunk, length);
      length += chunk.length;
    }
    return bytes;
  }
  while (length <= limit) {
    const chunk = await source.next();
    if (chunk === undefined) return Buffer.concat(chunks, length);
    chunks.push(new Uint8Array(chunk));
    length += chunk.length;
  }
  return chunks;
}

async function stageLarge(
  bucket: S3Bucket,
  settings: S3Settings,
  at: ObjectAt,
  beginning: readonly Uint8Array[],
  source: MeasuredBody,
  options: StageOptions,
): Promise<StagedObject> {
  const object = await LargeObject.open(bucket, at, options, settings.partBytes);
  try {
    for (const chunk of beginning) await object.write(chunk);
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      if (source.isWhole) await object.writeWhole(chunk);
      else await object.write(chunk);
    }
    return { kind: 'large', object, size: await object.finish() };
  } catch (error) {
    const failure = toStorageError(error, { store: bucket.name, key: at.key }, options.signal);
    // A body of another length than announced is another body: its parts are of no use to anyone.
    await object.abort({ forGood: failure.kind === 'corrupt' }).catch(() => undefined);
    throw failure;
  }
}

/** A body whose failures are told as the port wants them, and whose length must be the one announced. */
class MeasuredBody {
  /** The body is one piece that stays as it is while it is staged. */
  readonly isWhole: boolean;
  readonly #where: { readonly store: string; readonly key: string };
  readonly #chunks: Chunks;
  readonly #size: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #read = 0;

  constructor(where: { readonly store: string; readonly key: string }, body: Body, { size, signal }: StageOptions) {
    this.isWhole = body instanceof Uint8Array;
    this.#where = where;
    this.#chunks = openChunks(body, signal);
    this.#size = size;
    this.#signal = signal;
  }

  async next(): Promise<Uint8Array | undefined> {
    const chunk = await this.#next();
    this.#read += chunk?.length ?? 0;
    const isWrong =
      chunk === undefined
        ? this.#size !== undefined && this.#read !== this.#size
        : this.#read > (this.#size ?? Infinity);
    if (isWrong) throw this.#wrongLength();
    return chunk;
  }

  close(): void {
    this.#chunks.close();
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      return await this.#chunks.next();
    } catch (error) {
      if (error instanceof StorageError) throw error;
      const why = this.#signal?.aborted === true ? 'it was aborted' : 'the bytes to be written could not be read';
      throw new StorageError('aborted', this.#where, why, error);
    }
  }

  #wrongLength(): StorageError {
    const why =
      this.#read > (this.#size ?? 0)
        ? `more than the ${this.#size} bytes announced came`
        : `${this.#read} of ${this.#size} bytes announced came`;
    return new StorageError('corrupt', this.#where, why);
  }
}
