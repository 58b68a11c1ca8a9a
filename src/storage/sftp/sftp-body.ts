import type { ByteSpan } from '../../domain/transfer/byte-range.ts';
import { StorageError } from '../../ports/storage.ts';
import { toStorageError } from './sftp-errors.ts';
import type { Handle, SftpSession } from './sftp-session.ts';

/** One read: below what every server answers at once (OpenSSH: 256 KiB). */
const READ_BYTES = 64 * 1024;
/** Reads on their way, so that a far server does not make each one wait for the other; memory of one body is these. */
const READS_AHEAD = 24;

/** A file's bytes as chunks; owns the handle. */
export class SftpBody implements AsyncIterableIterator<Uint8Array> {
  readonly #session: SftpSession;
  readonly #handle: Handle;
  readonly #span: ByteSpan;
  readonly #where: { readonly store: string; readonly key: string };
  readonly #signal: AbortSignal | undefined;
  readonly #reads: { position: number; length: number; bytes: Promise<Uint8Array> }[] = [];
  #next: number;
  #isOpen = true;

  constructor(
    source: { readonly session: SftpSession; readonly handle: Handle },
    span: ByteSpan,
    where: { readonly store: string; readonly key: string },
    signal: AbortSignal | undefined,
  ) {
    this.#session = source.session;
    this.#handle = source.handle;
    this.#span = span;
    this.#where = where;
    this.#signal = signal;
    this.#next = span.start;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isOpen) this.#readAhead();
    const read = this.#isOpen ? this.#reads.shift() : undefined;
    if (read === undefined) {
      this.close();
      return { done: true, value: undefined };
    }
    try {
      if (this.#signal?.aborted === true)
        throw new StorageError('aborted', this.#where, 'it was aborted', this.#signal.reason);
      const bytes = await read.bytes;
      if (bytes.length === 0)
        throw new StorageError('changed', this.#where, 'the file became shorter while it was read');
      if (bytes.length < read.length) this.#begin(read.position + bytes.length, read.length - bytes.length, 'first');
      return { done: false, value: bytes };
    } catch (error) {
      this.close();
      throw toStorageError(error, this.#where);
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.close();
    return { done: true, value: undefined };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#reads.length = 0;
    this.#session.close(this.#handle).catch(() => undefined);
  }

  #readAhead(): void {
    while (this.#reads.length < READS_AHEAD && this.#next < this.#span.end) {
      const length = Math.min(READ_BYTES, this.#span.end - this.#next);
      this.#begin(this.#next, length, 'last');
      this.#next += length;
    }
  }

  #begin(position: number, length: number, place: 'first' | 'last'): void {
    const bytes = this.#session.read(this.#handle, position, length);
    // A body that is given up asks for the failure of none of its reads.
    bytes.catch(() => undefined);
    if (place === 'last') this.#reads.push({ position, length, bytes });
    else this.#reads.unshift({ position, length, bytes });
  }
}
