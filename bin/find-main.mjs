// Runs on any Node from 18 on.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The module with Pando's `main`. A checkout has its sources, which Node runs as they are, and, once it was set up, the same in few
 * files, which start in a third of the time: those are taken where they were made of just these sources.
 */
export function findMain(root) {
  if (!existsSync(join(root, 'src'))) return join(root, 'dist/main.js');
  const bundle = bundleOf(root);
  const bundled = join(bundle, 'dist/main.js');
  if (!existsSync(bundled)) return join(root, 'src/cli/main.ts');
  noteUse(bundle);
  return bundled;
}

/** Those in use are kept when the sources have been edited: a process loads parts of its bundle long after its start. */
function noteUse(bundle) {
  try {
    const now = new Date();
    utimesSync(bundle, now, now);
  } catch {
    // It is somebody else's.
  }
}

/** The directory with the bundle of a checkout's sources as they are now, if there is one: each edit has another. */
export function bundleOf(root) {
  const source = join(root, 'src');
  const hash = createHash('sha256');
  // Libraries are bundled, too.
  const lock = join(root, 'package-lock.json');
  if (existsSync(lock)) hash.update(`${statSync(lock).mtimeMs}\n`);
  // Its version is told.
  hash.update(readFileSync(join(root, 'package.json')));
  // In the order of the file system, which is the same until something is edited.
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const status = statSync(join(source, name));
    if (status.isFile()) hash.update(`${name}\0${status.size} ${status.mtimeMs}\n`);
  }
  return join(root, 'node_modules/.cache/pando', hash.digest('hex').slice(0, 16));
}
