// What tests start in threads and processes of their own, in few files each: a test pays for the start of every one of them.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundle, removeOld, THREADS } from './bundle.mjs';

const PROGRAMS = [
  'test/catalog/recorder-child.ts',
  'test/end-to-end/hourly-worker-child.ts',
  'test/faults/put-child.ts',
  'test/faults/sync-child.ts',
  'test/storage/upload-child.ts',
  'test/uploads/upload-child.ts',
];

/** Resolves to a directory with them; undefined: the sources are run as they are, and say what is wrong with them. */
export async function bundleTestPrograms(root) {
  const all = join(root, 'node_modules/.cache/pando-tests');
  try {
    // As test/started-files.ts looks for them: beside each other, where threads are looked for.
    const entries = Object.fromEntries(
      PROGRAMS.map((path) => [path.slice(0, -'.ts'.length).replaceAll('/', '-'), path]),
    );
    const files = await bundle(root, join(all, 'made'), {
      entries: { index: 'src/index.ts', ...THREADS, ...entries },
      inMemory: true,
    });
    const hash = createHash('sha256');
    for (const { path, contents } of files) hash.update(`${basename(path)}\0`).update(contents);
    const wanted = join(all, hash.digest('hex').slice(0, 16));
    keep(wanted, files);
    for (const name of readdirSync(all)) removeOld(join(all, name));
    return wanted;
  } catch {
    return undefined;
  }
}

/** Under one name for one content: what Node has compiled of them is found again by the next run. */
function keep(wanted, files) {
  const all = dirname(wanted);
  mkdirSync(all, { recursive: true });
  if (!existsSync(wanted)) {
    const making = mkdtempSync(join(all, 'making-'));
    for (const { path, contents } of files) writeFileSync(join(making, basename(path)), contents);
    try {
      renameSync(making, wanted);
    } catch (error) {
      rmSync(making, { recursive: true });
      // Another run was first.
      if (!existsSync(wanted)) throw error;
    }
  }
  const now = new Date();
  utimesSync(wanted, now, now);
}
