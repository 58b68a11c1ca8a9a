import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
const SLOW =
  'profiles:\n  data:\n    storage_provider: {type: file, options: {base_path: data}}\n    bandwidth: 1MB/s\n';

const partsOf = (box: Sandbox): string[] => box.list().filter((name) => name.endsWith('.part'));

/** A get that takes many seconds, once it writes. */
async function startGet(box: Sandbox, ...args: readonly string[]) {
  const before = partsOf(box);
  const child = spawn(process.execPath, [launcher, 'get', ...args], {
    cwd: box.root,
    env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state },
    stdio: 'ignore',
  });
  while (partsOf(box).every((name) => before.includes(name))) await sleep(20);
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.signalCode === null) await once(child, 'close');
  };
  return { end, [Symbol.asyncDispose]: end };
}

test('get leaves a file of the same bytes as it is, and what is done to it meanwhile stays', async () => {
  using box = new Sandbox();
  box.write({ 'data/z': 'z', a: 'the object', 'pando.yaml': SLOW });
  await box.run(['put', 'a', 'data:a']);
  const before = statSync(box.path('a'));
  expect(await box.run(['get', 'data:a'])).toMatchObject({ code: 0, stderr: 'a: complete and verified, as it was\n' });
  expect(statSync(box.path('a'))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
});

test('what is no file is not put, and nobody waits for it', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a' });
  execFileSync('mkfifo', [box.path('pipe')]);
  expect(await box.run(['put', 'pipe', 'data:x'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/pipe is no file\n {2}→ .*pando put - data:x < pipe/),
  });
  expect(existsSync(box.path('data/x'))).toBe(false);
});

test('get takes away what one that was killed has left, and nothing that is being written', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'x'.repeat(40_000_000), 'data/small': 's', 'pando.yaml': SLOW });
  await using killed = await startGet(box, 'data:a');
  const [left] = partsOf(box);
  await killed.end();
  expect(partsOf(box)).toEqual([left]);
  await using other = await startGet(box, 'data:a');
  const living = partsOf(box);
  expect(living).toHaveLength(1);
  expect(living).not.toContain(left);
  expect(await box.run(['get', 'data:small'])).toMatchObject({ code: 0 });
  expect(partsOf(box)).toEqual(living);
  await other.end();
});

test('put --wait does not wait for a replica whose directory was never made, and says what makes it', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/x': 'x', 'near/y': 'y', 'new.txt': 'new' });
  const startedMs = Date.now();
  const { code, stderr } = await box.run(['put', 'new.txt', 'data:new.txt', '--wait']);
  expect(code).toBe(4);
  expect(Date.now() - startedMs).toBeLessThan(15_000);
  expect(stderr).toContain(`its directory ${box.path('far')} does not exist`);
  expect(stderr).toContain('if no disk is to be mounted there, pando sync pando://data makes what is missing\n');
  expect(box.read('near/new.txt')).toBe('new');
  await box.run(['sync', 'data:']);
  expect(await box.run(['put', 'new.txt', 'data:newer.txt', '--wait'])).toMatchObject({ code: 0 });
});
