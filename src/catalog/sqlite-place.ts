import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CatalogError } from '../ports/catalog.ts';

/**
 * File systems shared by machines (statfs `f_type`, linux/magic.h). SQLite's write-ahead log needs memory shared by all
 * processes that have the file open, and locks that hold; these give neither between two machines.
 */
const SHARED_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x5346414f, 'AFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
]);

/** Name of the shared file system with this `f_type`, or undefined where SQLite may lie. */
export function sharedFileSystem(type: number): string | undefined {
  return SHARED_FILE_SYSTEMS.get(type >>> 0);
}

/**
 * Makes the place of a catalog: directories for the owner only, an empty file nobody else may read, both durable.
 * Refuses file systems on which SQLite loses data. An existing file keeps its mode.
 */
export function preparePlace(path: string, fileSystemType = (directory: string) => statfsSync(directory).type): string {
  const file = resolve(path);
  const directory = dirname(file);
  const made = makeDirectories(directory, file);
  const shared = sharedFileSystem(fileSystemType(directory));
  if (shared !== undefined) {
    throw new CatalogError(
      'refused-place',
      `catalog sqlite:${file}: ${directory} is on ${shared}, where SQLite can lose data: ` +
        'put the catalog on a local disk (--data DIR), or use PostgreSQL (catalog: postgres://…)',
    );
  }
  if (!existsSync(file)) {
    closeSync(openSync(file, 'a', 0o600));
    syncDirectory(directory);
  }
  for (const path of made) syncDirectory(dirname(path));
  return file;
}

/**
 * Those that were made. One at a time from the nearest one there is: Node's own way never ends where a file system (`/proc`) takes
 * no directory and says that something was not found.
 */
function makeDirectories(directory: string, file: string): readonly string[] {
  const missing: string[] = [];
  for (let path = directory; !existsSync(path); path = dirname(path)) missing.push(path);
  for (const path of missing.toReversed()) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      // Another process may make the same place in this moment.
      if (existsSync(path) && statSync(path).isDirectory()) continue;
      const code = (error as NodeJS.ErrnoException).code ?? '';
      throw new CatalogError(
        FULL.has(code) ? 'full' : 'refused-place',
        `catalog sqlite:${file}: its directory ${path} cannot be made (${code}): put the catalog elsewhere (--data DIR)`,
        error,
      );
    }
  }
  return missing;
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
