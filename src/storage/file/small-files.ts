import fs from 'node:fs';
import {
  type GetOptions,
  type Published,
  type PublishOptions,
  type StageOptions,
  StorageError,
  type WholeGot,
} from '../../ports/storage.ts';
import type { Directories } from './directories.ts';
import type { BlockingIo } from './file-io.ts';
import type { NativeFiles } from './native.ts';
import { readMark } from './read-mark.ts';
import { StagedFile } from './staged-file.ts';
import type { UnnamedFiles } from './unnamed-files.ts';
import { systemError } from './file-errors.ts';
import { writeMark } from './write-mark.ts';

/** Larger ones are written past the page cache, or waited for anyway. */
const AT_ONCE_BYTES_MAX = 256 * 1024 - 1;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

export interface SmallFilesOptions {
  readonly store: string;
  readonly io: BlockingIo;
  readonly native: NativeFiles;
  readonly directories: Directories;
  readonly unnamed: UnnamedFiles;
  /** Directories may be reached by links. */
  readonly followsDirectories: boolean;
}

/**
 * The short way of small files that are read, staged and published one like the other: without a promise. Whatever is not as it mostly
 * is (a link, a directory nobody has looked at yet, a system without the calls) is answered with undefined, before anything was
 * written: the reader and the writer then go their own way, and tell what is wrong.
 */
export class SmallFiles {
  readonly #o: SmallFilesOptions;
  readonly #umask = process.umask();

  constructor(options: SmallFilesOptions) {
    this.#o = options;
  }

  /** As `FileReader.get`. */
  get(key: string, { ifToken, into }: GetOptions): WholeGot | undefined {
    const { io, native, directories, followsDirectories, store } = this.#o;
    const isKnown = followsDirectories ? directories.isKnownSafe(key) : directories.isKnownDirect(key);
    if (!isKnown) return undefined;
    const fd = this.#tryOpen(directories.pathOf(key));
    if (fd === undefined) return undefined;
    try {
      const stats = native.status?.(fd, '');
      if (stats === undefined || typeof stats === 'number') return undefined;
      const { size } = stats;
      if (stats.kind !== 'file' || size > AT_ONCE_BYTES_MAX) return undefined;
      const found = readMark(native, fd);
      const { token } = stats;
      if (found === undefined || (ifToken !== undefined && ifToken !== token)) return undefined;
      const body = into === undefined || into.length < size ? Buffer.allocUnsafe(size) : into.subarray(0, size);
      for (let at = 0; at < size; ) {
        const count = io.read(fd, body, at, size - at, at);
        if (count === 0) throw changed(store, key);
        at += count;
      }
      const after = native.status?.(fd, '');
      if (typeof after !== 'object' || !after.isSame(stats)) throw changed(store, key);
      const { modifiedNs, mode } = stats;
      const attributes = { ...found.attributes, modifiedNs, mode };
      return { head: { token, size, modifiedNs, attributes, mark: found.mark, digests: {} }, body };
    } finally {
      io.close(fd);
    }
  }

  /** As `FileWriter.stage`. */
  stage(key: string, bytes: Uint8Array, options: StageOptions): StagedFile | undefined {
    const { io, native, unnamed, store } = this.#o;
    const { attributes, mark } = options;
    const isPlain = attributes.link === undefined && mark.sha256 !== undefined;
    if (!isPlain || bytes.length > AT_ONCE_BYTES_MAX || (options.size ?? bytes.length) !== bytes.length)
      return undefined;
    const { mode, modifiedNs } = attributes;
    const fd = unnamed.createAtOnce(io, (mode ?? 0o666) | 0o200);
    if (fd === undefined) return undefined;
    try {
      for (let at = 0; at < bytes.length; ) at += io.write(fd, at === 0 ? bytes : bytes.subarray(at));
      // Before the mode: a file its owner may not write takes no mark from him.
      const marked = writeMark({ store, key, fd, native }, mark, attributes);
      if (mode !== undefined && ((mode | 0o200) & ~this.#umask) !== mode) io.chmod(fd, mode);
      if (modifiedNs !== undefined) {
        const result = native.setTimes(fd, modifiedNs);
        if (result < 0) throw systemError('the time cannot be set', result);
      }
      const { token } = io.fstat(fd);
      return new StagedFile({ key, at: { path: undefined, fd }, size: bytes.length, token, options, marked });
    } catch (error) {
      unnamed.closeAtOnce(io, fd);
      throw error;
    }
  }

  /** As `FileWriter` does one: of a file without a name, at a key that was free. */
  publish({ key, at, marked, token }: StagedFile, { ifAbsent, ifToken }: PublishOptions): Published | undefined {
    const { io, directories, unnamed } = this.#o;
    if (at.fd === undefined || !marked || ifAbsent !== true || ifToken !== undefined) return undefined;
    if (!directories.isKnownMade(key)) return undefined;
    if (unnamed.link(at.fd, directories.pathOf(key)) < 0) return undefined;
    unnamed.closeAtOnce(io, at.fd);
    return { token, verification: 'written' };
  }

  #tryOpen(path: string): number | undefined {
    try {
      return this.#o.io.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      return undefined;
    }
  }
}

function changed(store: string, key: string): StorageError {
  return new StorageError('changed', { store, key }, 'the file was changed while it was read');
}
