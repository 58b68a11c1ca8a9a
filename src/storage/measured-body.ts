import { type Body, type StageOptions, StorageError } from '../ports/storage.ts';
import { type Chunks, openChunks } from './body.ts';

/** A body whose failures are told as the port wants them, and whose length must be the one announced. */
export class MeasuredBody {
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

/** The whole body in one piece, or, where it is longer than `limit`, the chunks read so far. */
export async function readUpTo(
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
