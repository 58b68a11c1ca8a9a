import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Path below the root → size. Pando's own directory is not part of what was copied. */
export function listTree(root: string): Map<string, number> {
  const files = new Map<string, number>();
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (path === '.pando') continue;
      if (entry.isDirectory()) walk(path);
      else files.set(path, lstatSync(join(root, path)).size);
    }
  };
  walk('');
  return files;
}

/** Throws unless both hold the same names with the same sizes. */
export function demandSameTree(expected: ReadonlyMap<string, number>, found: ReadonlyMap<string, number>): void {
  for (const [path, size] of expected) {
    if (found.get(path) !== size) throw new Error(`${path}: ${found.get(path) ?? 'no'} bytes instead of ${size}`);
  }
  if (found.size !== expected.size) throw new Error(`${found.size} files instead of ${expected.size}`);
}
