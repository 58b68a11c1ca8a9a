import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startedFile } from '../started-files.ts';
import { openSyncWorld } from '../sync/sync-world.ts';
import { write } from '../sync/trees.ts';
import { startSync } from './child.ts';
import { findOrderBreaches, type OrderReport } from './durability-order.ts';
import { parseTrace, TRACED } from './system-calls.ts';

/** Stops at these calls and at no other, of which there are hundreds for each. */
const TRACING = ['-f', '--seccomp-bpf', '-y', '-s', '4200', '-e', `trace=${TRACED}`];

describe('the checker', () => {
  const history = [
    'openat(AT_FDCWD, "/t/.pando/staging/w/1", O_WRONLY|O_CREAT|O_EXCL, 0666) = 5</t/.pando/staging/w/1>',
    'write(5</t/.pando/staging/w/1>, "one", 3) = 3',
    'fsync(5</t/.pando/staging/w/1>) = 0',
    'mkdir("/t/d", 0777) = 0',
    'renameat2(AT_FDCWD, "/t/.pando/staging/w/1", AT_FDCWD, "/t/d/name", RENAME_NOREPLACE) = 0',
    'fsync(6</t/d>) = 0',
    'fsync(6</t>) = 0',
    'pwrite64(7</c-wal>, "\\0d/name\\1", 4096, 0) = 4096',
    'fsync(7</c-wal>) = 0',
    'write(1<pipe:[1]>, "{reply}\\n", 8) = 8',
  ];
  const check = (lines: readonly string[]): OrderReport =>
    findOrderBreaches({
      calls: parseTrace(lines.map((line) => `10 ${line}`).join('\n')),
      targets: ['/t'],
      log: '/c-wal',
      hasIntents: false,
      reply: '{reply}',
    });

  test('passes a history in order, with flushes of files or of the whole file system', () => {
    expect(check(history)).toEqual({ published: 1, breaches: [] });
    const whole = history.filter((line) => !line.startsWith('fsync(5') && !line.startsWith('fsync(6'));
    whole.splice(2, 0, 'syncfs(9</t>) = 0');
    whole.splice(5, 0, 'syncfs(9</t>) = 0');
    expect(check(whole)).toEqual({ published: 1, breaches: [] });
  });

  test.each([
    ['linkat(5</t/#77>(deleted), "", AT_FDCWD</w>, "/t/d/name", AT_EMPTY_PATH) = 0'],
    ['linkat(5</t/#77 (deleted)>, "", AT_FDCWD, "/t/d/name", AT_EMPTY_PATH) = 0'],
    ['linkat(AT_FDCWD</w>, "/proc/self/fd/5", AT_FDCWD</w>, "/t/d/name", AT_SYMLINK_FOLLOW) = 0'],
  ])('knows a file that has no name until it is published: %s', (link) => {
    const unnamed = [
      'openat(AT_FDCWD, "/t", O_WRONLY|O_TMPFILE, 0666) = 5</t/#77 (deleted)>',
      'write(5</t/#77 (deleted)>, "one", 3) = 3',
      'fsync(5</t/#77 (deleted)>) = 0',
      history[3] as string,
      link,
      ...history.slice(5),
    ];
    expect(check(unnamed)).toEqual({ published: 1, breaches: [] });
    expect(check(unnamed.toSpliced(2, 1)).breaches[0]).toMatch(/bytes were not flushed/);
  });

  test.each<[string, number, RegExp]>([
    ['the bytes', 2, /bytes were not flushed/],
    ['the directory', 5, /directory was not flushed/],
    ['the parent of a new directory', 6, /new directory \/t\/d was not flushed/],
    ['the record', 7, /not recorded after/],
    ['the log', 8, /record was not flushed/],
    ['the reply', 9, /0 replies/],
  ])('misses a flush or a write that is not there: %s', (_, at, breach) => {
    const { breaches } = check(history.toSpliced(at, 1));
    expect(breaches[0]).toMatch(breach);
  });

  test.each<[string, number, number, RegExp]>([
    ['a write after the flush', 1, 3, /bytes were not flushed/],
    ['a flush after the rename', 2, 5, /bytes were not flushed/],
    ['a record before the rename', 7, 3, /recorded before it was durable/],
    ['a record before the directory is flushed', 7, 4, /recorded before it was durable/],
    ['a reply before the commit', 9, 7, /told before it was committed/],
  ])('sees %s', (_, from, to, breach) => {
    const moved = [...history];
    const [line] = moved.splice(from, 1);
    moved.splice(to, 0, line as string);
    expect(check(moved).breaches[0]).toMatch(breach);
  });

  test('a flush that other threads interrupted in the trace counts', () => {
    const at = history.findIndex((line) => line.startsWith('fsync(6</t/d>'));
    const interrupted = history.toSpliced(at, 1, 'fsync(6</t/d> <unfinished ...>', '<... fsync resumed>) = 0');
    expect(check(interrupted).breaches).toEqual([]);
  });

  test('a flush that failed, and one that began before what it should cover, count for nothing', () => {
    const failed = history.with(2, 'fsync(5</t/.pando/staging/w/1>) = -1 EIO (Input/output error)');
    expect(check(failed).breaches[0]).toMatch(/bytes were not flushed/);
    const early = [
      ...history.slice(0, 4),
      'fsync(6</t/d> <unfinished ...>',
      history[4] as string,
      '<... fsync resumed>) = 0',
      ...history.slice(6),
    ];
    expect(check(early).breaches[0]).toMatch(/directory was not flushed/);
  });
});

