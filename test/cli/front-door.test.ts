import { existsSync, mkdirSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { Sandbox } from './sandbox.ts';

describe('the front door', () => {
  test('what is not understood is told with a suggestion, and ends with 2', async () => {
    using box = new Sandbox();
    const mistakes: [args: string[], message: RegExp][] = [
      [['synk'], /unknown command 'synk'\n\(Did you mean sync\?\)/],
      [['sync', 'a', 'b', '--delete-unmached-files'], /Did you mean --delete-unmatched-files\?/],
      [['sync', 'a', 'b', '--delete'], /unknown option '--delete'\n\(Did you mean --delete-unmatched-files\?\)\n/],
      [['sync', 'a', 'b', '--bwlimit=1M'], /unknown option '--bwlimit'\n\(Did you mean --bandwidth\?\)\n/],
      [['sync', '-a', 'a', 'b'], /unknown option '-a'\n\(A sync takes directories whole/],
      [['sync', '-av', 'a', 'b'], /\n\(A sync takes directories whole.*: write -v\)/],
      [['rule', 'rm', 'abc'], /^pando: argument 'rules': 'abc' is invalid\. /],
      [['help', 'snyc'], /unknown command 'snyc'\n\(Did you mean sync\?\)/],
      [['help', 'nothing-like-it'], /unknown command 'nothing-like-it'\n/],
      [['snyc', '--help'], /unknown command 'snyc'\n\(Did you mean sync\?\)/],
      [['help', 'store', 'shwo'], /unknown command 'shwo'\n\(Did you mean show\?\)/],
      [['store', 'help', 'shwo'], /unknown command 'shwo'\n\(Did you mean show\?\)/],
      [['sync'], /missing required argument 'source'/],
      [['sync', 'a', 'b', '--max-delete', 'many'], /how many objects \(100\)/],
      [['sync', 'a', 'b', '--compare', 'time'], /Allowed choices are version, size-mtime, checksum/],
      [['audit', 'data'], /no profile is called "data"\n  → write a configuration first: pando init/],
      [['ls', 'data:x'], /names the profile "data"/],
    ];
    for (const [args, message] of mistakes) {
      const { code, stdout, stderr } = await box.run(args);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
      expect(stderr).toMatch(/^pando: /);
    }
  });

  test('help names every command, and a command’s help its options and the global ones', async () => {
    using box = new Sandbox();
    const help = await box.run(['--help']);
    expect(help.code).toBe(0);
    for (const { name, summary } of COMMANDS)
      expect(help.stdout).toMatch(new RegExp(`${name} .*${summary.slice(0, 10)}`));
    expect(help.stdout).toContain('Exit codes: 0 done');
    expect((await box.run(['help', 'verify'])).stdout).toMatch(/--repair[\s\S]*Global Options:[\s\S]*--config <file>/);
    expect(await box.run(['help'])).toMatchObject({ code: 0, stdout: help.stdout });
    for (const args of [
      ['help', 'store', 'show'],
      ['store', 'help', 'show'],
      ['store', 'show', '--help'],
    ])
      expect(await box.run(args)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Usage: pando store show /),
      });
    expect(await box.run([])).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: pando') });
    expect(await box.run(['--version'])).toMatchObject({ code: 0, stdout: 'pando 0.1.0\n' });
  });

  test('all that is wrong with a configuration is told at once, by every command, and no secret with it', async () => {
    using box = new Sandbox();
    box.write({
      'pando.yaml': `profiles:
  data:
    storage_provider: {type: file, options: {base_path: data}}
    replicas: [{replica_profile: nera, read_priority: 0}]
  near:
    storage_provder: {type: file, options: {base_path: near}}
    credentials_provider: {type: S3Credentials, options: {access_key: AKIAKEY, secret_key: hunter2}}
`,
    });
    for (const args of [['status'], ['sync', 'a', 'b'], ['config', 'check'], ['config', 'show', '--json']]) {
      const { code, stderr } = await box.run(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /has \d+ problems:[\s\S]*pando.yaml:4:[\s\S]*near[\s\S]*pando.yaml:6:[\s\S]*storage_provider/,
      );
      expect(stderr).not.toContain('hunter2');
    }
  });

  test('an address of another program is no directory, wherever one is named', async () => {
    using box = new Sandbox();
    box.write({ 'data/a': 'a' });
    for (const args of [
      ['sync', 'data', 'user@host:/backup'],
      ['sync', 'user@host:/backup', 'data'],
      ['verify', 'data', 'user@host:/backup'],
      ['get', 'data/a', 'user@host:a'],
      ['download', 'data:a', '--to', 'user@host:out'],
      ['put', 'data/a', 'user@host:/backup/a'],
      ['put', 'user@host:/backup/a', 'data/b'],
      ['init', 'data', 'user@host:/backup'],
    ]) {
      const { code, stderr } = await box.run(args);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/is an address as rsync and scp write it.*\n.*sftp/)]);
    }
    box.write({
      'pando.yaml': 'profiles: { far: { storage_provider: { type: file, options: { base_path: "u@h:/x" } } } }',
    });
    expect((await box.run(['config', 'check'])).stderr).toMatch(/pando.yaml:1:.*\n.*is an address as rsync and scp/);
    expect(box.list()).toEqual(['data/a', 'pando.yaml']);
    box.remove('pando.yaml');
    expect(await box.run(['sync', 'data', './user@host:/backup'])).toMatchObject({ code: 0 });
    expect(await box.run(['verify', 'data', 'user@host:/backup'])).toMatchObject({ code: 0 });
  });

  test('init writes a configuration that works, and replaces none unasked', async () => {
    using box = new Sandbox();
    box.write({ 'source/a': 'a' });
    expect(await box.run(['init', 'source', 'copy'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/profiles: source, copy\nNext: pando sync pando:\/\/source\n/),
    });
    expect(await box.run(['sync', 'pando://source'])).toMatchObject({ code: 0 });
    expect(box.read('copy/a')).toBe('a');
    expect(await box.run(['init', 'other'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists already'),
    });
    expect(await box.run(['init', 'other', '--yes'])).toMatchObject({ code: 0 });
    expect(await box.run(['config', 'check'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('right; one profile'),
    });
  });

  test('init that cannot be carried out writes nothing, and keeps what was there', async () => {
    using box = new Sandbox();
    box.write({ 'a/x': 'x' });
    const refusals: [args: string[], message: RegExp][] = [
      [['./a', './a/b'], /^pando: "b" is no second copy: .* lies inside a .*\n  → give b or a a place of its own\n$/],
      [['./a', 's3://bucket/copy'], /"s3:\/\/bucket\/copy" is no directory\n  → .*pando.yaml/],
      [['./a', ''], /"" is no directory/],
      [['./a', '--config', 'absent/p.yaml'], /the directory .*\/absent does not exist\n  → make it/],
    ];
    for (const [args, message] of refusals) {
      expect(await box.run(['init', ...args])).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
      expect(existsSync(box.path('pando.yaml'))).toBe(false);
    }
    await box.run(['init', './a']);
    const before = box.read('pando.yaml');
    expect(await box.run(['init', './a', './a/b', '--yes'])).toMatchObject({ code: 2 });
    expect(box.read('pando.yaml')).toBe(before);
  });

  test('config show masks secrets; the imports write profiles', async () => {
    using box = new Sandbox();
    box.write({
      'pando.yaml': `profiles:
  bucket:
    storage_provider: {type: s3, options: {base_path: my-bucket, endpoint_url: 'http://localhost:9'}}
    credentials_provider: {type: S3Credentials, options: {access_key: AKIAKEY, secret_key: hunter2}}
`,
      'rclone.conf':
        '[disk]\ntype = alias\nremote = /data\n[cloud]\ntype = s3\nprovider = AWS\naccess_key_id = AKIA\nsecret_access_key = hunter2\n',
      'msc.yaml': 'profiles:\n  d:\n    storage_provider: {type: file, options: {base_path: /d}}\n',
    });
    const shown = await box.run(['config', 'show']);
    expect(shown.stdout).toContain('secret_key: "***"');
    const rclone = await box.run(['config', 'import-rclone', 'rclone.conf']);
    expect(rclone.stdout).toMatch(/disk:[\s\S]*base_path: \/data/);
    expect(rclone.stderr).toContain('set the environment variable CLOUD_SECRET_KEY');
    expect((await box.run(['config', 'import-msc', 'msc.yaml'])).stdout).toContain('base_path: /d');
    for (const { stdout, stderr } of [shown, rclone]) expect(stdout + stderr).not.toContain('hunter2');
  });

  test('--data and --config are understood before and after the command', async () => {
    using box = new Sandbox();
    box.write({
      'src/a': 'a',
      'other.yaml': 'profiles: {p: {storage_provider: {type: file, options: {base_path: src}}}}\n',
    });
    expect(await box.run(['--config', 'other.yaml', 'ls', 'p:'])).toMatchObject({ code: 0, stdout: 'a\n' });
    expect(await box.run(['ls', 'p:', '--config', 'other.yaml', '--data', 'there'])).toMatchObject({ code: 0 });
    expect(existsSync(box.path('there/catalog.sqlite'))).toBe(true);
  });

  test('a catalog that cannot be where --data says is told in a sentence, with what to do', async () => {
    using box = new Sandbox();
    box.write({ file: '' });
    mkdirSync(box.path('there/catalog.sqlite'), { recursive: true });
    const refusals: [data: string, code: number, message: RegExp][] = [
      ['file', 2, /\/file.* no directory: put the catalog elsewhere \(--data DIR\)\n$/],
      ['file/below', 2, /\/file.*: put the catalog elsewhere \(--data DIR\)\n$/],
      // Not even root makes a directory there.
      ['/sys/pando', 2, /\/sys\/pando.*: put the catalog elsewhere \(--data DIR\)\n$/],
      ['there', 4, /is it a file, and may you write it and its directory\?\)\n$/],
    ];
    for (const [data, code, message] of refusals) {
      const ran = await box.run(['status', '--data', data]);
      expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
      expect(ran.stderr).not.toMatch(/mkdir|open '/);
    }
  });

  test('logs go to stderr, as text or JSON, when they are asked for', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a' });
    expect((await box.run(['ls', 'src'])).stderr).toBe('');
    expect((await box.run(['ls', 'src', '-v'])).stderr).toContain(
      'pando: info: configuration file=none catalog=sqlite',
    );
    const json = await box.run(['ls', 'src', '--log-level', 'info', '--log-format', 'json']);
    const told = json.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told[0]).toMatchObject({ level: 'info', msg: 'configuration', catalog: 'sqlite' });
    expect(told[1]).toMatchObject({ level: 'info', msg: 'store opened', place: expect.stringContaining('/src/') });
  });

  test('a reader that goes away is no error', async () => {
    using box = new Sandbox();
    box.write(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`src/${'long-name'.repeat(20)}-${i}`, ''])));
    const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
    const script = (words: string, reader: string) =>
      `"${process.execPath}" "${launcher}" ${words} | ${reader}; echo "code \${PIPESTATUS[0]}"`;
    const read = (words: string, reader: string) =>
      new Promise<string>((done) => {
        const child = spawn('bash', ['-c', script(words, reader)], {
          cwd: box.root,
          env: { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state },
        });
        let said = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
        child.once('close', () => done(said));
      });
    expect(await read('ls src', 'head -n 1')).toMatch(/^long-name.*\ncode 0\n$/);
    expect(await read('--help', '(exec <&-; sleep 2)')).toBe('code 0\n');
  });

  test('completion knows the commands and their options, in bash itself', async () => {
    using box = new Sandbox();
    const { stdout, code } = await box.run(['completion', 'bash']);
    expect(code).toBe(0);
    const probe = `${stdout}\nask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pando; echo "\${COMPREPLY[*]}"; }
ask pando ver; ask pando sync src --dele; ask pando config imp; ask pando sync --data`;
    const said = await new Promise<string>((done) => {
      const child = spawn('bash', ['-c', probe]);
      let text = '';
      child.stdout.on('data', (chunk) => (text += String(chunk)));
      child.once('close', () => done(text));
    });
    expect(said.trim().split('\n')).toEqual([
      'verify',
      '--delete-unmatched-files',
      'import-rclone import-msc',
      '--data',
    ]);
    for (const shell of ['zsh', 'fish'])
      expect((await box.run(['completion', shell])).stdout).toContain('delete-unmatched-files');
  });
});
