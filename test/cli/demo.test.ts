import { symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('the demonstration mirrors, damages, reads right all the same and mends, and works again when run twice', async () => {
  using box = new Sandbox();
  box.write({ 'README.md': '# Things\n', 'lib/a.js': 'a', 'node_modules/m/index.js': 'm', '.git/HEAD': 'h' });
  for (const added of [2, 0]) {
    const { code, stdout, stderr } = await box.run(['demo']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('a copy of the 2 files here, without .git, node_modules');
    expect(stdout).toMatch(new RegExp(`near +${added} +0 +0 +${2 - added}`));
    expect(stdout).toContain('a byte of near:README.md flipped');
    expect(stdout).toMatch(/9 B from far, sha256 (\w{16})…\n +the source has +sha256 \1…/);
    expect(stdout).toMatch(/corrupt +README.md {2}at near/);
    expect(stdout).toContain('Repaired: 1 copy written again');
    expect(stdout).toMatch(/GET http:\/\/127\.0\.0\.1:\d+\/demo\/README\.md\n {2}200, 9 B, x-pando-sha256: \w{16}…/);
    expect(box.read('.pando-start/near/README.md')).toBe('# Things\n');
  }
  const { stdout } = await box.run(['--config', '.pando-start/pando.yaml', 'ls', 'demo:']);
  expect(stdout).toBe('README.md\nlib/a.js\n');
});

test('a directory that is named is mirrored as it is, and one that holds the replicas is refused', async () => {
  using box = new Sandbox();
  box.write({ 'photos/1.jpg': 'one', 'here/x': 'x' });
  expect(await box.run(['demo', 'photos'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('The source is photos; it is only read.'),
  });
  expect(box.list('.pando-start/far')).toEqual(['1.jpg']);
  expect(box.list('photos')).toEqual(['1.jpg']);
  expect(await box.run(['demo', '..'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('holds .pando-start'),
  });
  expect(await box.run(['demo', 'absent'])).toMatchObject({ code: 2 });
});

test('what cannot be mirrored is left out and told, and the demonstration goes on', async () => {
  using box = new Sandbox();
  box.write({ 'photos/1.jpg': 'one', 'photos/a\tb': 'tab' });
  symlinkSync('nowhere', box.path('photos/lost'));
  const { code, stdout } = await box.run(['demo', 'photos']);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /Left out, .*\n {2}a\\u0009b: it contains a control character\n {2}lost: the link leads nowhere\n/,
  );
  expect(stdout).toMatch(/Repaired: 1 copy[\s\S]*x-pando-sha256/);
  expect(stdout).not.toMatch(/--exclude|--symlinks/);
});
