import { existsSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { VerifyResult } from '../../src/engine/verify/verify-types.ts';
import { Sandbox, settled } from './sandbox.ts';

test('pando verify reads every copy again and says what is wrong with which; --repair mends it and deletes nothing', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'aaaa', 'data/b': 'bbbb', 'data/c': 'cccc', 'data/d/e': 'eeee' });
  await box.run(['sync', 'data:']);
  expect(await box.run(['verify', 'data:'])).toMatchObject({ code: 0, stderr: '' });

  box.damage('near/a');
  box.write({ 'far/extra': 'x' });
  await box.run(['rm', './far/b']);
  const { code, stdout } = await box.run(['verify', 'data:']);
  expect(settled(stdout, box)).toBe(`store  intact  missing  stale  corrupt  unreadable  extra  read
data        4        0      0        0           0      0  16 B
near        3        0      0        1           0      0  16 B
far         3        1      0        0           0      1  12 B

4 objects; every copy that is there and readable was read again, in <seconds>.

  corrupt     a  at near: its bytes are those of no version
  missing     b  at far: it is not there
  extra       extra  at far: the source has no such object
Mend it with --repair.
`);
  expect(code).toBe(1);

  const repaired = await box.run(['verify', 'data:', '--repair']);
  expect(repaired).toMatchObject({ code: 0, stdout: expect.stringContaining('Repaired: 2 copies written again') });
  expect([box.read('near/a'), box.read('far/b'), box.read('far/extra')]).toEqual(['aaaa', 'bbbb', 'x']);
  expect(await box.json<VerifyResult>('verify', 'data:')).toMatchObject({
    state: 'intact',
    objects: 4,
    targets: [
      { intact: 4, extra: 0 },
      { intact: 4, extra: 1 },
    ],
    findings: [{ key: 'extra', target: 'far', kind: 'extra' }],
  });
});

test('what is missing at the source is looked for at its copies, and told where it can be had', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'aaaa', 'data/b': 'bbbb', 'data/only': 'x' });
  await box.run(['sync', 'data:']);
  for (const name of ['a', 'only']) rmSync(box.path('data', name));
  for (const at of ['near', 'far']) rmSync(box.path(at, 'only'));
  box.damage('near/a');
  const { code, stdout } = await box.run(['verify', 'data:']);
  expect(code).toBe(1);
  expect(
    settled(stdout.slice(stdout.indexOf('3 objects')), box),
  ).toBe(`3 objects; every copy that is there and readable was read again, in <seconds>.

  missing     a  at the source: it was there, and was not deleted through Pando; intact at far
  corrupt     a  at near: its bytes are those of no version
  missing     only  at the source: it was there, and was not deleted through Pando
  missing     only  at near: it is not there
  missing     only  at far: it is not there
What is wrong at the source is not mended by itself: put the right bytes there, or delete the object with pando rm.
Where it is intact it can be read: pando get data:a
`);
  expect(await box.run(['get', 'data:a', 'data/a'])).toMatchObject({ code: 0 });
  expect((await box.run(['ls', 'far:', '--json'])).stdout).not.toContain('"scope": "far"');
  expect(box.read('data/a')).toBe('aaaa');
  const again = await box.json<VerifyResult>('verify', 'data:', '--repair');
  expect(again.findings).toMatchObject([
    { key: 'a', target: 'near', kind: 'corrupt' },
    { key: 'only', kind: 'missing', intactAt: [] },
    { key: 'only', target: 'near', kind: 'missing' },
    { key: 'only', target: 'far', kind: 'missing' },
  ]);
  expect(box.read('near/a')).toBe('aaaa');
});

test('many that are lost at the source are told to be had together', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/in/a b/1': '1', 'data/in/a b/2': '2', 'data/in/c/3': '3', 'data/z': 'z' });
  await box.run(['sync', 'data:']);
  rmSync(box.path('data/in'), { recursive: true });
  const { stdout } = await box.run(['verify', 'data:']);
  expect(stdout).toContain("Where it is intact it can be read: pando get 'data:in/a b/1'\n");
  expect(stdout).toContain("All of them: pando download 'data:in/**' --to DIRECTORY\n");
  expect(await box.run(['download', 'data:in/**', '--to', 'back'])).toMatchObject({ code: 0 });
  expect(box.list('back')).toEqual(['in/a b/1', 'in/a b/2', 'in/c/3']);
  expect(await box.run(['get', 'data:in/a b/1', 'one'])).toMatchObject({ code: 0 });
});

