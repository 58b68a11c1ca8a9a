import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeRequests } from '../../src/cli/status.ts';
import { AS_NOBODY } from '../faults/child.ts';
import { Sandbox } from './sandbox.ts';

test('put, cat, get, cp, stat and rm work on objects of a profile, and each says what it did', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/x': 'x', 'report.csv': 'a,b\n1,2\n' });
  await box.run(['sync', 'pando://data']);

  const put = await box.run([
    'put',
    'report.csv',
    'data:in/',
    '--content-type',
    'text/csv',
    '--metadata',
    'of=me',
    '--wait',
  ]);
  expect(put).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(/^data:in\/report.csv: 8 B, written, version /),
  });
  expect([box.read('data/in/report.csv'), box.read('near/in/report.csv')]).toEqual(['a,b\n1,2\n', 'a,b\n1,2\n']);
  expect((await box.run(['put', '-', 'data:late'], { input: 'y' })).stderr).toMatch(
    /^data:late: 1 B, written, version .*; 2 copies are queued \(--wait waits, pando worker makes them\)\n$/,
  );
  expect(await box.run(['put', '-', 'data:in/report.csv', '--if-absent'], { input: 'other' })).toMatchObject({
    code: 5,
  });

  expect((await box.run(['cat', 'data:in/report.csv', 'pando://data/x'])).stdout).toBe('a,b\n1,2\nx');
  expect((await box.run(['cat', 'data:in/report.csv', '--range', '-4'])).stdout).toBe('1,2\n');
  expect(await box.run(['get', 'data:in/report.csv', 'out.csv'])).toMatchObject({
    code: 0,
    stderr: 'out.csv: complete and verified\n',
  });
  expect(box.read('out.csv')).toBe('a,b\n1,2\n');

  expect(await box.json('cp', 'data:in/report.csv', 'data:copy.csv')).toMatchObject({
    object: 'data:copy.csv',
    size: 8,
  });
  expect(await box.json('cp', 'data:copy.csv', 'near:elsewhere/')).toMatchObject({ object: 'near:elsewhere/copy.csv' });
  expect(await box.json('stat', 'data:copy.csv')).toMatchObject({
    size: 8,
    contentType: 'text/csv',
    metadata: { of: 'me' },
    replicas: expect.arrayContaining([expect.objectContaining({ state: 'AVAILABLE', isCurrent: true })]),
  });

  expect(await box.run(['rm', 'data:in/report.csv'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/deleted at data, /),
  });
  expect(box.list('near')).not.toContain('in/report.csv');
  for (const command of ['rm', 'cat', 'get', 'stat'])
    expect(await box.run([command, 'data:in/report.csv'])).toMatchObject({ code: 3, stdout: '' });
});

test('put below a file, in the place of a directory or through a directory link says what is in the way, and writes nothing', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'data/dir/x': 'x', new: 'new' });
  symlinkSync('dir', box.path('data/link'));
  const blocked: [string, string][] = [
    ['data:a/b', 'a file lies where a directory must be: a;'],
    ['data:dir', 'a directory lies where the file must be;'],
    ['data:link', 'a symbolic link to a directory lies where the file must be;'],
    ['data:link/x', 'a symbolic link to a directory is on the way: link;'],
    ['data:link/y', 'a symbolic link to a directory is on the way: link;'],
  ];
  for (const [name, why] of blocked) {
    const { code, stderr } = await box.run(['put', 'new', name]);
    expect([code, stderr]).toEqual([5, expect.stringContaining(`${name}: ${why} take that away first`)]);
  }
  expect([box.list('data/dir'), box.read('data/a'), box.read('data/dir/x')]).toEqual([['x'], 'a', 'x']);
});

test('ls lists names, sizes and times, a part or a pattern, and JSON a line an object', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a.csv': '1', 'data/d/b.csv': '22', 'data/database': '3' });
  expect((await box.run(['ls', 'data:'])).stdout).toBe('a.csv\nd/b.csv\ndatabase\n');
  expect((await box.run(['ls', 'data:d'])).stdout).toBe('d/b.csv\n');
  expect((await box.run(['ls', 'data:**/*.csv'])).stdout).toBe('a.csv\nd/b.csv\n');
  expect((await box.run(['ls', './data', '-l'])).stdout).toContain('      2 B  2023-11-14T22:13:20.000Z  d/b.csv\n');
  expect((await box.run(['ls', 'data:', '--json'])).stdout.split('\n')[0]).toBe(
    '{"name":"a.csv","size":1,"modified":"2023-11-14T22:13:20.000Z"}',
  );
  // As sync and verify of it.
  expect(await box.run(['ls', './absent'])).toMatchObject({ code: 3 });
});

