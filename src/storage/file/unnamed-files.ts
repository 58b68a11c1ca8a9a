import fs from 'node:fs';
import os, { availableParallelism } from 'node:os';
import type { BlockingIo, FileIo } from './file-io.ts';
import type { NativeFiles } from './native.ts';
import type { StagingArea } from './staging-area.ts';

const { O_WRONLY, O_DIRECTORY } = fs.constants;
/** Linux; Node has no name for it. */
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const { ENOENT } = os.constants.errno;

/** A page of copies holds so many items; no more are staged at once in one worker. */
const OPEN_MAX = 512;

/**
 * Staged files that have no name until they are published: cheaper than a rename out of a staging directory, and gone by
 * themselves with a writer that dies. Each is an open descriptor, so only so many are given as the process can spare
 * (docs/stores.md, "Type file"); beyond that, and where the system has no such files, the caller takes names. They are made in
 * the staging directory: where a disk was unmounted that directory is gone too, and nothing lands on the disk below.
 */
export class UnnamedFiles {
  readonly #io: FileIo;
  readonly #native: NativeFiles | undefined;
  readonly #staging: StagingArea;
  readonly #open = new Set<number>();
  #link: ((fd: number, to: string) => number) | undefined;
  readonly #limit: number;
  #max: number | undefined;

  constructor(options: {
    io: FileIo;
    native: NativeFiles | undefined;
    staging: StagingArea;
    max: number | undefined;
  }) {
    this.#limit = options.max ?? OPEN_MAX;
    this.#io = options.io;
    this.#native = options.native;
    this.#staging = options.staging;
  }

  /** An open file to be written; undefined: take a name. */
  async create(mode: number): Promise<number | undefined> {
    const max = (this.#max ??= await this.#findMax());
    if (this.#open.size >= max) return undefined;
    const fd = await this.#tryOpen(mode);
    if (fd !== undefined) this.#open.add(fd);
    return fd;
  }

  /** As `create`, for who does not wait; undefined also where that is needed first. */
  createAtOnce(io: BlockingIo, mode: number): number | undefined {
    if (this.#max === undefined || this.#open.size >= this.#max) return undefined;
    try {
      const fd = io.open(this.#staging.directory(), O_WRONLY | O_TMPFILE, mode);
      this.#open.add(fd);
      return fd;
    } catch {
      return undefined;
    }
  }

  closeAtOnce(io: BlockingIo, fd: number): void {
    if (this.#open.delete(fd)) io.close(fd);
  }

  /** 0, or a negative errno: -EEXIST where the name is taken. The file stays open. */
  link(fd: number, to: string): number {
    return this.#link?.(fd, to) ?? -ENOENT;
  }

  async close(fd: number): Promise<void> {
    if (this.#open.delete(fd)) await this.#io.close(fd);
  }

  async closeAll(): Promise<void> {
    for (const fd of this.#open) await this.close(fd);
  }

  async #tryOpen(mode: number): Promise<number | undefined> {
    try {
      return await this.#io.open(this.#staging.directory(), O_WRONLY | O_TMPFILE, mode);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EMFILE' || code === 'ENFILE') return undefined;
      throw error;
    }
  }

  /** Tried once for each store: whether its file system has such files, and how this process may name one. */
  async #findMax(): Promise<number> {
    const native = this.#native;
    if (native === undefined || this.#limit === 0) return 0;
    let fd: number;
    try {
      fd = await this.#io.open(this.#staging.directory(), O_WRONLY | O_TMPFILE, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      return 0;
    }
    try {
      const path = this.#staging.nextPath();
      this.#link = [native.linkOpen, native.linkOpenByProc].find((link) => link(fd, path) === 0);
      if (this.#link === undefined) return 0;
      await this.#io.unlink(path);
      return Math.min(this.#limit, Math.floor(readOpenFilesLimit() / (16 * availableParallelism())));
    } finally {
      await this.#io.close(fd);
    }
  }
}

/** Descriptors this process may have; all workers that are threads of it share them. */
function readOpenFilesLimit(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1024);
  } catch {
    return 1024;
  }
}
