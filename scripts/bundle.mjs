// Pando in few files: one for each entry (the command, the library, the threads and workers) and the chunks they share, because
// hundreds of small ones cost a command most of its start.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleOf } from '../bin/find-main.mjs';

/** Looked for beside whoever starts them. */
export const THREADS = {
  'worker-entry': 'src/worker-entry.ts',
  'sqlite-thread': 'src/catalog/sqlite-thread.ts',
  'listing-thread': 'src/storage/file/listing-thread.ts',
  'small-puts-thread': 'src/storage/file/small-puts-thread.ts',
};
const ENTRIES = { index: 'src/index.ts', testing: 'src/testing/index.ts', main: 'src/cli/main.ts', ...THREADS };

/** `inMemory`: resolves to the files, and writes none. */
export async function bundle(root, outdir, { entries = ENTRIES, inMemory = false } = {}) {
  // Not there before the set-up.
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
    write: !inMemory,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: !inMemory,
    // Loaded only where they are needed, or native, or the user's own.
    external: ['koffi', 'pg', 'pino', 'ssh2', '@aws-sdk/*', '@smithy/*', 'vitest'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outputFiles;
}

/** A process that was started before an edit goes on with the bundle it has; so long after the last start of one. */
const KEPT_MS = 5 * 24 * 3_600_000;

/** Bundles a checkout for its own `pando`, unless its sources are bundled as they are. */
export async function bundleCheckout(root) {
  const wanted = bundleOf(root);
  if (existsSync(wanted)) return;
  const all = dirname(wanted);
  try {
    mkdirSync(all, { recursive: true });
    await makeBundle(root, wanted);
    for (const name of readdirSync(all)) removeOld(join(all, name));
  } catch {
    // The sources are run as they are, and say what is wrong with them.
  }
}

async function makeBundle(root, wanted) {
  const making = mkdtempSync(join(dirname(wanted), 'making-'));
  try {
    await bundle(root, join(making, 'dist'));
    copyFileSync(join(root, 'package.json'), join(making, 'package.json'));
    // Sources that were edited meanwhile have another; somebody else may have been first.
    if (bundleOf(root) === wanted && !existsSync(wanted)) renameSync(making, wanted);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

export function removeOld(directory) {
  if (statSync(directory).mtimeMs < Date.now() - KEPT_MS) rmSync(directory, { recursive: true, force: true });
}
