import os from 'node:os';
import { StorageError, type StorageErrorKind } from '../../ports/storage.ts';

const KINDS: Readonly<Record<string, readonly [StorageErrorKind, string]>> = {
  ENOENT: ['not-found', 'not found'],
  ENOTDIR: ['not-found', 'not found: a part of the path is a file'],
  EACCES: ['denied', 'permission denied'],
  EPERM: ['denied', 'operation not permitted'],
  ENOSPC: ['full', 'no space left on the device'],
  EDQUOT: ['full', 'disk quota exceeded'],
  EROFS: ['read-only', 'the file system is read-only'],
  EEXIST: ['precondition-failed', 'something is there already'],
  ENAMETOOLONG: ['invalid-key', 'the file system takes no name this long'],
  EILSEQ: ['invalid-key', 'the file system takes no such name'],
  EXDEV: ['unsupported', 'another file system is mounted there: give it a profile of its own'],
  EFBIG: ['full', 'larger than the file system or a limit allows'],
  EMFILE: ['throttled', 'too many open files'],
  ENFILE: ['throttled', 'too many open files'],
  ELOOP: ['denied', 'a symbolic link that is not followed'],
  EIO: ['unavailable', 'input/output error'],
  ESTALE: ['unavailable', 'stale file handle'],
  ETIMEDOUT: ['timeout', 'timed out'],
};

/** The one place where an errno becomes a kind. */
export function toStorageError(error: unknown, store: string, key?: string): StorageError {
  if (error instanceof StorageError) return error;
  const where = key === undefined ? { store } : { store, key };
  const { code, message } = error as NodeJS.ErrnoException;
  const [kind, why] = KINDS[code ?? ''] ?? ['unavailable', message ?? String(error)];
  return new StorageError(kind, where, why, error);
}

/** Whether a file could not be named because a directory has its name. */
export function isBlockedByDirectory(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code === 'EISDIR' || code === 'ENOTEMPTY';
}

export function errorCodeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

export function isMissing(error: unknown): boolean {
  return errorCodeOf(error) === 'ENOENT';
}

export function systemError(call: string, result: number): Error {
  return Object.assign(new Error(`${call}: ${errorCode(-result)}`), { code: errorCode(-result) });
}

function errorCode(errno: number): string {
  if (errno === os.constants.errno.EEXIST) return 'EEXIST';
  return Object.entries(os.constants.errno).find(([, value]) => value === errno)?.[0] ?? 'EIO';
}