test('ls while the primary is away shows what catalog and replicas know, and says that it is not complete', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': '1', 'data/d/b': '22' });
  await box.run(['sync', 'data:']);
  box.write({ 'far/only-here': '3' });
  renameSync(box.path('data'), box.path('away'));
  const names = 'a\nd/b\nonly-here\n';
  const why = expect.stringMatching(/the listing is not complete: data: .* does not exist/);
  expect(await box.run(['ls', 'data:'])).toMatchObject({ code: 4, stdout: names, stderr: why });
  expect(await box.run(['ls', 'data:', '--partial'])).toMatchObject({ code: 0, stdout: names, stderr: why });
  expect((await box.run(['ls', 'data:**/b'])).stdout).toBe('d/b\n');
});

test('a read that missed is filled by a worker, and status shows it waiting', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a' });
  await box.run(['sync', 'data:']);
  unlinkSync(box.path('near/a'));
  expect((await box.run(['cat', 'data:a'])).stdout).toBe('a');
  const status = await box.json<{ requests: unknown[]; objects: number; replicas: unknown[] }>('status');
  expect(status).toMatchObject({ objects: 1, syncs: [{ state: 'done' }] });
  const worked = await box.run(['worker', '--until-idle']);
  expect(worked).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d done, 0 not needed any more, 0 to be tried again, 0 failed\n$/),
  });
  expect(box.read('near/a')).toBe('a');
  expect((await box.run(['events'])).stdout).toMatch(/replica-found-missing data:a at file:.*near/);
  expect((await box.run(['request', 'ls'])).stdout).toBe('');
  expect(await box.json('rule', 'ls')).toMatchObject([
    { scope: 'data', storeTitle: 'near', priority: 1, origin: 'profile' },
    { scope: 'data', storeTitle: 'far', priority: 2 },
  ]);
});

test('get replaces a file of other bytes only when told to', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'the object', a: 'mine' });
  expect(await box.run(['get', './data/a'])).toMatchObject({
    code: 5,
    stderr: 'pando: a is there, with other bytes: --overwrite replaces it\n',
  });
  expect(box.read('a')).toBe('mine');
  for (const options of [['--overwrite'], []])
    expect(await box.run(['get', './data/a', ...options])).toMatchObject({ code: 0 });
  expect(box.read('a')).toBe('the object');
  // What is no file is nothing to be replaced: a pipe, a link that leads nowhere, a device.
  symlinkSync('nowhere', box.path('dangling'));
  execFileSync('mkfifo', [box.path('pipe')]);
  for (const path of ['pipe', 'dangling'])
    expect(await box.run(['get', './data/a', path, '--overwrite'])).toMatchObject({
      code: 5,
      stderr: `pando: ${path} is there, and is no file: name one, or use pando cat\n`,
    });
  expect(statSync(box.path('pipe')).isFIFO()).toBe(true);
});

test('get into a directory that is not there says so, by the names that were written', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'a' });
  for (const file of ['absent/x', 'absent/']) {
    const { code, stderr } = await box.run(['get', './data/a', file]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/the directory absent does not exist\n  → make it/)]);
  }
  expect(await box.run(['get', './data/a', './data/a/x'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('./data/a is no directory'),
  });
  // Not even root makes a file there.
  expect(await box.run(['get', './data/a', '/sys/x'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^pando: \/sys\/x: (you may not|the file system is read-only)\n$/),
  });
});

test('an object of a place that no profile names is called by the path as it was written', async () => {
  using box = new Sandbox();
  box.write({ 'd/a': 'a', 'd/copies/b': 'b', 'new.txt': 'new' });
  const shown: [written: string, called: string][] = [
    ['absent.txt', 'absent.txt'],
    ['./d/absent', './d/absent'],
    [box.path('d/absent'), box.path('d/absent')],
    [`file://${box.path('d/ab%20sent')}`, box.path('d/ab sent')],
  ];
  for (const [i, [written, called]] of shown.entries())
    expect(await box.run([['cat', 'rm', 'stat', 'get'][i] as string, written])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(new RegExp(`^pando: ${called}: not found`)),
    });
  expect((await box.run(['put', 'new.txt', './d/'])).stderr).toMatch(/^\.\/d\/new\.txt: 3 B, written/);
  expect((await box.run(['cp', 'd/a', 'd/copies/'])).stderr).toMatch(/^d\/copies\/a: 1 B, written/);
  expect((await box.run(['stat', 'd/a'])).stdout).toMatch(/^object: d\/a\n/);
  expect(await box.json('stat', 'd/a')).toMatchObject({ object: expect.stringMatching(/^d-[0-9a-f]{8}:a$/) });
});

