import type { Readable } from 'node:stream';
import type { ByteSpan } from '../domain/transfer/byte-range.ts';
import { StorageError } from '../ports/storage.ts';

export interface BodyOptions {
  readonly store: string;
  readonly key: string;
  /** Which of the bytes that come are wanted: of a server that ignored the range, all of them come. */
  readonly wanted: ByteSpan;
  /** How many come. */
  readonly sent: number;
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
  /** Its end is where the server says it is, not that of `wanted`. */
  readonly isOpenEnded?: boolean;
  /** What a broken connection is to this adapter. */
  toError(error: Error): StorageError;
}

/**
 * The body of an answer as chunks. It never gives more than was asked for, says `unavailable` when the connection breaks
 * before the last byte, and `timeout` when no byte comes for `idleMs`. Returning it early closes the connection.
 */
export function openBody(stream: Readable, options: BodyOptions): AsyncIterableIterator<Uint8Array> {
  return new ObjectBody(stream, options);
}

class ObjectBody implements AsyncIterableIterator<Uint8Array> {
  readonly #stream: Readable;
  readonly #options: BodyOptions;
  /** Position in what the server sends. */
  #at = 0;
  #failure: StorageError | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: Readable, options: BodyOptions) {
    this.#stream = stream;
    this.#options = options;
    const wake = (): void => this.#wake?.();
    stream.on('readable', wake);
    stream.on('end', () => {
      this.#ended = true;
      wake();
    });
    stream.on('error', (error) => {
      this.#failure ??= this.#options.toError(error);
      wake();
    });
    stream.on('close', () => {
      this.#ended = true;
      wake();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const { start, end } = this.#options.wanted;
    while (this.#at < end) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk = this.#stream.read() as Uint8Array | null;
      if (chunk === null) {
        if (this.#ended && this.#options.isOpenEnded === true && this.#stream.readableEnded) break;
        if (this.#ended) throw this.#short();
        await this.#more();
        continue;
      }
      const from = Math.max(0, start - this.#at);
      const to = Math.min(chunk.length, end - this.#at);
      this.#at += chunk.length;
      if (from < to) return { done: false, value: chunk.subarray(from, to) };
    }
    this.#finish();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#at = Number.POSITIVE_INFINITY;
    this.#stream.destroy();
    return { done: true, value: undefined };
  }

  /** At the end the connection is given back for the next request; one that still has bytes is closed. */
  #finish(): void {
    if (this.#ended) return;
    if (this.#options.wanted.end === this.#options.sent) this.#stream.resume();
    else this.#stream.destroy();
  }

  #more(): Promise<void> {
    const { idleMs } = this.#options;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#failure ??= this.#error('timeout', `no byte came for ${idleMs / 1000} s`);
        this.#stream.destroy();
        this.#wake?.();
      }, idleMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      // What came between read() and here has already rung.
      if (this.#stream.readableLength > 0 || this.#ended || this.#failure !== undefined) this.#wake();
    });
  }

  #short(): StorageError {
    const { wanted, signal } = this.#options;
    if (signal?.aborted === true) return this.#error('aborted', 'it was aborted');
    return this.#error(
      'unavailable',
      `the connection ended after ${Math.max(0, this.#at - wanted.start)} of ${wanted.end - wanted.start} bytes`,
    );
  }

  #error(kind: StorageError['kind'], why: string): StorageError {
    return new StorageError(kind, { store: this.#options.store, key: this.#options.key }, why);
  }
}

/** All of a body that is known to have so many bytes, in one piece. */
export async function readWhole(body: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  let whole: Uint8Array | undefined;
  let filled = 0;
  for await (const chunk of body) {
    if (whole === undefined && chunk.length === length) {
      whole = chunk;
      filled = length;
      continue;
    }
    whole ??= new Uint8Array(length);
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  return whole ?? new Uint8Array(0);
}
