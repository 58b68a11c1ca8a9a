import fs from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from '../../ports/storage.ts';
import { isMissing } from './file-errors.ts';

/**
 * Makes one of Pando's own directories in a store and up to `levels` of its path, from its end; what is above them never, least of all
 * the root. Step by step, because Node's own way tells of a file system that is read-only that something was not found.
 */
export function makeOwnDirectory(
  path: string,
  { store, levels, mode }: { readonly store: string; readonly levels: number; readonly mode?: number },
): void {
  if (levels > 1)
    makeOwnDirectory(dirname(path), { store, levels: levels - 1, ...(mode === undefined ? {} : { mode }) });
  try {
    fs.mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    isOwnDirectory(path, store);
  }
}

/** False where there is none. Fails where a link leads to somebody else's: what lies there is not ours to write to or to clean. */
export function isOwnDirectory(path: string, store: string): boolean {
  try {
    if (fs.lstatSync(path).isDirectory()) return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  throw new StorageError('denied', { store }, `${path} is no directory, which it must be to write here: remove it`);
}
