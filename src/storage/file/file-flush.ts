import fs from 'node:fs';
import { StorageError } from '../../ports/storage.ts';
import type { Directories } from './directories.ts';
import { isMissing } from './file-errors.ts';
import type { FileIo } from './file-io.ts';
import type { NativeFiles } from './native.ts';
import { Unflushed } from './unflushed.ts';

/** From so many files on, one flush of the whole file system is cheaper than one of each file. */
const FLUSH_ALL_FROM = 8;

export interface FileFlushOptions {
  readonly store: string;
  readonly io: FileIo;
  readonly native: NativeFiles | undefined;
  readonly directories: Directories;
}

/** Makes files and directories of one store durable, each by itself or all with one flush of their file system. */
export class FileFlush {
  readonly #o: FileFlushOptions;
  /** Directories something was deleted in. */
  readonly deletedIn = new Unflushed();
  #rootFd: number | undefined;

  constructor(options: FileFlushOptions) {
    this.#o = options;
  }

  /** One flush for all where `count` files or directories are worth it; false: each is to be flushed by itself. */
  async together(count: number): Promise<boolean> {
    return count >= FLUSH_ALL_FROM && (await this.#flushAll());
  }

  /** Everything written to the file system the store lies on. Fails as `unsupported` where the system has no such call. */
  async all(): Promise<void> {
    if (!(await this.#flushAll()))
      throw new StorageError(
        'unsupported',
        { store: this.#o.store },
        'this system has no flush of a whole file system',
      );
  }

  async directories(directories: Iterable<string>): Promise<void> {
    const { directories: all } = this.#o;
    for (const directory of new Set(directories)) await this.path(directory === '' ? all.root : all.pathOf(directory));
  }

  async path(path: string): Promise<void> {
    const { io } = this.#o;
    let fd: number;
    try {
      fd = await io.open(path, fs.constants.O_RDONLY);
    } catch (error) {
      // A directory that was removed meanwhile has nothing to flush: its parent is flushed for it.
      if (isMissing(error)) return;
      throw error;
    }
    try {
      await io.fsync(fd);
    } finally {
      await io.close(fd);
    }
  }

  async close(): Promise<void> {
    if (this.#rootFd !== undefined) await this.#o.io.close(this.#rootFd);
    this.#rootFd = undefined;
  }

  /** False where the system has no such call. */
  async #flushAll(): Promise<boolean> {
    const { native, io, directories } = this.#o;
    if (native === undefined) return false;
    this.#rootFd ??= await io.open(directories.root, fs.constants.O_RDONLY);
    const result = io.blocking ? native.syncFileSystem(this.#rootFd) : await native.syncFileSystemAsync(this.#rootFd);
    if (result < 0) throw Object.assign(new Error('the file system could not be flushed'), { code: 'EIO' });
    return true;
  }
}
