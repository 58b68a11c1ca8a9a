// npm test [-- FILTER…]: set-up, the real servers the tests run against, then the tests. npm run test:soak [-- FILTER…]: the long ones.
// Ends with the line `N passed, N failed`; the exit code is that of vitest.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { canInstall, installPackages, missingPackages } from './packages.mjs';
import { environment, root, say, setUp, stop } from './setup.mjs';
import { bundleTestPrograms } from './test-programs.mjs';

const soak = process.argv.includes('--soak');
const filters = process.argv.slice(2).filter((argument) => argument !== '--soak');

const missing = missingPackages(soak ? ['servers', 'soak'] : ['servers']);
const installing = missing.length > 0 && canInstall() ? installPackages(missing) : Promise.resolve(undefined);
const [ready, installed] = await Promise.allSettled([setUp(), installing]);
if (ready.status === 'rejected') stop(ready.reason);
demandServers(installed.value);

const scratch = makeScratch();
const report = join(scratch, 'report.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const node = ready.value;
// The soak starts the sources as they are.
const programs = soak ? undefined : await bundleTestPrograms(root);
const env = {
  ...environment(node),
  TMPDIR: scratch,
  // Not in TMPDIR, where each run would compile anew.
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
  ...(soak ? { PANDO_SOAK: '1' } : {}),
  ...(programs === undefined ? {} : { PANDO_TEST_PROGRAMS: programs }),
};
await handOver(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...filters], {
  cwd: root,
  env,
});
const closing = summary(report);
rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
process.stdout.write(`${closing}\n`);

/** Whatever tests and servers leave behind goes with it. Servers that run as a user of their own must be able to enter. */
function makeScratch() {
  const directory = mkdtempSync(join(tmpdir(), 'pando-test-'));
  chmodSync(directory, 0o755);
  return directory;
}

/** A test against a server that is not there would prove nothing, so a full run ends here; a chosen few may not need it. */
function demandServers(failure) {
  const absent = missingPackages(soak ? ['servers', 'soak'] : ['servers']);
  if (absent.length === 0) return;
  say(
    failure ??
      `Tests run against real servers, and these Debian packages are missing: ${absent.join(' ')}\n(as root on Debian they are installed by this command)`,
  );
  if (filters.length === 0) process.exit(1);
}

function summary(file) {
  if (!existsSync(file)) return '0 passed, 1 failed';
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
  const brokenFiles = testResults.filter(
    (result) => result.status === 'failed' && result.assertionResults.length === 0,
  ).length;
  return `${numPassedTests} passed, ${numFailedTests + brokenFiles} failed`;
}
