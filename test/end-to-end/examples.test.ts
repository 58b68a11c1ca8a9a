import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfiguration } from '../../src/config/load.ts';
import { Sandbox } from '../cli/sandbox.ts';
import { startedPrograms } from '../started-files.ts';
import type { Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';

const repository = resolve(import.meta.dirname, '../..');
const examples = resolve(repository, 'examples');
const hook = resolve(import.meta.dirname, 'resolve-source.mjs');

/** The same profiles as examples/pando.yaml, in directories. */
function openDataset(): Sandbox {
  const box = new Sandbox();
  const profile = (name: string, replicas = '') =>
    `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n${replicas}`;
  const replicas = `    replicas:
      - replica_profile: my-dataset-s3-express
        read_priority: 1
      - replica_profile: my-dataset-lustre
        read_priority: 2
`;
  box.write({
    'pando.yaml': `profiles:\n${profile('my-dataset', replicas)}${profile('my-dataset-s3-express')}${profile('my-dataset-lustre')}`,
    'my-dataset/files/my-file.txt': 'the bytes of my file',
    'my-dataset-s3-express/.keep': '',
    'my-dataset-lustre/.keep': '',
  });
  return box;
}

async function runExample(box: Sandbox, name: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', hook, resolve(examples, name)], {
    cwd: box.root,
    env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state, ...startedPrograms, ...env },
  });
  return stdout;
}

test('the configuration is valid as it stands', () => {
  const surroundings = { environment: {}, directory: '/', home: '/home' };
  const text = readFileSync(resolve(examples, 'pando.yaml'), 'utf8');
  const { profiles } = parseConfiguration(text, { file: '/pando.yaml', surroundings });
  expect(profiles['my-dataset']?.replicas).toEqual([
    { profile: 'my-dataset-s3-express', readPriority: 1 },
    { profile: 'my-dataset-lustre', readPriority: 2 },
  ]);
});

test('sync-replicas fills both replicas from one source', async () => {
  using box = openDataset();
  expect(await runExample(box, 'sync-replicas.ts')).toBe(
    'my-dataset-s3-express: 1 added, 0 updated, 0 unchanged, 0 failed, written\n' +
      'my-dataset-lustre: 1 added, 0 updated, 0 unchanged, 0 failed, written\n',
  );
  expect(box.read('my-dataset-lustre/files/my-file.txt')).toBe('the bytes of my file');
  expect(await runExample(box, 'read-from-replicas.ts')).toBe('read 20 bytes\nfrom my-dataset-s3-express\n');
});

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('sync-with-workers is carried out by two workers that share its catalog', async () => {
  using box = openDataset();
  const files = 1_200;
  box.write(Object.fromEntries(Array.from({ length: files - 1 }, (_, i) => [`my-dataset/files/${i}`, `file ${i}`])));
  const env = { PANDO_CATALOG: await server.createDatabase() };
  const work = () => box.run(['worker', '--json'], { env, interruptAfter: { file: 'done', delayMs: 50 } });
  const workers = [work(), work()];
  const said = await runExample(box, 'sync-with-workers.ts', env);
  box.write({ done: '' });
  expect(said).toBe(
    `my-dataset-s3-express: ${files} added, 0 updated, 0 unchanged, 0 failed\n` +
      `my-dataset-lustre: ${files} added, 0 updated, 0 unchanged, 0 failed\n`,
  );
  const ended = await Promise.all(workers);
  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  const pages = ended.map(({ stdout }) => (JSON.parse(stdout) as { pages: number }).pages);
  expect((pages[0] ?? 0) + (pages[1] ?? 0)).toBe(Math.ceil(files / 512));
  expect(box.read('my-dataset-lustre/files/my-file.txt')).toBe('the bytes of my file');
});

test('download-copy-open saves, copies and reads parts', async () => {
  using box = openDataset();
  expect(await runExample(box, 'download-copy-open.ts')).toBe('the last bytes:  file\nstreamed 20 bytes\n');
  expect(box.read('my-file.txt')).toBe('the bytes of my file');
  expect(box.read('my-dataset/files/my-file-copy.txt')).toBe('the bytes of my file');
});

test('download-copy-open reads the end of a file that is shorter than that', async () => {
  using box = openDataset();
  box.write({ 'my-dataset/files/my-file.txt': 'abc' });
  expect(await runExample(box, 'download-copy-open.ts')).toBe('the last bytes: abc\nstreamed 3 bytes\n');
});

test('what the README of the examples says to type works in a checkout, with whatever Node runs npm', async () => {
  using box = openDataset();
  const checkout = box.path('checkout');
  mkdirSync(checkout);
  for (const name of readdirSync(repository))
    if (/^(bin|examples|scripts|src|package.*\.json|tsconfig.*\.json)$/.test(name))
      cpSync(resolve(repository, name), resolve(checkout, name), { recursive: true });
  // What `npm ci` makes of the lock, without a download.
  symlinkSync(resolve(repository, 'node_modules'), resolve(checkout, 'node_modules'));
  // The buckets and directories are to be changed to one's own.
  box.write({ 'checkout/examples/pando.yaml': box.read('pando.yaml').replaceAll('base_path: ', 'base_path: ../../') });

  const [, block = ''] = /^```\n([^]*?)^```$/m.exec(box.read('checkout/examples/README.md')) ?? [];
  const path = (process.env['PATH'] ?? '').split(':').filter((one) => !one.includes('node_modules'));
  const { stdout } = await promisify(execFile)('bash', ['-euc', block], {
    cwd: checkout,
    env: { PATH: path.join(':'), HOME: box.root, PANDO_DATA: box.state, npm_config_update_notifier: 'false' },
  });
  expect(stdout).toMatch(/read 20 bytes\nfrom my-dataset(-s3-express)?\n$/);
});

test('fill-on-miss reads from the source first, and from the nearest replica next', async () => {
  using box = openDataset();
  expect(await runExample(box, 'fill-on-miss.ts')).toBe(
    '0 still to be done, 0 failed\nnext time from my-dataset-s3-express\n',
  );
  expect(box.read('my-dataset-s3-express/files/my-file.txt')).toBe('the bytes of my file');
});
