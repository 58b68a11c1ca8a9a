import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statfsSync } from 'node:fs';
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
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
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
  if (made !== undefined) {
    for (let parent = directory; parent.length >= dirname(made).length; parent = dirname(parent)) {
      syncDirectory(parent);
      if (parent === dirname(parent)) break;
    }
  }
  return file;
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
