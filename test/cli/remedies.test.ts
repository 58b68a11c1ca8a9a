import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('config check lists what a store accepts beside the other problems of its profile, and with --json on stdout', async () => {
  using box = new Sandbox();
  const limits = 'limits: {incoming: 0}';
  const storage = 'storage_provider: {type: file, options: {base_path: data}}';
  box.write({ 'pando.yaml': `profiles:\n  data:\n    ${storage}\n    ${limits}\n    accepts: {replicat: true}\n` });
  const { code, stdout, stderr } = await box.run(['config', 'check', '--json']);
  expect(code).toBe(2);
  const { problems } = JSON.parse(stdout) as { problems: { path: string; remedy: string }[] };
  expect(problems.map(({ path }) => path)).toEqual(['profiles.data.limits.incoming', 'profiles.data.accepts.replicat']);
  expect(problems[0]?.remedy).toContain('leave it out for no limit');
  expect(stderr).toContain('2 problems');
});

test('of a plan on stdout nothing else is there, with --json or without', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a', 'src/b': 'b' });
  for (const more of [[], ['--json']]) {
    const { code, stdout, stderr } = await box.run(['sync', 'src', 'one', '--plan', '-', ...more]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(['a', 'b']);
    expect(stderr).toContain(more.length === 0 ? 'Dry run' : '"dryRun": true');
  }
});

test('a local file that is not there is not found, whatever was to be done with it', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a' });
  for (const args of [
    ['upload', 'absent', '--scope', 'mine'],
    ['put', 'absent', 'data:x'],
    ['sync', './absent', 'one'],
  ])
    expect(await box.run(args)).toMatchObject({ code: 3, stderr: expect.stringContaining('absent') });
});

test('what is refused says what to write, in no words of the system', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a', 'damaged/catalog.sqlite': 'this is no catalog at all. '.repeat(50) });
  const limit = await box.run(['sync', 'src', 'one', '--max-delete', 'foo']);
  expect([limit.code, limit.stderr]).toEqual([2, expect.stringMatching(/\(100\).*\(10%\)/)]);
  const names = await box.run(['sync', 'src', 'one', '--files-from', 'absent']);
  expect([names.code, names.stderr]).toEqual([2, expect.stringMatching(/'absent' is invalid.*it does not exist/)]);
  const imported = await box.run(['config', 'import-rclone', 'absent']);
  expect([imported.code, imported.stderr]).toEqual([3, 'pando: absent: it does not exist\n']);
  const damaged = await box.run(['sync', 'src', 'one', '--data', 'damaged']);
  expect([damaged.code, damaged.stderr]).toEqual([
    1,
    expect.stringMatching(/not a database\n {2}→ move that file away/),
  ]);
});

test('a worker whose source is away says why what is left waits', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'near/x': '', 'far/x': '' });
  expect(await box.run(['put', 'data/a', 'data:b'])).toMatchObject({ code: 0 });
  renameSync(box.path('data'), box.path('away'));
  const { code, stderr } = await box.run(['worker', '--until-idle']);
  expect(code).toBe(4);
  expect(stderr).toMatch(/data:b: [^]*data does not exist: mount the disk[^]*→ pando request ls/);
});
