import type { Readable } from 'node:stream';
import { type ByteRange, isByteRange } from '../domain/transfer/byte-range.ts';
import type { ObjectRead } from '../engine/object-read.ts';
import type { ObjectHandle } from '../engine/open-object.ts';
import { readWhole, toReadable } from './object-stream.ts';

/** What an opened object is. Times are of the object, not of a copy. */
export interface ObjectStat {
  /** The version's operation id. */
  readonly version: string;
  readonly size: number;
  readonly sha256: string | undefined;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly modified: Date | undefined;
}

/**
 * Random access to one version of an object. Whatever is written meanwhile, it stays that version or fails with `changed`.
 * It holds no connection and no memory between reads.
 */
export class ObjectFile implements AsyncDisposable {
  readonly stat: ObjectStat;
  readonly #handle: ObjectHandle;
  readonly #closed = new AbortController();

  constructor(handle: ObjectHandle) {
    const { size, sha256, contentType, metadata = {}, modifiedNs } = handle.content;
    const modified = modifiedNs === undefined ? undefined : new Date(Number(modifiedNs / 1_000_000n));
    this.stat = { version: handle.version, size, sha256, contentType, metadata, modified };
    this.#handle = handle;
  }

  /** Up to `length` bytes from `position`; fewer at the end, none beyond it. */
  async read(position: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    using read = await this.#open({ start: position, end: position + length - 1 });
    return await readWhole(read);
  }

  /** The bytes from `start` to `end` (inclusive, as in Node's `createReadStream`), by default all. */
  createReadStream({ start = 0, end }: { readonly start?: number; readonly end?: number } = {}): Readable {
    const range = start === 0 && end === undefined ? undefined : end === undefined ? { start } : { start, end };
    return toReadable(() => this.#open(range));
  }

  async #open(range: ByteRange | undefined): Promise<ObjectRead> {
    if (range !== undefined && !isByteRange(range))
      throw new RangeError(`not a range of bytes: ${JSON.stringify(range)}`);
    return this.#handle.read(range, this.#closed.signal);
  }

  /** Reads under way end with `aborted`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
  }
}
