import fs from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes one of Pando's own directories in a store and up to `levels` of its path, from its end; what is above them never, least of all
 * the root. Step by step, because Node's own way tells of a file system that is read-only that something was not found.
 */
export function makeOwnDirectory(path: string, levels: number, mode?: number): void {
  if (levels > 1) makeOwnDirectory(dirname(path), levels - 1, mode);
  try {
    fs.mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
