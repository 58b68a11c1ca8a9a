import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const PROFILES = ['inbox', 'a', 'b']
  .map((name) => `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n`)
  .join('');

/** Objects of a scope, with a copy each at two stores. */
async function openCopied(): Promise<Sandbox> {
  const sandbox = new Sandbox();
  sandbox.write({ 'pando.yaml': `profiles:\n${PROFILES}`, 'inbox/x': '', 'a/x': '', 'b/x': '' });
  for (const name of ['inbox', 'a', 'b']) rmSync(sandbox.path(name, 'x'));
  for (let at = 0; at < 12; at++) {
    sandbox.write({ [`written/run-${at}`]: `bytes of run ${at}` });
    const { code, stderr } = await sandbox.run(['put', `written/run-${at}`, `pando://inbox/run-${at}`]);
    if (code !== 0) throw new Error(stderr);
  }
  await sandbox.run(['rule', 'add', 'inbox:*', '--copies', '2', '--stores', 'a|b']);
  expect(await sandbox.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  return sandbox;
}

function fileOf(sandbox: Sandbox, store: string, name: string): string {
  const found = readdirSync(sandbox.path(store), { recursive: true, encoding: 'utf8' }).find((one) =>
    one.endsWith(`/${name}`),
  );
  return join(sandbox.path(store), found ?? 'none');
}

test('pando plan tells what would be, pando audit what is wrong, and mends it; the exit code says which', async () => {
  using sandbox = await openCopied();
  expect(await sandbox.run(['audit'])).toMatchObject({ code: 0 });
  const planned = await sandbox.run(['plan', 'rule', 'inbox:run-1*', '--copies', '3', '--stores', '*']);
  expect(planned.stdout).toContain('3 objects');
  expect(planned.stdout).toContain('Nothing would be copied.');
  const loss = await sandbox.run(['plan', '--lose', 'b']);
  expect(loss.stdout).toContain('Without a place: 12 copies.');
  const changed = await sandbox.json<{ copies: number; stores: unknown[] }>(
    'plan',
    'update',
    '1',
    '--stores',
    'a|inbox',
  );
  expect(changed).toMatchObject({ copies: 0 });
  rmSync(fileOf(sandbox, 'a', 'run-3'));
  truncateSync(fileOf(sandbox, 'a', 'run-5'), 4);
  sandbox.write({ 'a/mine.txt': 'nobody knows me' });
  const found = await sandbox.run(['audit', 'a']);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/lost +inbox:run-3/);
  expect(found.stdout).toMatch(/corrupt +inbox:run-5/);
  expect(found.stdout).toMatch(/dark +mine\.txt/);
  expect(found.stdout).toContain('--repair copies again what is lost and sets aside what is dark');
  expect(existsSync(sandbox.path('a/mine.txt'))).toBe(true);

  const few = await sandbox.run(['audit', 'a', '--repair', '--max-difference', '5']);
  expect(few).toMatchObject({ code: 5 });
  expect(few.stdout).toContain(
    '1 of 12 copies are lost (8.4 %): nothing was done about them. If that is right, say so with --max-difference 9%',
  );

  const repaired = await sandbox.run(['audit', 'a', '--repair', '--max-difference', '9%']);
  expect(repaired).toMatchObject({ code: 0 });
  expect(repaired.stdout).toContain('1 set aside in .pando/dark');
  expect(existsSync(sandbox.path('a/mine.txt'))).toBe(false);
  expect(await sandbox.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  type Audited = { stores: { store: string; state: string; counts: { ok: number } }[] };
  const { stores } = await sandbox.json<Audited>('audit', '--checksum');
  expect(stores.map(({ store, state, counts }) => [store, state, counts.ok])).toEqual([
    ['inbox', 'clean', 12],
    ['a', 'clean', 12],
    ['b', 'clean', 12],
  ]);

  const kept = await sandbox.json<{ store: string; removed: number; kept: number }[]>(
    'audit',
    '--remove-dark',
    '--older-than',
    '1h',
  );
  expect(kept.find(({ store }) => store === 'a')).toMatchObject({ removed: 0, kept: 1 });
  rmSync(sandbox.path('b'), { recursive: true });
  expect(await sandbox.run(['audit', 'b', '--repair'])).toMatchObject({ code: 4 });
});

test('pando audit refuses what makes no sense together, and mirrors', async () => {
  using sandbox = new Sandbox();
  sandbox.configure();
  const mirror = await sandbox.run(['audit', 'near']);
  expect(mirror).toMatchObject({ code: 2 });
  expect(mirror.stderr).toContain('near mirrors data');
  expect(mirror.stderr).toMatch(/pando verify data:$/m);
  const source = await sandbox.run(['audit', 'data']);
  expect(source).toMatchObject({ code: 2 });
  expect(source.stderr).toContain('data has replicas: its files are compared with theirs');
  expect(source.stderr).toMatch(/pando verify data:$/m);
  expect(await sandbox.run(['audit', '--remove-dark'])).toMatchObject({ code: 2 });
  expect((await sandbox.run(['audit', '--adopt', '--older-than', '3d'])).stderr).toContain('belong to --remove-dark');
  expect((await sandbox.run(['audit', 'nere'])).stderr).toContain('no profile is called "nere"');
});

test('an audit that repairs ends with code 1 where it leaves wrong copies that nobody brings anew, and says how to mend them', async () => {
  using sandbox = await openCopied();
  sandbox.damage('inbox/run-1');
  sandbox.damage('inbox/run-2');
  for (let time = 0; time < 2; time++) {
    const repaired = await sandbox.run(['audit', 'inbox', '--repair', '--checksum', '--max-difference', '100%']);
    expect(repaired).toMatchObject({ code: 1, stdout: expect.stringContaining('2 recorded as wrong') });
    expect(repaired.stdout).toContain('2 of them no rule brings anew');
    expect(repaired.stdout).not.toContain('pando worker brings');
  }
  const bytes = await sandbox.run(['cat', 'inbox:run-1']);
  expect(bytes).toMatchObject({ code: 0, stdout: 'bytes of run 1' });
});

test('an unreachable store has no counts, and was not audited in part', async () => {
  using sandbox = await openCopied();
  rmSync(sandbox.path('b'), { recursive: true });
  for (let time = 0; time < 2; time++) {
    const away = await sandbox.run(['audit', 'b']);
    expect(away).toMatchObject({ code: 4, stdout: expect.stringContaining('unreachable: nothing is concluded') });
    expect(away.stdout).not.toContain('it went on where an audit was interrupted');
    const [, row] = away.stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(row).toEqual(['b', '12', '-', '-', '-', '-', '-', '-', '12', '-', '0 B']);
  }
});

test('pando plan makes not even a catalog', async () => {
  using empty = new Sandbox();
  empty.write({ 'pando.yaml': `profiles:\n${PROFILES}` });
  const lost = await empty.run(['plan', '--lose', 'a']);
  expect(lost).toMatchObject({ code: 0 });
  expect(lost.stdout).toContain('No object would be lost with it.');
  expect(readdirSync(empty.state)).toEqual([]);
  expect(await empty.run(['plan'])).toMatchObject({ code: 2 });
});

test('an audit that makes known what was written again at a source has mended it', async () => {
  using sandbox = await openCopied();
  sandbox.write({ 'inbox/run-1': 'written again by somebody' });
  const audit = ['audit', 'inbox', '--max-difference', '100%'];
  expect(await sandbox.run(audit)).toMatchObject({ code: 1, stdout: expect.stringContaining('inbox:run-1') });
  expect(await sandbox.run([...audit, '--repair'])).toMatchObject({ code: 0 });
  expect(await sandbox.run(audit)).toMatchObject({ code: 0 });
  expect(sandbox.read('inbox/run-1')).toBe('written again by somebody');
});