test('what is lost at a source, and intact only where somebody named it by hand, is read there', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a', 'src/b': 'b' });
  await box.run(['sync', 'src', 'one']);
  rmSync(box.path('src/a'));
  const { stdout } = await box.run(['verify', 'src', 'one']);
  const [, advised = ''] = /it can be read: pando get (\S+)\n/.exec(stdout) ?? [];
  expect(advised).toBe('one/a');
  expect(await box.run(['get', advised, 'got'])).toMatchObject({ code: 0 });
  expect(box.read('got')).toBe('a');
});

test('a repair of a target that takes no writes now says so, by its name, and ends as what waits does', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'data/b': 'b' });
  await box.run(['sync', 'data:']);
  box.damage('near/a');
  await box.run(['store', 'set', 'near', '--no-write']);
  const held = await box.run(['verify', 'data:', '--repair']);
  expect(held.stdout).toContain(
    '  at near: it takes no writes now: pando store set near --write, or --as-configured\n',
  );
  expect(held.stdout).not.toContain('run it again');
  expect(held.code).toBe(4);
  // What could be mended is; what cannot be at all is a failure.
  box.damage('far/b');
  const other = await box.run(['verify', 'data:', '--repair']);
  expect([other.code, other.stdout]).toEqual([4, expect.stringContaining('Repaired: 1 copy written again')]);
  box.damage('data/b');
  expect(await box.run(['verify', 'data:', '--repair'])).toMatchObject({ code: 1 });
});

test('a sync and a verification that follow where links were preserved say which option made them', async () => {
  using box = new Sandbox();
  box.write({ 'src/real/a': 'a' });
  symlinkSync('real', box.path('src/link'));
  expect(await box.run(['sync', 'src', 'one', '--symlinks', 'preserve'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'src', 'one'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('if it is a link of a sync with --symlinks preserve, say that again; else'),
  });
  expect(await box.run(['verify', 'src', 'one'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('if these are links of a sync with --symlinks preserve, say that again.'),
  });
});

test('links are judged as they were copied', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a', 'src/b': 'b' });
  symlinkSync('nowhere', box.path('src/lost'));
  symlinkSync('a', box.path('src/link'));
  for (const how of ['preserve', 'skip']) {
    await box.run(['sync', 'src', how, '--symlinks', how]);
    expect(await box.run(['verify', 'src', how, '--symlinks', how])).toMatchObject({ code: 0 });
  }
  const followed = await box.run(['verify', 'src', 'preserve']);
  expect(followed).toMatchObject({ code: 1, stdout: expect.stringContaining('--symlinks preserve') });
  expect(followed.stdout).not.toContain('missing     lost');

  rmSync(box.path('preserve/link'));
  symlinkSync('b', box.path('preserve/link'));
  const kept = ['verify', 'src', 'preserve', '--symlinks', 'preserve'];
  expect((await box.json<VerifyResult>(...kept)).findings).toMatchObject([{ key: 'link', kind: 'stale' }]);
  expect(await box.run([...kept, '--repair'])).toMatchObject({ code: 0 });
  expect(readlinkSync(box.path('preserve/link'))).toBe('a');
});

test('where there is nothing to compare with, it says what verify needs', async () => {
  using box = new Sandbox();
  box.write({ 'm/a': 'a' });
  expect(await box.run(['verify', './m'])).toMatchObject({
    code: 2,
    stderr:
      'pando: ./m: there is nothing to compare with: no target was named, and no replicas are listed for it\n' +
      '  → name one (pando verify SRC DST), or list replicas under its profile\n',
  });
});

test('a target that is gone is unreadable, not missing, and is not made: it may be a disk that is not mounted', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a' });
  await box.run(['sync', 'src', 'one']);
  renameSync(box.path('one'), box.path('away'));
  for (const how of [[], ['--repair']]) {
    expect(await box.json<VerifyResult>('verify', 'src', 'one', ...how)).toMatchObject({
      source: { intact: 1 },
      targets: [{ missing: 0, unreadable: 1 }],
    });
    expect(existsSync(box.path('one'))).toBe(false);
  }
  const { stdout } = await box.run(['verify', 'src', 'one']);
  expect(stdout).toContain('bring it back, or mount it; if it is gone for good, pando sync makes it anew');
  expect(stdout).not.toContain('--exclude');
  renameSync(box.path('away'), box.path('one'));
  expect(await box.run(['verify', 'src', 'one'])).toMatchObject({ code: 0 });
});

