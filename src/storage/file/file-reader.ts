import fs from 'node:fs';
import type { Attributes, Got, Head } from '../../ports/storage.ts';
import { type GetOptions, StorageError } from '../../ports/storage.ts';
import { type Directories, isInside } from './directories.ts';
import { errorCodeOf, isMissing } from './file-errors.ts';
import type { FileIo } from './file-io.ts';
import type { FileMark } from './file-mark.ts';
import type { FileStatus } from './file-status.ts';
import type { NativeFiles } from './native.ts';
import { readMark } from './read-mark.ts';
import type { Sidecars } from './sidecars.ts';
import { followsFiles, type SymlinkMode } from './walk.ts';

/** Files up to this size are read in one call and given whole; larger ones come in chunks of this size. */
const WHOLE_BYTES_MAX = 1024 * 1024;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
export interface FileReaderOptions {
  readonly store: string;
  readonly io: FileIo;
  readonly native: NativeFiles | undefined;
  readonly directories: Directories;
  readonly sidecars: Sidecars;
  readonly symlinks: SymlinkMode;
  /** What a failure means for this store: chunks are consumed outside of its own error handling. */
  readonly toError: (error: unknown, key: string) => StorageError;
}

/** Bytes to be read, and how. */
interface Range {
  readonly start: number;
  readonly end: number;
  readonly into: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Opens, looks at and reads files; says `changed` when one was written to while it was read. */
export class FileReader {
  readonly #store: string;
  readonly #io: FileIo;
  readonly #native: NativeFiles | undefined;
  readonly #directories: Directories;
  readonly #sidecars: Sidecars;
  readonly #symlinks: SymlinkMode;
  readonly #toError: FileReaderOptions['toError'];

  constructor(options: FileReaderOptions) {
    this.#store = options.store;
    this.#io = options.io;
    this.#native = options.native;
    this.#directories = options.directories;
    this.#sidecars = options.sidecars;
    this.#symlinks = options.symlinks;
    this.#toError = options.toError;
  }

  async head(key: string): Promise<Head> {
    await this.#checkParent(key);
    const link = await this.#keptLink(key);
    if (link !== undefined) return link;
    const { fd, stats } = await this.#open(key);
    try {
      return await this.#headOf(key, fd, stats);
    } finally {
      await this.#io.close(fd);
    }
  }