describe.runIf(process.platform === 'linux')('the system calls of', () => {
  test.each([
    ['a sync of a few files in new directories', 5, {}],
    ['a sync of many files', 60, {}],
    ['a sync by two processes', 60, { workerProcesses: 2 }],
    ['a sync of a few files by two processes', 6, { workerProcesses: 2 }],
  ])('%s: written, flushed, renamed, directory flushed, committed, replied', async (_, files, run) => {
    await using world = openSyncWorld({ targets: 2 });
    for (let i = 0; i < files; i++) {
      const size = i === 3 ? 2_500_000 : i * 100;
      // Pages hold few of them, so that workers make the same directories at once.
      write(world.source, `deep/down${i % 3}/object-${String(i).padStart(4, '0')}x`, Buffer.alloc(size, 'x'));
    }
    const trace = join(world.root, 'trace');
    const before = ['strace', ...TRACING, '-o', trace];
    const { result, errors } = await startSync({ at: world.root, targets: 2, run }, { before }).ended;
    expect(errors).toBe('');
    expect(result).toMatchObject({ state: 'done', targets: [{ added: files }, { added: files }] });
    expect(
      findOrderBreaches({
        calls: parseTrace(readFileSync(trace, 'latin1')),
        targets: world.targets,
        log: join(world.root, 'data/catalog.sqlite-wal'),
        hasIntents: false,
        reply: '"state',
      }),
    ).toEqual({ published: files * 2, breaches: [] });
  });

  test('the command line, into a target that was not there: its own directory is flushed into those above it', async () => {
    await using world = openSyncWorld();
    write(world.source, 'object-cli', 'x');
    const [trace, target] = [join(world.root, 'trace'), join(world.root, 'new/target')];
    const words = [...TRACING, '-o', trace, process.execPath];
    execFileSync('strace', [...words, 'bin/pando.mjs', 'sync', world.source, target, '--json'], {
      cwd: resolve(import.meta.dirname, '../..'),
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', PANDO_DATA: join(world.root, 'data') },
    });
    const calls = parseTrace(readFileSync(trace, 'latin1'));
    const log = calls.map(({ args }) => /<(.*-wal)>/.exec(args)?.[1]).find((path) => path !== undefined);
    expect(
      findOrderBreaches({ calls, targets: [target], log: log ?? '', hasIntents: false, reply: '\\"state' }),
    ).toEqual({
      published: 1,
      breaches: [],
    });
  });

  test.each([1, 3, 40])(
    '%i writes at once into a site: flushed before they have names, and these before anything is told',
    async (count) => {
      await using world = openSyncWorld();
      const trace = join(world.root, 'trace');
      const child = join(import.meta.dirname, 'site-put-child.ts');
      const words = ['-f', '-y', '-s', '4200', '-e', `trace=${TRACED}`, '-o', trace, process.execPath, child];
      execFileSync('strace', [...words, world.source, join(world.root, 'catalog.sqlite'), String(count)], {
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      const { published, breaches } = findOrderBreaches({
        calls: parseTrace(readFileSync(trace, 'latin1')),
        targets: [world.source],
        log: join(world.root, 'catalog.sqlite-wal'),
        hasIntents: false,
        reply: '{reply}',
      });
      expect(published).toBe(count);
      // The catalog has the id of an operation, not the name of its file: when it was committed cannot be told by it.
      expect(breaches.filter((one) => !one.includes('commit'))).toEqual([]);
      rmSync(trace);
    },
  );

  test.each([
    ['into a new directory', []],
    ['into a directory another worker has just made', ['made']],
  ])('a put %s: its intent first, then as in a sync', async (_, more) => {
    await using world = openSyncWorld();
    const trace = join(world.root, 'trace');
    const child = startedFile(join(import.meta.dirname, 'put-child.ts'));
    const words = [...TRACING, '-o', trace, process.execPath, child];
    execFileSync('strace', [...words, world.source, join(world.root, 'data'), 'deep/new/object-put', ...more], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const calls = parseTrace(readFileSync(trace, 'latin1'));
    const report = findOrderBreaches({
      calls,
      targets: [world.source],
      log: join(world.root, 'data/catalog.sqlite-wal'),
      hasIntents: true,
      reply: '{reply}',
    });
    expect(report).toEqual({ published: 1, breaches: [] });
    expect(existsSync(join(world.source, 'deep/new/object-put'))).toBe(true);
    rmSync(trace);
  });
});
