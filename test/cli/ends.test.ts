import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const bin = resolve(import.meta.dirname, '../../bin');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As a launcher of another Node starts it, in a group of its own. */
function launch(box: Sandbox, args: readonly string[]): { readonly pid: number; readonly ended: Promise<Ended> } {
  const program = `import { handOver } from ${JSON.stringify(resolve(bin, 'hand-over.mjs'))};
    await handOver(process.execPath, ${JSON.stringify([resolve(bin, 'pando.mjs'), ...args])}, { passedAs: 'SIGUSR2' });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: box.root,
    env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, ...said })));
  return { pid: child.pid ?? 0, ended };
}

/** A sync that takes its time, some time after it has begun. */
async function launchSync(box: Sandbox): Promise<ReturnType<typeof launch>> {
  for (let at = 0; at < 40; at++) box.write({ [`data/${at}`]: 'x'.repeat(100_000) });
  const launched = launch(box, ['sync', './data', './copy', '--bandwidth', '400k']);
  while (!existsSync(box.path('copy/.pando/lease'))) await sleep(20);
  await sleep(1_500);
  return launched;
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s to the whole group is one: it ends in order, and says what was done',
  async (signal) => {
    using box = new Sandbox();
    const { pid, ended } = await launchSync(box);
    process.kill(-pid, signal);
    expect(await ended).toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/copy .*\d/),
      stderr: expect.stringContaining('interrupted: what was copied stays'),
    });
  },
);

test('a signal to the launcher alone is passed on', async () => {
  using box = new Sandbox();
  const { pid, ended } = await launchSync(box);
  process.kill(pid, 'SIGTERM');
  expect(await ended).toMatchObject({ code: 130, stderr: expect.stringContaining('what was copied stays') });
});

test('what cannot be written to stdout is said in one line, and whether what was asked for is done all the same', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'a' });
  for (const [args, more] of [
    [['sync', './data', './copy', '--json'], '; what was asked for is done'],
    [['ls', './data'], ''],
    [['cat', './data/a'], ''],
  ] as const) {
    const child = spawn(process.execPath, [resolve(bin, 'pando.mjs'), ...args], {
      cwd: box.root,
      env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state },
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise((done) => child.once('close', done));
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`^pando: stdout: no space is left on the device${more}\\n$`, 'm')),
    ]);
  }
  expect(box.read('copy/a')).toBe('a');
});

test('a launcher that is killed takes its command with it, in order', async () => {
  using box = new Sandbox();
  const { pid, ended } = await launchSync(box);
  process.kill(pid, 'SIGKILL');
  // Its streams close when the last process that has them is gone.
  expect(await ended).toMatchObject({ code: null, stderr: expect.stringContaining('what was copied stays') });
  expect(box.list('copy').length).toBeLessThan(40);
});
