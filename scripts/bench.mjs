// npm run bench [-- ROW… OPTIONS]: set-up, the peers, Pando as it is shipped (built, packed, installed), then the comparison.
// npm run bench -- sites [ROW…] [OPTIONS]: two servers, beside two zones of Ceph's gateway.
// npm run bench -- rules|catalog [OPTIONS]: what the catalog does by itself, without bytes.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { handOver } from '../bin/hand-over.mjs';
import { canInstall, installPackages, missingPackages } from './packages.mjs';
import { environment, root, runQuietly, say, secondsSince, setUp, stop } from './setup.mjs';

const node = await setUp().catch(stop);
const env = environment(node);
await demandPeers().catch(stop);

const [bench, ...options] = process.argv.slice(2);
if (bench === 'rules' || bench === 'catalog') {
  await handOver(node, [join(root, `bench/${bench}.ts`), ...options], { env });
  process.exit();
}

const scratch = mkdtempSync(join(tmpdir(), 'pando-shipped-'));
const shipped = await installShipped().then(
  (launcher) => ({ PANDO_BENCH_LAUNCHER: launcher }),
  (error) => {
    say(`pando: not available: ${error.message}`);
    return { PANDO_BENCH_MISSING: error.message.split('\n')[0] };
  },
);
const [script, words] = bench === 'sites' ? ['bench/sites/main.ts', options] : ['bench/main.ts', process.argv.slice(2)];
await handOver(node, [join(root, script), ...words], { env: { ...env, ...shipped } });
rmSync(scratch, { recursive: true, force: true });

async function demandPeers() {
  const missing = missingPackages(['peers', 'servers']);
  if (missing.length === 0) return;
  if (!canInstall())
    throw new Error(`The bench compares with these Debian packages, which are missing: ${missing.join(' ')}`);
  const failure = await installPackages(missing);
  if (failure !== undefined) throw new Error(failure);
}

/** What `npm install pando-replica` would give a user: no sources, no type stripping, no development packages. */
async function installShipped() {
  const start = Date.now();
  await demand('node', ['scripts/build.mjs'], root);
  await demand('npm', ['pack', '--silent', '--pack-destination', scratch], root);
  const archive = readdirSync(scratch).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n');
  await demand(
    'npm',
    ['install', '--silent', '--omit=dev', '--omit=peer', '--prefer-offline', join(scratch, archive)],
    scratch,
  );
  const launcher = join(scratch, 'node_modules/pando-replica/bin/pando.mjs');
  if (!existsSync(join(dirname(dirname(launcher)), 'dist/main.js'))) throw new Error('there is no command line yet');
  await demand(node, [launcher, '--version'], scratch);
  say(`set-up: built, packed and installed Pando as shipped (${secondsSince(start)})`);
  return launcher;
}

async function demand(command, args, cwd) {
  const done = await runQuietly(command, args, { cwd, env });
  if (done.status !== 0)
    throw new Error(`${command} ${args[0]} failed: ${(done.stderr || done.stdout).trim().slice(-2000)}`);
}