  async get(key: string, { span, ifToken, into, signal }: GetOptions): Promise<Got> {
    await this.#checkParent(key);
    const link = await this.#keptLink(key);
    if (link !== undefined) return { head: link, body: Buffer.from(link.attributes.link ?? '') };
    const { fd, stats } = await this.#open(key);
    let handedOver = false;
    try {
      const head = await this.#headOf(key, fd, stats);
      if (ifToken !== undefined && head.token !== ifToken) {
        throw new StorageError('precondition-failed', { store: this.#store, key }, 'the file is another than expected');
      }
      const start = span?.start ?? 0;
      const end = Math.min(span?.end ?? head.size, head.size);
      const range = { start, end, into, signal };
      if (end - start <= WHOLE_BYTES_MAX) return { head, body: await this.#readWhole(key, fd, head, range) };
      handedOver = true;
      return { head, body: this.#chunks(key, fd, head, range) };
    } finally {
      if (!handedOver) await this.#io.close(fd);
    }
  }

  /** Where links to directories are not followed, nothing lies behind one: a listing shows nothing there either. */
  async #checkParent(key: string): Promise<void> {
    if (this.#symlinks === 'follow') return this.#directories.checkParent(key);
    if (await this.#directories.isDirect(key)) return;
    const why = 'not found: a symbolic link is on the way, and none is followed';
    throw new StorageError('not-found', { store: this.#store, key }, why);
  }

  /** A link that is an object of its own. */
  async #keptLink(key: string): Promise<Head | undefined> {
    if (this.#symlinks === 'preserve') return this.#headLink(key);
    if (this.#symlinks !== 'follow-files') return undefined;
    const filePath = this.#directories.pathOf(key);
    if ((await this.#io.lstat(filePath)).kind !== 'link') return undefined;
    return (await this.#directories.followToFile(filePath)) === undefined ? this.#headLink(key) : undefined;
  }

  async #open(key: string): Promise<{ fd: number; stats: FileStatus }> {
    const filePath = this.#directories.pathOf(key);
    const fd = await this.#openFollowing(key, filePath);
    try {
      const stats = await this.#io.fstat(fd);
      if (stats.kind !== 'file') throw new StorageError('not-found', { store: this.#store, key }, 'it is not a file');
      return { fd, stats };
    } catch (error) {
      await this.#io.close(fd);
      throw error;
    }
  }

  /** Does not wait for a writer of a FIFO, and follows a link only where links are followed and it stays inside the root. */
  async #openFollowing(key: string, filePath: string): Promise<number> {
    try {
      return await this.#io.open(filePath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP' || !followsFiles(this.#symlinks)) throw error;
      const real = await this.#resolveLink(key, filePath);
      if (!isInside(real, await this.#directories.realRoot())) {
        throw new StorageError('denied', { store: this.#store, key }, 'the symbolic link leads out of the store');
      }
      return await this.#io.open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    }
  }

  /** A link that cannot be followed is there all the same: it is not "not found". */
  async #resolveLink(key: string, filePath: string): Promise<string> {
    try {
      return await this.#io.realpath(filePath);
    } catch (error) {
      const isLoop = errorCodeOf(error) === 'ELOOP';
      if (!isLoop && !isMissing(error)) throw error;
      // Fails where the link itself has gone meanwhile.
      await this.#io.lstat(filePath);
      const why = isLoop ? 'the symbolic link leads back to itself' : 'the symbolic link leads nowhere';
      throw new StorageError('denied', { store: this.#store, key }, why, error);
    }
  }

  async #headLink(key: string): Promise<Head | undefined> {
    const filePath = this.#directories.pathOf(key);
    const stats = await this.#io.lstat(filePath);
    if (stats.kind !== 'link') return undefined;
    const { mark } = await this.#sidecars.read(key, stats.token);
    const link = await this.#io.readlink(filePath);
    return {
      token: stats.token,
      size: Buffer.byteLength(link),
      modifiedNs: stats.modifiedNs,
      attributes: { modifiedNs: stats.modifiedNs, link },
      mark,
      digests: {},
    };
  }

  async #headOf(key: string, fd: number, stats: FileStatus): Promise<Head> {
    const token = stats.token;
    const found = await this.#readMark(key, fd, token);
    const attributes: Attributes = {
      ...found.attributes,
      modifiedNs: stats.modifiedNs,
      mode: stats.mode,
    };
    return { token, size: stats.size, modifiedNs: stats.modifiedNs, attributes, mark: found.mark, digests: {} };
  }

  async #readMark(key: string, fd: number, token: string): Promise<FileMark> {
    const native = this.#native;
    return (native === undefined ? undefined : readMark(native, fd)) ?? (await this.#sidecars.read(key, token));
  }

  async #readWhole(key: string, fd: number, head: Head, { start, end, into }: Range): Promise<Uint8Array> {
    const length = Math.max(0, end - start);
    const bytes = into === undefined || into.length < length ? Buffer.allocUnsafe(length) : into.subarray(0, length);
    let at = 0;
    while (at < bytes.length) {
      const count = await this.#io.read(fd, bytes, at, bytes.length - at, start + at);
      if (count === 0) throw this.#changed(key);
      at += count;
    }
    await this.#checkUnchanged(key, fd, head);
    return bytes;
  }

  /** A generator that was never begun runs nothing when it is returned: then the file is closed for it. */
  #chunks(key: string, fd: number, head: Head, range: Range): AsyncIterable<Uint8Array> {
    const chunks = this.#readChunks(key, fd, head, range);
    let begun = false;
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => {
        begun = true;
        return chunks.next();
      },
      return: async () => {
        if (!begun) await this.#io.close(fd);
        begun = true;
        return chunks.return(undefined);
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async *#readChunks(
    key: string,
    fd: number,
    head: Head,
    { start, end, into, signal }: Range,
  ): AsyncGenerator<Uint8Array> {
    try {
      const buffer = into ?? Buffer.allocUnsafe(WHOLE_BYTES_MAX);
      for (let at = start; at < end; ) {
        if (signal?.aborted)
          throw new StorageError('aborted', { store: this.#store, key }, 'the read was stopped', signal.reason);
        const count = await this.#io.read(fd, buffer, 0, Math.min(buffer.length, end - at), at);
        if (count === 0) throw this.#changed(key);
        at += count;
        if (at >= end) await this.#checkUnchanged(key, fd, head);
        yield buffer.subarray(0, count);
      }
    } catch (error) {
      throw this.#toError(error, key);
    } finally {
      await this.#io.close(fd);
    }
  }

  async #checkUnchanged(key: string, fd: number, head: Head): Promise<void> {
    if ((await this.#io.fstat(fd)).token !== head.token) throw this.#changed(key);
  }

  #changed(key: string): StorageError {
    return new StorageError('changed', { store: this.#store, key }, 'the file was changed while it was read');
  }
}
