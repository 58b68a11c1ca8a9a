import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SyncResult } from '../../src/engine/sync/sync-types.ts';
import { Sandbox, settled } from './sandbox.ts';

const FILES = { 'src/a.txt': 'a', 'src/b/c.txt': 'cc', 'src/b/.hidden': 'h', 'src/tmp/x.tmp': 'xxx' };

function counts({ targets }: SyncResult) {
  return targets.map(({ added, updated, deleted, unchanged, failed }) => ({
    added,
    updated,
    deleted,
    unchanged,
    failed,
  }));
}

const NOTHING = { added: 0, updated: 0, deleted: 0, unchanged: 0, failed: 0 };

describe('pando sync', () => {
  test('copies to several targets, says what it verified, and has nothing to do the second time', async () => {
    using box = new Sandbox();
    box.write(FILES);
    const first = await box.run(['sync', 'src', 'one', 'two']);
    expect(settled(first.stdout, box)).toBe(`target  added  updated  deleted  unchanged  failed  bytes  verified
one         4        0        0          0       0    7 B  written
two         4        0        0          0       0    7 B  written

4 objects, 7 B at the source, in <seconds>.
written: what was written hashes to what was read, and the store confirmed the length.
`);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(box.list('one')).toEqual(['a.txt', 'b/.hidden', 'b/c.txt', 'tmp/x.tmp']);
    expect(box.list('two')).toEqual(box.list('one'));
    const again = await box.json<SyncResult>('sync', 'src', 'one', 'two');
    expect(counts(again)).toEqual([
      { ...NOTHING, unchanged: 4 },
      { ...NOTHING, unchanged: 4 },
    ]);
    expect(again).toMatchObject({ state: 'done', dryRun: false, source: { objects: 4, bytes: 7 } });
  });

  test('makes no target for a source that is not there', async () => {
    using box = new Sandbox();
    expect(await box.run(['sync', 'src', 'one/deep'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('does not exist'),
    });
    expect(existsSync(box.path('one'))).toBe(false);
  });

  test('says how to mend a target that cannot be made, never waits for it, and copies to the others', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a', file: 'x' });
    const { code, stdout, stderr } = await box.run(['sync', 'src', 'one', '/proc/pando/none', 'file/below']);
    expect(box.list('one')).toEqual(['a']);
    expect(stderr).toBe('');
    expect(stdout).toContain('cannot be made: /proc takes no directories: name another target');
    expect(settled(stdout, box)).toContain(
      'its directory /sandbox/file/below cannot be made: a file lies in its way: move that away, or name another target',
    );
    expect(code).toBe(1);
  });

  test('says at once that a catalog cannot lie where no directory can be made', async () => {
    using box = new Sandbox();
    const { code, stderr } = await box.run(['sync', 'src', 'one', '--data', '/proc/pando/none']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('--data DIR') });
  });

  test('calls a place that no profile names as people know it', async () => {
    using box = new Sandbox();
    const { stderr } = await box.run(['sync', 'nothing-here', 'one']);
    expect(settled(stderr, box)).toBe(
      'pando: /sandbox/nothing-here: the directory /sandbox/nothing-here does not exist: mount the disk it lies on, or make it\n',
    );
    box.write({ 'src/a': 'a' });
    expect((await box.run(['sync', 'src', 'one'])).code).toBe(0);
    expect((await box.run(['sync', 'src', 'one', '--dry-run'])).stdout).toMatch(/^target /);
  });

  test('without a target goes to the profile’s replicas, or to those that are chosen by index or --target-url', async () => {
    using box = new Sandbox();
    box.configure();
    box.write({ 'data/a': '1' });
    expect(counts(await box.json('sync', 'pando://data', '--replica-indices', '1'))).toEqual([
      { ...NOTHING, added: 1 },
    ]);
    expect([box.list('near'), box.list('far')]).toEqual([[], ['a']]);
    expect((await box.json<SyncResult>('sync', 'data:')).targets.map(({ title }) => title)).toEqual(['near', 'far']);
    expect((await box.json<SyncResult>('sync', 'data:', '--target-url', 'third')).targets).toMatchObject([
      { added: 1 },
    ]);
    // What was named by hand is no replica of the profile.
    expect(await box.json('rule', 'ls', '--origin', 'profile')).toMatchObject([
      { scope: 'data', storeTitle: 'near' },
      { scope: 'data', storeTitle: 'far' },
    ]);
    const wrong = await box.run(['sync', 'data:', '--replica-indices', '2']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('by priority there are: 0 near, 1 far') });
  });

  test('a place that was synced by its path keeps what is known of it when a profile names it', async () => {
    using box = new Sandbox();
    box.write({ 'data/a': '1' });
    await box.run(['sync', 'data', 'near', 'far']);
    box.configure();
    expect(counts(await box.json('sync', 'data:'))).toEqual([
      { ...NOTHING, unchanged: 1 },
      { ...NOTHING, unchanged: 1 },
    ]);
    expect(counts(await box.json('sync', './data', './near'))).toEqual([{ ...NOTHING, unchanged: 1 }]);
    const { objects } = await box.json<{ objects: number }>('status');
    expect(objects).toBe(1);
  });

  test('rules decide in their order, whichever option they come from', async () => {
    using box = new Sandbox();
    box.write({ ...FILES, rules: '# all but these\n- *.tmp\n+ /tmp/\n' });
    await box.run(['sync', 'src', 'one', '--exclude', '*.txt', '--filter-from', 'rules', '--include', 'a.txt']);
    expect(box.list('one')).toEqual(['a.txt', 'b/.hidden', 'tmp/x.tmp']);
    await box.run(['sync', 'src', 'two', '--include', 'b/', '--exclude', '.*']);
    expect(box.list('two')).toEqual(['b/c.txt']);
    await box.run(['sync', 'src', 'three', '--ignore-hidden', '--max-size', '2']);
    expect(box.list('three')).toEqual(['a.txt', 'b/c.txt']);
    await box.run(['sync', 'src', 'four', '--files-from', '-'], { input: 'a.txt\ntmp/x.tmp\n' });
    expect(box.list('four')).toEqual(['a.txt', 'tmp/x.tmp']);
    const inVain = await box.run(['sync', 'src', 'four', '--files-from', '-'], { input: 'a.txt\nabsent\n' });
    expect(inVain).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('absent at the source: it is in the list'),
    });
    expect(counts(await box.json('sync', 'src', 'five', '--newer-than', '1h'))).toEqual([NOTHING]);
    expect(await box.run(['sync', 'src', 'six', '--exclude', 'a{b'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"a{b" has a { without its }'),
    });
  });

  test('a path below a profile is a part of it, a file is that object', async () => {
    using box = new Sandbox();
    box.configure();
    box.write({ 'data/x/1': '1', 'data/xy/2': '2', 'data/3': '3' });
    await box.run(['sync', 'data:x']);
    expect(box.list('near')).toEqual(['x/1']);
    await box.run(['sync', './data/3', 'one']);
    expect(box.list('one')).toEqual(['3']);
    await box.run(['sync', 'data:3', 'pando://near/below']);
    expect(box.list('near')).toEqual(['below/3', 'x/1']);
  });

  test('a dry run says what would be done and makes nothing, not even a catalog', async () => {
    using box = new Sandbox();
    box.write(FILES);
    const dry = await box.run(['sync', 'src', 'one', '-n', '--exclude', 'tmp/']);
    expect(settled(dry.stdout, box)).toBe(`add      a.txt  to one  (1 B)
add      b/.hidden  to one  (1 B)
add      b/c.txt  to one  (2 B)

target  added  updated  deleted  unchanged  failed  bytes  verified
one         3        0        0          0       0    4 B  –

3 objects, 4 B at the source (1 excluded), in <seconds>.
Dry run: nothing was written.
`);
    expect(dry.code).toBe(0);
    expect([existsSync(box.path('one')), readdirSync(box.state)]).toEqual([false, []]);

    await box.run(['sync', 'src', 'one']);
    box.write({ 'one/extra': 'e' });
    const planned = await box.run(['sync', 'src', 'one', '--plan', 'plan.jsonl', '--delete-unmatched-files', '--json']);
    expect(JSON.parse(planned.stdout)).toMatchObject({ dryRun: true, targets: [{ deleted: 1, unchanged: 4 }] });
    expect(box.read('plan.jsonl')).toBe('{"action":"delete","key":"extra","target":"one","bytes":0}\n');
    expect(box.list('one')).toContain('extra');
  });

  test('deletes what the source has not only when told to, and never more than --max-delete', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a', 'one/b': 'b', 'one/c': 'c' });
    expect((await box.run(['sync', 'src', 'one'])).stdout).toContain(
      'one has 2 that the source has not; they were left alone',
    );
    const refused = await box.run(['sync', 'src', 'one', '--delete-unmatched-files']);
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('2 of 3 objects at one would be deleted, more than --max-delete allows'),
    });
    expect(box.list('one')).toEqual(['a', 'b', 'c']);
    const done = await box.json('sync', 'src', 'one', '--delete-unmatched-files', '--max-delete', '2');
    expect(done).toMatchObject({ state: 'done', targets: [{ deleted: 2 }] });
    expect(box.list('one')).toEqual(['a']);
  });

  test('a source that turns out empty deletes nothing, whatever --max-delete says, unless that is meant', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a' });
    await box.run(['sync', 'src', 'one']);
    rmSync(box.path('src/a'));
    const empty = ['sync', 'src', 'one', '--delete-unmatched-files'];
    const said = 'the source is empty, and 1 object would be deleted; nothing was deleted.';
    const refused = await box.run(empty);
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining(said) });
    expect(refused.stderr).toContain('say --allow-empty-source and --max-delete 100%\n');
    const all = [...empty, '--max-delete', '100%'];
    expect(await box.run(all)).toMatchObject({
      code: 5,
      stderr: expect.stringMatching('say --allow-empty-source\n'),
    });
    expect(await box.run([...empty, '--allow-empty-source'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('1 of 1 object at one would be deleted'),
    });
    expect(box.list('one')).toEqual(['a']);
    expect((await box.run(['status'])).stdout).toMatch(/: refused, 0 objects; nothing was deleted\n/);
    expect(await box.run([...all, '--allow-empty-source'])).toMatchObject({ code: 0 });
    expect(box.list('one')).toEqual([]);
  });

  test('nonsense between source and targets is refused before anything is made', async () => {
    using box = new Sandbox();
    box.configure('  alone:\n    storage_provider: {type: file, options: {base_path: src}}\n');
    box.write(FILES);
    const refusals: [args: string[], message: RegExp][] = [
      [['./src/b'], /pando: \.\/src\/b: there is nothing to sync to/],
      [['src', 'src/b'], /src\/b .* lies inside the source/],
      [['src/b', 'src'], /src\/\) contains the source/],
      [['src', 'src'], /is the same place as the source/],
      [['src', 'one', './one/'], /is the same place as the target one/],
      [['src', 'src/a.txt'], /is a file/],
      [['src', 'nothing://x'], /Pando does not know/],
      [['.', '../elsewhere', '--data', 'state'], /holds the catalog/],
    ];
    for (const [args, message] of refusals) {
      const { code, stderr } = await box.run(['sync', ...args]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
    expect(await box.run(['sync', 'absent', 'one'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('does not exist'),
    });
  });

  test('one object that fails stops no other, and is listed', async () => {
    using box = new Sandbox();
    box.write(FILES);
    symlinkSync('/nowhere', box.path('src/dangling'));
    const failed = await box.run(['sync', 'src', 'one']);
    expect(failed).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/One failure:\n {2}dangling at the source: /),
    });
    expect(box.list('one')).toHaveLength(4);
    expect(await box.run(['sync', 'src', 'one', '--symlinks', 'skip'])).toMatchObject({ code: 0 });
  });

  test('what fails says how to mend it, once for each kind', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a' });
    for (const [name, to] of Object.entries({ lost: 'nowhere', out: '/etc/hostname', self: 'self' }))
      symlinkSync(to, box.path('src', name));
    writeFileSync(Buffer.concat([Buffer.from(box.path('src/bad')), Buffer.from([0xff])]), 'x');
    const { code, stdout } = await box.run(['sync', 'src', 'one']);
    expect(code).toBe(1);
    expect(stdout.slice(stdout.indexOf('4 failures'))).toBe(String.raw`4 failures:
  bad\xff at the source: the name is not UTF-8
  lost at the source: the link leads nowhere
  out at the source: the link leaves the root
  self at the source: the link leads back to itself
Names that are not UTF-8: rename them, or leave them out as they are shown, each \ doubled: --exclude 'name\\xff'.
Links that cannot be followed: take them as links with --symlinks preserve, or leave links out with --symlinks skip.
`);
    const mended = await box.run(['sync', 'src', 'one', '--symlinks', 'skip', '--exclude', String.raw`bad\\xff`]);
    expect(mended).toMatchObject({ code: 0 });
  });

  test('what lies in the way is told with what takes it away, by a dry run too', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a', 'src/b/c': 'c' });
    await box.run(['sync', 'src', 'one']);
    for (const name of ['src/a', 'src/b']) rmSync(box.path(name), { recursive: true });
    box.write({ 'src/a/d': 'd', 'src/b': 'b' });
    for (const dry of [['--dry-run'], []]) {
      const { code, stdout } = await box.run(['sync', 'src', 'one', ...dry]);
      expect(code).toBe(1);
      expect(stdout).toContain('a file lies where a directory must be: a');
      expect(stdout).toContain('a directory lies where the file must be');
      expect(stdout).toContain('--delete-unmatched-files takes it away');
      expect(stdout).not.toContain('run again when nobody writes');
    }
    const mending = ['sync', 'src', 'one', '--delete-unmatched-files', '--max-delete', '100%'];
    for (const dry of [['--dry-run'], []])
      expect(await box.run([...mending, ...dry])).toMatchObject({
        code: 0,
        stdout: expect.not.stringContaining('failure'),
      });
  });

  test('deletes that are held back because the source cannot be listed somewhere are told, with the reason', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'a', 'src/b': 'b', 'src/c': 'c' });
    await box.run(['sync', 'src', 'one']);
    rmSync(box.path('src/b'));
    writeFileSync(Buffer.concat([Buffer.from(box.path('src/bad')), Buffer.from([0xff])]), 'x');
    for (const dry of [['--dry-run'], []]) {
      const { code, stdout } = await box.run(['sync', 'src', 'one', '--delete-unmatched-files', ...dry]);
      expect(code).toBe(1);
      expect(stdout).toContain(
        'one has 1 that the source did not show; nothing of that was deleted, because the listing',
      );
      expect(stdout).not.toContain('left alone');
    }
    const plain = await box.run(['sync', 'src', 'one']);
    expect(plain.stdout).toContain('one has 1 that the source has not; they were left alone.');
    const result = await box.json<SyncResult>('sync', 'src', 'one', '--delete-unmatched-files');
    expect(result.targets[0]).toMatchObject({ unmatched: 1, heldBack: 1, deleted: 0 });
    expect(box.list('one')).toEqual(['a', 'b', 'c']);
  });

  test('other ways to copy give the same result: processes, read back, relaxed, by checksum', async () => {
    using box = new Sandbox();
    box.write(FILES);
    const ways = [
      ['--num-worker-processes', '2'],
      ['--worker-processes', '1', '--transfers', '2', '--bandwidth', '1MB/s'],
      ['--verify', 'read-back'],
      ['--verify', 'store'],
      ['--relaxed'],
      ['--compare', 'checksum'],
    ];
    for (const [i, way] of ways.entries()) {
      const result = await box.json<SyncResult>('sync', 'src', `to-${i}`, ...way);
      expect(counts(result)).toEqual([{ ...NOTHING, added: 4 }]);
      expect(box.list(`to-${i}`)).toEqual(box.list('src'));
      expect(result.targets[0]?.verification).toBe(way[0] === '--verify' ? 'read-back' : 'written');
    }
  });

  test('copies without a flush are shown as soft, until the next sync of the target', async () => {
    using box = new Sandbox();
    box.write({ 'src/a': 'one' });
    await box.run(['sync', 'src', 'one', '--relaxed']);
    expect((await box.run(['stat', 'src/a'])).stdout).toMatch(/\/one\/ +AVAILABLE \(soft\) +written/);
    expect((await box.run(['status'])).stdout).toMatch(/AVAILABLE \(soft\) +1 /);
    await box.run(['sync', 'src', 'one']);
    expect((await box.run(['stat', 'src/a'])).stdout).not.toContain('soft');
  });

  test('of a profile makes its replicas a standing rule', async () => {
    using box = new Sandbox();
    box.configure();
    box.write({ 'data/a': 'a', 'near/.keep': '', 'far/.keep': '' });
    expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
    const rules = (await box.run(['rule', 'ls', '--origin', 'profile', '--json'])).stdout;
    expect(rules).toMatch(/near[^]*far/);
  });

  test('Ctrl-C ends it in order, and the same command goes on from there', async () => {
    using box = new Sandbox();
    mkdirSync(box.path('src'));
    for (let i = 0; i < 20; i++) writeFileSync(box.path('src', `f${i}`), Buffer.alloc(100_000, i));
    const stopped = await box.run(['sync', 'src', 'one', '--bandwidth', '400k'], {
      interruptAfter: { file: 'one/.pando/lease', delayMs: 1500 },
    });
    expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining('run the same command again') });
    const copied = box.list('one').length;
    expect(copied).toBeLessThan(20);
    const resumed = await box.json<SyncResult>('sync', 'src', 'one');
    expect(resumed).toMatchObject({ state: 'done', resumed: { syncId: expect.any(String) } });
    expect(counts(resumed)).toEqual([{ ...NOTHING, added: 20 - copied, unchanged: copied }]);
  });

  test('a second sync of the same target is refused with who holds it; with --wait it waits', async () => {
    using box = new Sandbox();
    mkdirSync(box.path('src'));
    for (let i = 0; i < 10; i++) writeFileSync(box.path('src', `f${i}`), Buffer.alloc(100_000, i));
    const first = box.run(['sync', 'src', 'one', '--bandwidth', '400k']);
    await expect.poll(() => existsSync(box.path('one/.pando/lease')), { timeout: 10_000 }).toBe(true);
    const second = await box.run(['sync', 'src', 'one']);
    expect(second).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/is being synced by .*, process \d+ since/),
    });
    const third = await box.run(['sync', 'src', 'one', '--wait']);
    expect([(await first).code, third.code, third.stdout]).toEqual([0, 0, expect.stringMatching(/one +0 +0 +0 +10/)]);
  });
});
