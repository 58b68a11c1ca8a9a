import { closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StorageError } from '../../ports/storage.ts';
import { errorCodeOf, toStorageError } from './file-errors.ts';

/**
 * Makes the root of a store and what is missing above it, each durable in the directory it lies in (docs/stores.md, "Type file").
 * One at a time from the nearest one there is: Node's own way never ends where a file system (`/proc`) takes no directory and
 * says that something was not found. Fails with a `StorageError` that says how to mend it.
 */
export function makeRoot(basePath: string, store: string): void {
  const root = resolve(basePath);
  const missing: string[] = [];
  for (let path = root; !existsSync(path); path = dirname(path)) missing.push(path);
  for (const path of missing.toReversed()) {
    try {
      makeDirectory(path);
      flushDirectory(dirname(path));
    } catch (error) {
      throw cannotBeMade(error, path, store);
    }
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have made it in this moment.
    if (errorCodeOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

function cannotBeMade(error: unknown, path: string, store: string): StorageError {
  const above = dirname(path);
  const { kind, message } = toStorageError(error, store);
  const [why, remedy] = REASONS[errorCodeOf(error) ?? ''] ?? [message.slice(store.length + 2), ANOTHER];
  const text = `its directory ${path} cannot be made: ${why}: ${remedy}`.replaceAll('ABOVE', above);
  return new StorageError(kind === 'not-found' ? 'unsupported' : kind, { store }, text, error);
}

const ANOTHER = 'name another target';
const GIVE = `let this user write to ABOVE, make it for them, or ${ANOTHER}`;

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  EACCES: ['permission denied', GIVE],
  EPERM: ['operation not permitted', GIVE],
  EROFS: ['the file system is read-only', `mount it for writing, or ${ANOTHER}`],
  ENOENT: ['ABOVE takes no directories', ANOTHER],
  ENOTDIR: ['a file lies in its way', `move that away, or ${ANOTHER}`],
  EEXIST: ['something else lies there', `move that away, or ${ANOTHER}`],
};

function flushDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
