import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const directory = process.env['PANDO_TEST_PROGRAMS'];

/** The environment of a process that is to find what the run has bundled (scripts/test-programs.mjs). */
export const startedPrograms = directory === undefined ? {} : { PANDO_TEST_PROGRAMS: directory };

/** What to start in place of a source, of the tests or of Pando's threads: the same in few files, where the run has bundled it. */
export function startedFile(source: string): string {
  const path = relative(root, source);
  if (directory === undefined || path.startsWith('..')) return source;
  const name = path.startsWith('src/') ? basename(path) : path.replaceAll('/', '-');
  const bundled = join(directory, `${name.replace(/\.ts$/, '')}.js`);
  return existsSync(bundled) ? bundled : source;
}
