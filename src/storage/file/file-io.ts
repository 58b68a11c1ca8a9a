import fs, { type BigIntStats } from 'node:fs';
import { type FileStatus, toFileStatus } from './file-status.ts';
import { systemError } from './file-errors.ts';
import type { NativeFiles } from './native.ts';
import { promisify } from 'node:util';

/**
 * The file calls the adapter is written on, in two kinds. `blocking` calls are several times cheaper for small files and
 * belong to threads and processes that do nothing else; `waiting` calls go through Node's thread pool and never stop the
 * event loop, whatever a hung mount does. Callers always `await`: on a plain value that costs next to nothing.
 */
export interface FileIo {
  readonly blocking: boolean;
  open(path: string, flags: number, mode?: number): number | Promise<number>;
  close(fd: number): void | Promise<void>;
  read(fd: number, into: Uint8Array, offset: number, length: number, position: number): number | Promise<number>;
  write(fd: number, bytes: Uint8Array): number | Promise<number>;
  fstat(fd: number): FileStatus | Promise<FileStatus>;
  lstat(path: string): FileStatus | Promise<FileStatus>;
  stat(path: string): FileStatus | Promise<FileStatus>;
  fsync(fd: number): void | Promise<void>;
  chmod(fd: number, mode: number): void | Promise<void>;
  setTimes(fd: number, seconds: number): void | Promise<void>;
  rename(from: string, to: string): void | Promise<void>;
  link(from: string, to: string): void | Promise<void>;
  symlink(target: string, path: string): void | Promise<void>;
  readlink(path: string): string | Promise<string>;
  realpath(path: string): string | Promise<string>;
  unlink(path: string): void | Promise<void>;
  rmdir(path: string): void | Promise<void>;
  mkdir(path: string): void | Promise<void>;
  readdir(path: string): string[] | Promise<string[]>;
  readFile(path: string): Buffer | Promise<Buffer>;
}

type Settled<F> = F extends (...args: infer A) => infer R ? (...args: A) => Awaited<R> : F;

/** Calls that block, for who does not wait. */
export type BlockingIo = { readonly [Call in keyof FileIo]: Settled<FileIo[Call]> };

const BIG = { bigint: true } as const;

export const makeBlockingIo = (native: NativeFiles | undefined): BlockingIo => ({
  blocking: true,
  open: (path, flags, mode) => fs.openSync(path, flags, mode),
  close: (fd) => fs.closeSync(fd),
  read: (fd, into, offset, length, position) => fs.readSync(fd, into, offset, length, position),
  write: (fd, bytes) => fs.writeSync(fd, bytes),
  fstat(fd) {
    const status = native?.status?.(fd, '');
    if (typeof status === 'number') throw systemError('stat', status);
    return status ?? toFileStatus(fs.fstatSync(fd, BIG));
  },
  lstat: (path) => toFileStatus(fs.lstatSync(path, BIG)),
  stat: (path) => toFileStatus(fs.statSync(path, BIG)),
  fsync: (fd) => fs.fsyncSync(fd),
  chmod: (fd, mode) => fs.fchmodSync(fd, mode),
  setTimes: (fd, seconds) => fs.futimesSync(fd, seconds, seconds),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  symlink: (target, path) => fs.symlinkSync(target, path),
  readlink: (path) => fs.readlinkSync(path),
  realpath: (path) => fs.realpathSync.native(path),
  unlink: (path) => fs.unlinkSync(path),
  rmdir: (path) => fs.rmdirSync(path),
  mkdir: (path) => fs.mkdirSync(path),
  readdir: (path) => fs.readdirSync(path),
  readFile: (path) => fs.readFileSync(path),
});

const readAsync = promisify(fs.read);
const writeAsync = promisify(fs.write);
const fstatAsync = promisify<number, { bigint: true }, BigIntStats>(fs.fstat);

export const waitingIo: FileIo = {
  blocking: false,
  open: promisify(fs.open) as FileIo['open'],
  close: promisify(fs.close),
  read: async (fd, into, offset, length, position) => (await readAsync(fd, into, offset, length, position)).bytesRead,
  write: async (fd, bytes) => (await writeAsync(fd, bytes)).bytesWritten,
  fstat: async (fd) => toFileStatus(await fstatAsync(fd, BIG)),
  lstat: async (path) => toFileStatus(await fs.promises.lstat(path, BIG)),
  stat: async (path) => toFileStatus(await fs.promises.stat(path, BIG)),
  fsync: promisify(fs.fsync),
  chmod: promisify(fs.fchmod),
  setTimes: async (fd, seconds) => promisify(fs.futimes)(fd, seconds, seconds),
  rename: (from, to) => fs.promises.rename(from, to),
  link: (from, to) => fs.promises.link(from, to),
  symlink: (target, path) => fs.promises.symlink(target, path),
  readlink: (path) => fs.promises.readlink(path),
  realpath: promisify(fs.realpath.native) as (path: string) => Promise<string>,
  unlink: (path) => fs.promises.unlink(path),
  rmdir: (path) => fs.promises.rmdir(path),
  mkdir: (path) => fs.promises.mkdir(path),
  readdir: (path) => fs.promises.readdir(path),
  readFile: (path) => fs.promises.readFile(path),
};
