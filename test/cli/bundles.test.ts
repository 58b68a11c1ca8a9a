import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const repository = resolve(import.meta.dirname, '../..');
const load = async <T>(path: string): Promise<T> => (await import(pathToFileURL(join(repository, path)).href)) as T;
const { findMain, bundleOf } =
  await load<Record<'findMain' | 'bundleOf', (root: string) => string>>('bin/find-main.mjs');
const { bundleCheckout } = await load<{ bundleCheckout: (root: string) => Promise<void> }>('scripts/bundle.mjs');

const DAY_S = 86_400;

test('a bundle that is started from is kept when the sources are edited, and goes long after its last start', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-checkout-'));
  try {
    const write = (name: string, text: string): void => {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    };
    const threads = ['worker-entry', 'catalog/sqlite-thread', 'storage/file/listing-thread'];
    const entries = ['index', 'testing/index', 'cli/main', ...threads, 'storage/file/small-puts-thread'];
    for (const name of entries) write(`src/${name}.ts`, 'export const main = 1;');
    write('package.json', '{"version": "1.0.0"}');
    await bundleCheckout(root);
    const first = bundleOf(root);
    const main = join(first, 'dist/main.js');
    expect(existsSync(main)).toBe(true);
    const age = (days: number): void => utimesSync(first, Date.now() / 1000, Date.now() / 1000 - days * DAY_S);

    age(30);
    expect(findMain(root)).toBe(main);
    expect(statSync(first).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    age(3);
    write('package.json', '{"version": "1.0.1"}');
    expect(bundleOf(root)).not.toBe(first);
    await bundleCheckout(root);
    expect(existsSync(main)).toBe(true);
    age(30);
    write('package.json', '{"version": "1.0.2"}');
    await bundleCheckout(root);
    expect(existsSync(main)).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a worker whose threads do not start ends, and says why', async () => {
  using box = new Sandbox();
  const profile = (name: string) => `  ${name}:\n    storage_provider: {type: file, options: {base_path: ./${name}}}\n`;
  box.write({ 'pando.yaml': `profiles:\n${profile('data')}${profile('far')}`, 'data/a': 'a', 'far/.keep': '' });
  await box.run(['sync', 'data:']);
  await box.run(['rule', 'add', 'data:a', '--copies', '1', '--stores', 'far']);
  // Where the libraries are found that are not in it.
  const lost = mkdtempSync(join(repository, 'node_modules/.cache/pando-lost-'));
  try {
    cpSync(bundleOf(repository), lost, { recursive: true });
    rmSync(join(lost, 'dist/worker-entry.js'));
    const launcher = join(lost, 'pando.mjs');
    writeFileSync(launcher, "process.exitCode = await (await import('./dist/main.js')).main(process.argv.slice(2));");
    expect(await box.run(['worker'], { launcher })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/copy workers do not start, .*Cannot find module .*worker-entry\.js/),
    });
  } finally {
    rmSync(lost, { recursive: true });
  }
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(box.list('far')).toHaveLength(2);
}, 60_000);
