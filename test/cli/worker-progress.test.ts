import { expect, test } from 'vitest';
import { describeWork } from '../../src/cli/worker-progress.ts';
import { Sandbox } from './sandbox.ts';

test('progress tells what was done, how fast, and how long what waits will take', () => {
  const none = { done: 0, moot: 0, postponed: 0, failed: 0 };
  expect(describeWork(none, { pending: 0 }, 1000)).toBe('0 done');
  expect(describeWork(none, { pending: 7, away: ['bern'] }, 1000)).toBe('0 done  7 copies wait  no answer from bern');
  expect(describeWork({ ...none, done: 30, postponed: 2, failed: 1 }, { pending: 90 }, 10_000)).toBe(
    '30 done  2 to be tried again  1 failed  3.0/s  90 copies wait  30s left',
  );
  expect(describeWork({ ...none, done: 50_000 }, { pending: 100_000 }, 10_000)).toBe(
    '50000 done  5000/s  100000 copies wait  20s left',
  );
});

test('a worker shows it where it is asked to', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/.keep': '', 'near/.keep': '', 'far/.keep': '' });
  await box.run(['put', '-', 'data:x'], { input: 'bytes' });
  const ran = await box.run(['worker', '--until-idle', '--progress']);
  expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching(/^[12] done  /m) });
  expect(ran.stdout).toMatch(/^[12] done, /);
});