test('what is left out is not missed either where it is a link that leads nowhere', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a' });
  symlinkSync('nowhere', box.path('src/link'));
  for (const command of ['sync', 'verify']) {
    expect(await box.run([command, 'src', 'one', '--exclude', 'link'])).toMatchObject({ code: 0 });
    expect(await box.run([command, 'src', 'one'])).toMatchObject({ code: 1 });
  }
});

test('a copy that was not brought up to date is stale, not corrupt', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'old', 'src/b': 'b' });
  await box.run(['sync', 'src', 'one']);
  box.write({ 'src/a': 'changed' });
  const result = await box.json<VerifyResult>('verify', 'src', 'one');
  expect(result.findings).toEqual([{ key: 'a', target: 'one', kind: 'stale', message: 'it holds another version' }]);
  expect(await box.run(['verify', 'src', 'one', '--repair'])).toMatchObject({ code: 0 });
  expect(box.read('one/a')).toBe('changed');
});

test('rotten bytes at the source are not spread by a repair', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'right', 'src/b': 'b' });
  await box.run(['sync', 'src', 'one']);
  box.damage('src/a');
  const found = await box.run(['verify', 'src', 'one', '--repair']);
  expect(found).toMatchObject({ code: 1, stdout: expect.stringMatching(/corrupt +a {2}at the source/) });
  expect(box.read('one/a')).toBe('right');
});

test('a target that was never there is unreadable and is not made; the others are verified all the same', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a' });
  await box.run(['sync', 'src', 'one']);
  const result = await box.json<VerifyResult>('verify', 'src', 'one', 'two');
  expect(result.targets).toMatchObject([{ intact: 1 }, { intact: 0, unreadable: 1 }]);
  expect(existsSync(box.path('two'))).toBe(false);
});

test('Ctrl-C ends it in the middle of an object, and tells what was read', async () => {
  using box = new Sandbox();
  box.configure('    bandwidth: 1kB/s\n');
  box.write({ 'data/a': 'a', 'far/a': 'a', 'near/a': 'a', 'data/large': 'x'.repeat(100_000) });
  box.write({ 'far/large': 'x'.repeat(100_000) });
  const stopped = await box.run(['verify', 'data:'], { interruptAfter: { file: 'pando.yaml', delayMs: 2500 } });
  expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining('interrupted: the rest was not read') });
  expect(stopped.stdout).not.toContain('unreadable  large');
});

test('with -P tells how much is read of how much', async () => {
  using box = new Sandbox();
  box.configure('    bandwidth: 1MB/s\n');
  for (const at of ['data', 'near', 'far']) box.write({ [`${at}/large`]: 'x'.repeat(3_500_000) });
  const { stderr } = await box.run(['verify', 'data:', '-P']);
  expect(stderr).toMatch(/^0\/1 objects {2}[\d.]+ MB\/10\.5 MB {2}[\d.]+ [kM]B\/s {2}(\w+ left {2})?0 wrong$/m);
});

test('what only cannot be read is not promised to be mended', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a' });
  symlinkSync('nowhere', box.path('src/dangling'));
  writeFileSync(Buffer.concat([Buffer.from(box.path('src/bad')), Buffer.from([0xff])]), 'x');
  await box.run(['sync', 'src', 'one']);
  const { code, stdout } = await box.run(['verify', 'src', 'one']);
  expect(code).toBe(1);
  expect(stdout).not.toContain('--repair');
  expect(stdout).toContain('  unreadable  bad\\xff  at the source: the name is not UTF-8\n');
  expect(stdout).toContain('  unreadable  dangling  at the source: the link leads nowhere\n');
  expect(stdout).toContain('leave it out with --exclude');
});

test('where the target has a directory for what is a link by now, a repair says what makes room, and a sync with deletes mends it', async () => {
  using box = new Sandbox();
  box.write({ 'src/real/f': '1', 'src/g': '2' });
  symlinkSync('real', box.path('src/link'));
  expect(await box.run(['sync', 'src', 'one'])).toMatchObject({ code: 0 });
  const how = ['src', 'one', '--symlinks', 'preserve'];
  const { code, stdout } = await box.run(['verify', ...how, '--repair']);
  expect(code).toBe(1);
  expect(stdout).toContain('a directory lies where the file must be');
  expect(stdout).toContain('pando sync with --delete-unmatched-files takes it away');
  expect(await box.run(['sync', ...how, '--delete-unmatched-files'])).toMatchObject({ code: 0 });
  expect(readlinkSync(box.path('one/link'))).toBe('real');
  expect(await box.run(['verify', ...how])).toMatchObject({ code: 0 });
});
