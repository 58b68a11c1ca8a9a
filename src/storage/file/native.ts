import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import { FileStatus } from './file-status.ts';

/**
 * System calls Node has no name for: extended attributes, a flush of one file system, times in nanoseconds, a rename that
 * does not replace, a name for a file that has none, and a look at a file that makes no garbage. Bound at run time to the C library; where that is not possible the caller
 * has another way (docs/stores.md, "Type file").
 *
 * All return 0 (or a length) or a negative errno.
 */
export interface NativeFiles {
  setAttribute(fd: number, name: string, value: Uint8Array): number;
  /** Length of the value, which is in `into`; -ENODATA where there is none. */
  getAttribute(fd: number, name: string, into: Uint8Array): number;
  /** Modification time; access time becomes the same. */
  setTimes(fd: number, modifiedNs: bigint): number;
  /**
   * Looks at `name` in the open directory `fd`, or for '' at the open file `fd` itself; links are not followed. A negative errno
   * where there is nothing to be seen. Undefined on systems without the call.
   */
  readonly status: ((fd: number, name: string) => FileStatus | number) | undefined;
  /** Everything written to the file system `fd` lies on is durable. Blocks. */
  syncFileSystem(fd: number): number;
  syncFileSystemAsync(fd: number): Promise<number>;
  /** Writes of this open file go past the page cache, or not any more; -EINVAL where the file system cannot. */
  setDirect(fd: number, on: boolean): number;
  /** Of the address where memory outside the heap begins. */
  remainderOfAddress(bytes: Uint8Array, divisor: number): number;
  /** Rename that fails with -EEXIST rather than replace; -EINVAL where the file system cannot. */
  renameNoReplace(from: string, to: string): number;
  /** Gives an open file that has no name its first one; -EEXIST where that is taken. */
  linkOpen(fd: number, to: string): number;
  /** The same by way of /proc, for processes that may not do it directly. */
  linkOpenByProc(fd: number, to: string): number;
}

let loaded: NativeFiles | undefined | 'not yet' = 'not yet';

/** Linux only: elsewhere the portable ways of Node are used. */
export function loadNativeFiles(): NativeFiles | undefined {
  if (loaded === 'not yet') loaded = process.platform === 'linux' ? bindLinux() : undefined;
  return loaded;
}

type Koffi = typeof import('koffi').default;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const RENAME_NOREPLACE = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const { O_DIRECT } = fs.constants;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_FOLLOW = 0x400;
const NS_PER_S = 1_000_000_000n;

/** Of `struct statx` (statx(2)): its length, and where in it lies what is asked for. */
const STATX = { bytes: 256, mode: 28, ino: 32, size: 40, modifiedSeconds: 112, modifiedNanoseconds: 120 } as const;
/** Type, mode, modification time, inode and size. */
const STATX_WANTED = 0x1 | 0x2 | 0x40 | 0x100 | 0x200;

function bindLinux(): NativeFiles | undefined {
  let koffi: Koffi;
  let library: ReturnType<Koffi['load']>;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
    library = loadLibc(koffi);
  } catch {
    return undefined;
  }
  const fsetxattr = library.func(
    'int fsetxattr(int fd, const char *name, const uint8_t *value, size_t size, int flags)',
  );
  const fgetxattr = library.func('int64_t fgetxattr(int fd, const char *name, _Out_ uint8_t *value, size_t size)');
  const futimens = library.func('int futimens(int fd, const uint8_t *times)');
  const syncfs = library.func('int syncfs(int fd)');
  const renameat2 = library.func(
    'int renameat2(int fromDir, const char *from, int toDir, const char *to, unsigned int flags)',
  );
  const fcntl = library.func('int fcntl(int fd, int command, ...)');
  // Given nothing to set it only says where it was to begin.
  const memset = library.func('uintptr_t memset(uint8_t *at, int value, size_t length)');
  const linkat = library.func('int linkat(int fromDir, const char *from, int toDir, const char *to, int flags)');
  const result: Result = (value) => (value < 0 ? -koffi.errno() : value);
  // Seconds and nanoseconds, of the access and of the modification.
  const times = new BigInt64Array(4);
  const timesBytes = new Uint8Array(times.buffer);
  return {
    status: bindStatus(library, result),
    setAttribute: (fd, name, value) => result(fsetxattr(fd, name, value, value.length, 0)),
    getAttribute: (fd, name, into) => result(Number(fgetxattr(fd, name, into, into.length))),
    setTimes(fd, modifiedNs) {
      const rest = modifiedNs % NS_PER_S;
      const nanoseconds = rest < 0n ? rest + NS_PER_S : rest;
      times[0] = times[2] = (modifiedNs - nanoseconds) / NS_PER_S;
      times[1] = times[3] = nanoseconds;
      return result(futimens(fd, timesBytes));
    },
    syncFileSystem: (fd) => result(syncfs(fd)),
    syncFileSystemAsync: (fd) =>
      new Promise((resolve, reject) => {
        syncfs.async(fd, (error: unknown, value: number) => {
          if (error) reject(error);
          else resolve(value);
        });
      }),
    setDirect(fd, on) {
      const flags = fcntl(fd, F_GETFL, 'int', 0) as number;
      if (flags < 0) return result(flags);
      return result(fcntl(fd, F_SETFL, 'int', on ? flags | O_DIRECT : flags & ~O_DIRECT));
    },
    remainderOfAddress: (bytes, divisor) => Number(BigInt(memset(bytes, 0, 0) as number | bigint) % BigInt(divisor)),
    renameNoReplace: (from, to) => result(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)),
    linkOpen: (fd, to) => result(linkat(fd, '', AT_FDCWD, to, AT_EMPTY_PATH)),
    linkOpenByProc: (fd, to) => result(linkat(AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, to, AT_SYMLINK_FOLLOW)),
  };
}

type Result = (value: number) => number;

function bindStatus(library: ReturnType<Koffi['load']>, result: Result): NativeFiles['status'] {
  const statx = library.func('int statx(int dir, const char *name, int flags, unsigned int mask, uint8_t *into)');
  const bytes = new Uint8Array(STATX.bytes);
  const view = new DataView(bytes.buffer);
  const little = os.endianness() === 'LE';
  const flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
  const readWide = (at: number): number | bigint => {
    const high = view.getUint32(little ? at + 4 : at, little);
    return high < 0x20_00_00
      ? high * 2 ** 32 + view.getUint32(little ? at : at + 4, little)
      : view.getBigUint64(at, little);
  };
  /** Exact for all times a file system can keep. */
  const readSigned = (at: number): number =>
    view.getInt32(little ? at + 4 : at, little) * 2 ** 32 + view.getUint32(little ? at : at + 4, little);
  const status = (fd: number, name: string): FileStatus | number => {
    const answer = statx(fd, name, flags, STATX_WANTED, bytes) as number;
    if (answer < 0) return result(answer);
    return new FileStatus({
      typeAndMode: view.getUint16(STATX.mode, little),
      ino: readWide(STATX.ino),
      size: Number(readWide(STATX.size)),
      seconds: readSigned(STATX.modifiedSeconds),
      nanoseconds: view.getUint32(STATX.modifiedNanoseconds, little),
    });
  };
  return typeof status(AT_FDCWD, '/') === 'number' ? undefined : status;
}

function loadLibc(koffi: Koffi): ReturnType<Koffi['load']> {
  try {
    return koffi.load('libc.so.6');
  } catch {
    return koffi.load('libc.so');
  }
}