test('a directory is not put, and what is meant for directories is named', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'dir/x': 'x' });
  expect(await box.run(['put', 'dir', 'data:dir'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/dir is a directory\n {2}→ name a file; pando sync/),
  });
});

test('no name leads out of its store', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', secret: 's' });
  for (const name of ['data:../secret', 'pando://data/../secret', 'data:.pando/lease'])
    expect(await box.run(['cat', name])).toMatchObject({ code: 2, stdout: '' });
  expect(await box.run(['put', '-', 'data:../out'], { input: 'x' })).toMatchObject({ code: 2 });
  expect(box.list()).not.toContain('out');
});

test('what an audit has set aside is no object: it is not listed, and not synced from or to', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/.pando/dark/1/x': 'dark', 'near/.keep': '', 'far/.keep': '' });
  for (const args of [
    ['ls', 'data:.pando/dark/'],
    ['ls', 'data:.pando/dark/**'],
    ['sync', 'data:.pando/dark/'],
    ['sync', 'data:.pando/dark/1/x'],
    ['sync', 'pando://data', 'near:.pando/dark/1'],
    ['verify', 'data:.pando/dark/'],
  ])
    expect(await box.run(args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('which is Pando'),
    });
  expect(box.list('near').filter((name) => name.includes('dark'))).toEqual([]);
});

test('a copy to a replica whose directory is gone waits, says what to do, and makes nothing in its place', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/x': 'x', 'new.txt': 'new' });
  await box.run(['sync', 'pando://data']);
  rmSync(box.path('near'), { recursive: true });
  await box.run(['put', 'new.txt', 'data:new.txt']);
  const why = `its directory ${box.path('near')} does not exist: mount the disk it lies on, or make it`;
  // The put that queued it may have given up its first attempt when it ended.
  const seen = async () => {
    await box.run(['worker', '--until-idle']);
    return (await box.run(['request', 'ls'])).stdout;
  };
  await expect.poll(seen, { timeout: 20_000, interval: 500 }).toContain(why);
  expect(existsSync(box.path('near'))).toBe(false);

  // Nor is a copy taken for gone that nobody could look at.
  await box.run(['cat', 'data:x']);
  expect((await box.run(['stat', 'data:x'])).stdout).toMatch(/near\/ +AVAILABLE/);
});

test('ls tells only of what is no object below the place that was asked for', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/dir/a': 'a' });
  for (const link of ['data/dangling', 'data/dir/lost']) symlinkSync('nowhere', box.path(link));
  const LOST = 'pando: dir/lost is no object: the link leads nowhere\n';
  expect(await box.run(['ls', 'data:dir'])).toMatchObject({ code: 0, stdout: 'dir/a\n', stderr: LOST });
  expect((await box.run(['ls', 'data:'])).stderr).toBe(`pando: dangling is no object: the link leads nowhere\n${LOST}`);
});

test('rm of a pattern says that it takes names', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a' });
  expect(await box.run(['rm', 'data:*'])).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^pando: data:\*: not found.*; rm takes names, not patterns\n$/),
  });
  expect((await box.run(['rm', 'data:b'])).stderr).not.toContain('patterns');
});

test('status tells of a sync without replicas what it did', async () => {
  using box = new Sandbox();
  box.configure('  lone:\n    storage_provider: {type: file, options: {base_path: lone}}\n');
  box.write({ 'lone/a': 'a', 'data/a': 'a' });
  await box.run(['sync', 'lone:']);
  await box.run(['sync', 'data:']);
  const { stdout } = await box.run(['status']);
  expect(stdout).toMatch(/ lone, made known: done, /);
  expect(stdout).toMatch(/ data to file:\/\/.*far.*: done, /);
});

test('rm deletes a link that was copied as a link, wherever it leads', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a' });
  symlinkSync('nowhere', box.path('src/dangling'));
  symlinkSync('a', box.path('src/link'));
  await box.run(['sync', 'src', 'one', '--symlinks', 'preserve']);
  for (const name of ['dangling', 'link'])
    expect(await box.run(['rm', `./src/${name}`])).toMatchObject({ code: 0, stdout: '' });
  expect([box.list('src'), box.list('one')]).toEqual([['a'], ['a']]);
});

