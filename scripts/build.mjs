// npm run build: what is published. One JavaScript file for each entry (the command, the library, the threads and workers)
// and the chunks they share, because hundreds of small files cost a command its first tenth of a second; types beside it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { environment, root, runQuietly, setUp, stop } from './setup.mjs';

const node = await setUp().catch(stop);
// Not there before the set-up.
const { build } = await import('esbuild');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const types = await runQuietly('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, env: environment(node) });
if (types.status !== 0) stop(new Error((types.stdout || types.stderr).trim()));

await build({
  absWorkingDir: root,
  entryPoints: {
    index: 'src/index.ts',
    testing: 'src/testing/index.ts',
    main: 'src/cli/main.ts',
    'worker-entry': 'src/worker-entry.ts',
    'sqlite-thread': 'src/catalog/sqlite-thread.ts',
    'listing-thread': 'src/storage/file/listing-thread.ts',
  },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: true,
  // Loaded only where they are needed, or native, or the user's own.
  external: ['koffi', 'pg', 'pino', 'ssh2', '@aws-sdk/*', '@smithy/*', 'vitest'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
