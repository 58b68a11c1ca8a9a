import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox, settled } from './sandbox.ts';

/** A synced profile `data` with three objects; each test has collections of its own. */
const box = new Sandbox();
beforeAll(async () => {
  box.configure();
  const objects = { 'data/raw/1.csv': 'one', 'data/raw/2.csv': 'two', 'data/notes': 'notes', 'data/old': 'old' };
  box.write({ ...objects, 'near/.keep': '', 'far/.keep': '' });
  expect(await box.run(['sync', 'pando://data', '-q'])).toMatchObject({ code: 0 });
});
afterAll(() => box[Symbol.dispose]());

test('a dataset is made, filled by names and patterns, shown, closed, and opened again', async () => {
  expect(await box.run(['dataset', 'create', 'data:runs'])).toMatchObject({ code: 0, stderr: 'data:runs: made\n' });
  const added = await box.run(['dataset', 'add', 'data:runs', 'data:raw/*.csv', 'data:notes', 'data:notes']);
  expect(added).toMatchObject({ code: 0, stdout: '', stderr: 'data:runs: 3 added, 1 in it already\n' });
  expect(settled((await box.run(['dataset', 'show', 'data:runs'])).stdout, box)).toBe(`dataset: data:runs
state: open
created: <time>
members: 3
objects in it: 3 (11 B)
is in: no container

member          bytes
data:notes        5 B
data:raw/1.csv    3 B
data:raw/2.csv    3 B
`);
  expect(await box.run(['dataset', 'close', 'data:runs'])).toMatchObject({ code: 0, stderr: 'data:runs: closed\n' });
  expect(await box.run(['dataset', 'rm', 'data:runs', 'data:notes'])).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/is closed: nothing is added to it or taken out\n  → open it again/),
  });
  expect(await box.run(['put', 'data/raw/1.csv', 'data:notes'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('data:notes is in the closed dataset data:runs'),
  });
  expect(await box.json('dataset', 'open', 'data:runs')).toEqual({
    collection: 'data:runs',
    isOpen: true,
    isChanged: true,
  });
  expect(await box.json('dataset', 'rm', 'data:runs', 'data:notes', 'data:raw/3.csv')).toEqual({
    collection: 'data:runs',
    changed: 1,
    unchanged: 1,
  });
});

test('names without a scope are in that of the account, or of --scope', async () => {
  const scope = `user.${userInfo().username}`;
  await box.run(['dataset', 'create', 'test.dataset', '--monotonic']);
  await box.run(['container', 'create', 'all', '--scope', 'lab']);
  await box.run(['container', 'add', 'lab:all', 'test.dataset']);
  expect(await box.json('dataset', 'ls', scope)).toMatchObject([
    { collection: `${scope}:test.dataset`, isMonotonic: true, isOpen: true, members: 0 },
  ]);
  const table = await box.run(['container', 'ls', 'lab']);
  expect(settled(table.stdout, box)).toBe('container  state  members  created\nlab:all    open         1  <time>\n');
  const members = await box.run(['container', 'show', 'all', '--scope', 'lab', '--members', '--json']);
  expect(JSON.parse(members.stdout)).toEqual({
    collection: `${scope}:test.dataset`,
    kind: 'dataset',
    isDeleted: false,
  });
});

test('what one command lists another one takes, with size and hash, as it was', async () => {
  await box.run(['dataset', 'create', 'lab:d']);
  const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
  const pando = `"${process.execPath}" "${launcher}"`;
  const env = { PATH: process.env['PATH'], HOME: box.root, PANDO_DATA: box.state };
  const line = `${pando} object ls 'data:raw/*' --json | ${pando} dataset add lab:d --from-file - --json`;
  const { stdout } = await promisify(execFile)('bash', ['-c', line], { cwd: box.root, env });
  expect(JSON.parse(stdout)).toEqual({ collection: 'lab:d', changed: 2, unchanged: 0 });
  const wrong = await box.run(['dataset', 'add', 'lab:d', '--from-file', '-'], {
    input: '{"object": "data:notes", "size": 6}\ndata:nots\n',
  });
  expect(wrong).toMatchObject({ code: 5, stdout: '' });
  expect(wrong.stderr).toBe(`pando: 2 problems:
  the object data:notes has 5 bytes, not 6
    → find out which is right; say nothing of size and hash to take the object as it is
  there is no object data:nots
    → did you mean data:notes?
`);
});

test('an object is listed, shown with all that is known of it, and told what it is', async () => {
  expect((await box.run(['object', 'ls', 'data:raw/*'])).stdout).toBe('data:raw/1.csv\ndata:raw/2.csv\n');
  expect((await box.run(['object', 'ls', 'data:raw/1.csv', '--long'])).stdout).toMatch(
    /^ {6}3 B {2}[0-9a-f]{64} {2}data:raw\/1\.csv\n$/,
  );
  const set = ['object', 'set', 'data:notes', '--format', 'text/plain', '--rights-holder', 'jdoe'];
  expect(await box.run(set)).toMatchObject({ code: 0, stderr: 'data:notes: set\n' });
  expect(await box.json('object', 'show', 'data:notes')).toMatchObject({
    object: 'data:notes',
    isDeleted: false,
    size: 5,
    format: 'text/plain',
    rightsHolder: 'jdoe',
    replicas: [{ isCurrent: true }, { isCurrent: true }, { isCurrent: true }],
  });
  await box.run(['rm', 'data:old']);
  const gone = (await box.run(['object', 'show', 'data:old'])).stdout;
  expect(gone).toMatch(
    /^object: data:old\nversion: .*\ndot: [0-9a-f]{16}:\d+\nis in: no dataset\nIt was deleted\.\n\nno replica\n$/,
  );
});

test('what is not there is told with what may be meant, and ends with 3; what makes no sense with 2', async () => {
  const mistakes: [code: number, args: string[], said: string][] = [
    [3, ['object', 'show', 'data:raw/3.csv'], 'did you mean data:raw/1.csv?'],
    [5, ['dataset', 'create', 'data:notes'], 'data:notes is an object'],
    [2, ['dataset', 'create', 'data:/runs'], 'leave out the first /'],
    [2, ['dataset', 'add', 'data:runs'], 'no member is named'],
  ];
  for (const [code, args, said] of mistakes)
    expect(await box.run(args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(said) });
});

test('a sync is not stopped by a closed dataset, and tells what it changed there', async () => {
  await box.run(['dataset', 'create', 'data:closed', 'data:other']);
  await box.run(['dataset', 'add', 'data:closed', 'data:raw/*.csv']);
  await box.run(['dataset', 'close', 'data:closed']);
  box.write({ 'data/raw/1.csv': 'changed', 'data/other': 'an object with the name of a dataset' });
  expect(await box.run(['sync', 'pando://data', '-q'])).toMatchObject({ code: 0 });
  expect(box.read('near/raw/1.csv')).toBe('changed');
  const { stdout } = await box.run(['events', '--json']);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { kind: 'frozen-object-changed', name: 'raw/1.csv', detail: expect.stringContaining('closed dataset data:closed') },
  ]);
  const object = await box.run(['object', 'show', 'data:other']);
  expect(object.stdout).toContain('A dataset has the same name: pando dataset show.');
  expect(await box.json('dataset', 'show', 'data:other')).toMatchObject({ kind: 'dataset', members: 0 });
});