test('rm deletes at targets that were named by hand, or says what is still to go, and a worker does it', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'a', 'src/b': 'b' });
  await box.run(['sync', 'src', 'one', 'two']);
  // By the names that were written, as everything else calls them.
  expect(await box.run(['rm', './src/a'])).toMatchObject({ code: 0, stderr: expect.stringMatching(/, one, two\n$/) });
  expect([box.list('src'), box.list('one'), box.list('two')]).toEqual([['b'], ['b'], ['b']]);

  renameSync(box.path('one'), box.path('away'));
  const pending = await box.run(['rm', './src/b']);
  expect(pending).toMatchObject({ code: 4, stderr: expect.stringMatching(/still to go at .*one: .* does not exist/) });
  expect((await box.run(['status'])).stdout).toContain('1 delete QUEUED');
  renameSync(box.path('away'), box.path('one'));
  const worker = async () => {
    await box.run(['worker', '--until-idle']);
    return box.list('one');
  };
  await expect.poll(worker, { timeout: 20_000, interval: 500 }).toEqual([]);
});

test('rm leaves what somebody else wrote over a copy, says where, and fails; the others are gone', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'data/b': 'b' });
  await box.run(['sync', 'data:']);
  box.write({ 'near/a': 'theirs' });
  const removed = await box.run(['rm', 'data:a', 'data:b']);
  expect(removed).toMatchObject({ code: 1, stderr: expect.stringContaining('left at near: somebody else wrote') });
  expect(box.read('near', 'a')).toBe('theirs');
  expect([box.list('data'), box.list('near'), box.list('far')]).toEqual([[], ['a'], []]);
});

test('ls of what may not be looked into is not complete, and fails', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'a', 'data/nox/b': 'b', 'data/ok/c': 'c' });
  box.give();
  chmodSync(box.path('data/nox'), 0);
  const ls = (...args: string[]) => box.run(['ls', ...args], { before: AS_NOBODY });
  const why = 'pando: nox/ could not be listed: permission denied\n';
  expect(await ls('./data')).toEqual({ code: 1, stdout: 'a\nok/c\n', stderr: why });
  expect(await ls('./data', '--partial')).toEqual({ code: 0, stdout: 'a\nok/c\n', stderr: why });
  expect(await ls('./data/ok')).toEqual({ code: 0, stdout: 'c\n', stderr: '' });
  chmodSync(box.path('data'), 0);
  expect(await ls('./data')).toMatchObject({ code: 1, stderr: expect.stringContaining('not complete') });
  chmodSync(box.path('data'), 0o755);
});

test('ls of a bucket without credentials fails, and names whose are missing', async () => {
  using box = new Sandbox();
  const env = { AWS_PROFILE: 'mine', AWS_EC2_METADATA_DISABLED: 'true' };
  expect(await box.run(['ls', 's3://bucket/prefix'], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/not complete: .*: denied: .*the AWS profile mine has no credentials/),
  });
});

test('status does not send for a worker when nothing waits', () => {
  const cancelled = { kind: 'delete', state: 'CANCELLED', count: 1 } as const;
  const failed = { kind: 'copy', state: 'FAILED', count: 2 } as const;
  expect(describeRequests([cancelled])).toEqual(['requests: none']);
  expect(describeRequests([cancelled, failed])).toEqual(['requests: 2 copy FAILED']);
  expect(describeRequests([{ kind: 'copy', state: 'QUEUED', count: 3 }])).toEqual([
    'requests: 3 copy QUEUED',
    '  pando worker --until-idle carries them out',
  ]);
});

test('of a name that is neither a profile nor known to the catalog nothing is said to be well', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'other/b': 'b' });
  await box.run(['sync', './other', './copy']);
  const [{ scope }] = (await box.json<{ syncs: [{ scope: string }] }>('status')).syncs;
  for (const args of [
    ['events', '--scope'],
    ['rule', 'ls'],
  ]) {
    expect(await box.run([...args, 'dta'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr:
        'pando: "dta" is neither a profile nor a scope of which the catalog knows anything\n  → did you mean data?\n',
    });
    expect(await box.run([...args, scope.replace('other', 'othr')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`did you mean ${scope}?`),
    });
    for (const known of ['data', 'near', scope]) expect(await box.run([...args, known])).toMatchObject({ code: 0 });
  }
});

test('where no event was recorded, that is said', async () => {
  using box = new Sandbox();
  expect(await box.run(['events'])).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^no events/) });
});
