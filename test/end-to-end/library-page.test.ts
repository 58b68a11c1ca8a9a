import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { startedPrograms } from '../started-files.ts';

const hook = resolve(import.meta.dirname, 'resolve-source.mjs');
const repository = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(repository, 'docs/library.md'), 'utf8');

/** The programs of the page, each as it stands. */
const programs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text]) => text as string);

/** What the compiler says of the programs. */
async function check(box: Sandbox): Promise<string> {
  const files = programs.map((_, at) => `checked-${at}.mts`);
  box.write(Object.fromEntries(files.map((file, at) => [file, programs[at] as string])));
  box.write({
    'tsconfig.json': JSON.stringify({
      extends: resolve(repository, 'tsconfig.json'),
      compilerOptions: {
        rootDir: '/',
        paths: { 'pando-replica': [resolve(repository, 'src/index.ts')] },
        typeRoots: [resolve(repository, 'node_modules/@types')],
      },
      include: files,
    }),
  });
  const tsc = resolve(repository, 'node_modules/.bin/tsc');
  const outcome = await promisify(execFile)(tsc, ['-p', box.path('tsconfig.json'), '--noEmit']).catch(
    (error: { readonly stdout: string }) => error,
  );
  return outcome.stdout;
}

async function run(box: Sandbox, program: string): Promise<string> {
  box.write({ 'program.ts': program });
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', hook, box.path('program.ts')], {
    cwd: box.root,
    env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state, ...startedPrograms },
  });
  return stdout;
}

test('the programs of the page on the library run as they stand, and print what is told', async () => {
  using box = new Sandbox();
  const store = (name: string, more = '') =>
    `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n${more}`;
  box.write({
    'pando.yaml': `profiles:\n${store('data', '    replicas: [{replica_profile: near, read_priority: 1}]\n')}${store('near')}${store('far')}${store('third')}`,
    'files/1.txt': 'one',
    'files/2.txt': 'two',
    'data/raw/0.csv': 'a,b\n',
    'near/.keep': '',
    'far/.keep': '',
    'third/.keep': '',
  });
  expect(programs).toHaveLength(3);
  expect(await check(box)).toBe('');
  const [objects = '', rules = '', uploads = ''] = programs;
  expect(await run(box, objects)).toBe('8 1,2\n 0 0\nraw/0.csv 4\nraw/1.csv 8\nraw/2.csv 8\nnear 1 2\n');
  expect(await run(box, rules)).toBe(
    '3 6 40\nOK\n1 0 2\ndata AVAILABLE\nnear AVAILABLE\nfar AVAILABLE\nthird AVAILABLE\n0 0\n3 0\nfar 3 0 1\n',
  );
  expect(await run(box, uploads)).toBe('2\n2\n');
}, 60_000);
