import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Sandbox, settled } from './sandbox.ts';

const CONFIGURATION = `
profiles:
  LYON:
    storage_provider: {type: file, options: {base_path: lyon}}
    paths: {algorithm: hash}
    attributes: {country: fr, disk: true}
  BERLIN:
    storage_provider: {type: file, options: {base_path: berlin}}
    paths: {algorithm: identity}
    attributes: {country: de, disk: true}
`;

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
  box.write({ 'pando.yaml': CONFIGURATION, 'lyon/.keep': '', 'berlin/.keep': '' });
});
afterEach(() => box[Symbol.dispose]());

const upload = (...args: string[]) => box.run(['upload', '--scope', 'lab', ...args]);
const download = (...args: string[]) => box.run(['download', '--scope', 'lab', ...args]);

describe('pando upload', () => {
  test('brings files to one store, into a dataset, and does nothing twice', async () => {
    box.write({ 'a.csv': '1,2\n', 'b.csv': '3,4\n' });
    const first = await upload('a.csv', 'b.csv', '--dataset', 'run-1', '--store', 'country=de');
    expect(first.stderr).toBe('2 files uploaded (8 B), at BERLIN\n');
    expect(first.code).toBe(0);
    expect(box.list('berlin')).toEqual(['.keep', 'lab/a.csv', 'lab/b.csv']);
    const second = await upload('a.csv', 'b.csv', '--dataset', 'run-1');
    expect(second.stderr).toBe('0 files uploaded (0 B), 2 there already, at BERLIN\n');
    const shown = await box.run(['dataset', 'show', 'lab:run-1']);
    expect(shown.stdout).toContain('objects in it: 2 (8 B)');
    const object = JSON.parse((await box.run(['object', 'show', 'lab:a.csv', '--json'])).stdout) as { format: string };
    expect(object.format).toBe('text/csv');
  });

  test('tells each of its steps with -v: the store, COPYING, each way that is tried, AVAILABLE', async () => {
    const ways =
      '[{name: davs, storage_provider: {type: file, options: {base_path: away}}, domains: {wan: {write: 0}}}]';
    const own =
      'storage_provider: {type: file, options: {base_path: paris}}, domains: {wan: {read: 0, write: 1, delete: 0}}';
    box.write({
      'pando.yaml': `profiles:\n  PARIS: {${own}, protocols: ${ways}}\n`,
      'paris/.keep': '',
      // Where a directory has to be.
      'away/07': '',
      'test.file.1': 'a',
    });
    const ran = await upload('test.file.1', '--scope', 'user.jdoe', '--dataset', 'run', '-v');
    expect(ran.code).toBe(0);
    const lines = settled(ran.stderr, box).split('\n');
    const steps = lines.filter((line) => /^pando: info: (?!configuration|store (opened|used))/.test(line));
    const at = 'object=user.jdoe:test.file.1';
    expect(steps).toEqual([
      'pando: info: the dataset is registered dataset=user.jdoe:run',
      expect.stringMatching(
        /^pando: info: a store is chosen store=PARIS why=".*" protocols=davs,file paths=hash deterministic=true$/,
      ),
      `pando: info: the replica is COPYING ${at} store=PARIS`,
      `pando: info: the bytes go ${at} protocol=davs url=file:///sandbox/away/07/7c/user.jdoe/test.file.1 paths=hash`,
      expect.stringMatching(/^pando: info: a protocol failed file=test.file.1 protocol=davs why="PARIS by davs: .*"$/),
      `pando: info: the bytes go ${at} protocol=file url=file:///sandbox/paris/07/7c/user.jdoe/test.file.1 paths=hash`,
      `pando: info: the replica is AVAILABLE ${at} store=PARIS protocol=file`,
    ]);
  });

  test('is not undone by a sync with deletes into the same store', async () => {
    box.write({ a: 'bytes', 'src/x': 'x' });
    expect((await upload('a', '--store', 'BERLIN')).code).toBe(0);
    const sync = await box.run(['sync', './src', './berlin', '--delete-unmatched-files', '--max-delete', '100%']);
    expect(sync).toMatchObject({ code: 5 });
    expect(`${sync.stdout}${sync.stderr}`).toContain('holds copies that rules or uploads have placed');
    expect(box.list('berlin')).toContain('lab/a');
    expect((await box.run(['sync', './src', './berlin'])).code).toBe(0);
  });

  test('is not undone by a sync with deletes into or below its store, also where all in it is empty', async () => {
    box.write({ a: '', 'src/x': 'x' });
    expect((await upload('a', '--store', 'BERLIN')).code).toBe(0);
    for (const target of ['./berlin', './berlin/lab', 'pando://BERLIN/lab']) {
      const sync = await box.run(['sync', './src', target, '--delete-unmatched-files', '--max-delete', '100%']);
      expect({ target, code: sync.code, said: sync.stderr }).toEqual({
        target,
        code: 5,
        said: expect.stringContaining('holds copies that rules or uploads have placed') as string,
      });
    }
    expect(box.list('berlin')).toContain('lab/a');
  });

  test('keeps a sync from deleting at any target while one would lose copies, in a dry run too; not one that leaves them out', async () => {
    box.write({ a: 'bytes', 'src/x': 'x', 'other/old': 'old' });
    expect((await upload('a', '--store', 'BERLIN')).code).toBe(0);
    const sync = ['sync', './src', './other', './berlin', '--delete-unmatched-files', '--max-delete', '100%'];
    for (const said of [['--dry-run'], []]) {
      expect(await box.run([...sync, ...said])).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('BERLIN holds copies that rules or uploads have placed') as string,
      });
      expect(box.list('other')).toContain('old');
    }
    expect(await box.run([...sync, '--exclude', 'lab/**', '--exclude', '.keep'])).toMatchObject({ code: 0 });
    expect(box.list('other')).toEqual(['x']);
    expect(box.list('berlin')).toEqual(['.keep', 'lab/a', 'x']);
  });

  test('takes a directory with the paths in it, and tells what cannot be uploaded, a line each', async () => {
    box.write({ 'runs/2024/a.csv': 'a', 'runs/b.csv': 'b', 'elsewhere/c': 'c' });
    writeFileSync(Buffer.concat([Buffer.from(box.path('runs/bad-')), Buffer.from([0xff])]), 'x');
    writeFileSync(box.path('runs/new\nline'), 'x');
    mkdirSync(box.path('runs/.pando'));
    writeFileSync(box.path('runs/.pando/x'), 'x');
    symlinkSync('../elsewhere', box.path('runs/link'));
    const ran = await upload('runs', 'missing', 'runs/b.csv', '--store', 'BERLIN');
    expect(ran.code).toBe(1);
    expect(box.list('berlin')).toEqual(['.keep', 'lab/2024/a.csv', 'lab/b.csv']);
    expect(ran.stderr.split('\n').slice(1, -1)).toEqual([
      expect.stringMatching(/^pando: runs\/\.pando\/x: .*which Pando keeps for itself$/),
      expect.stringMatching(/^pando: runs\/bad-.*: its name is not UTF-8$/),
      'pando: runs/link: it is a link to a directory, which is not followed',
      expect.stringMatching(/^pando: runs\/new.*line: .*contains a control character$/),
      'pando: missing: there is no such file',
      'pando: runs/b.csv: it is named twice',
    ]);
  });

  test('refuses other bytes under an existing name, unless it is to overwrite', async () => {
    box.write({ a: 'one' });
    expect((await upload('a', '--store', 'BERLIN')).code).toBe(0);
    box.write({ a: 'other' });
    const refused = await upload('a', '--store', 'BERLIN');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('pando: a: lab:a has other bytes (3): --overwrite makes a new version');
    expect(box.read('berlin/lab/a')).toBe('one');
    expect((await upload('a', '--overwrite')).code).toBe(0);
    expect(box.read('berlin/lab/a')).toBe('other');
  });

  test('adds nothing to a closed dataset, and changes nothing in it', async () => {
    box.write({ a: 'one', b: 'two' });
    await upload('a', '--dataset', 'd', '--store', 'BERLIN');
    await box.run(['dataset', 'close', 'lab:d']);
    const closed = await upload('b', '--dataset', 'd');
    expect(closed).toMatchObject({ code: 5, stderr: 'pando: lab:d is closed: nothing is added to it\n' });
    box.write({ a: 'three' });
    const frozen = await upload('a', '--overwrite');
    expect(frozen.code).toBe(5);
    expect(frozen.stderr).toContain('closed dataset');
  });

  test('says why no store takes it', async () => {
    box.write({ a: 'one' });
    expect(await upload('a', '--store', 'country=es')).toMatchObject({
      code: 5,
      stderr: 'pando: no store is meant by country=es\n',
    });
    expect(await box.run(['upload', 'a', '--scope', 'LYON'])).toMatchObject({ code: 2 });
  });
});

describe('pando rm', () => {
  test('deletes what was uploaded, copies and locks and all, and knows what there is not', async () => {
    box.write({ a: 'one', b: 'two', c: 'three' });
    expect((await upload('a', 'b', 'c', '--dataset', 'd', '--store', 'BERLIN')).code).toBe(0);
    const deleted = await box.run(['rm', 'lab:a', 'pando://lab/b', 'lab:nothing', 'lob:a', '--json']);
    expect(deleted).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^pando: lab:nothing: not found\npando: "lob:a" names the profile "lob"/),
    });
    expect(JSON.parse(deleted.stdout)).toMatchObject([
      { object: 'lab:a', deleted: ['BERLIN'], left: [], pending: [] },
      { object: 'pando://lab/b', deleted: ['BERLIN'] },
    ]);
    expect(box.list('berlin')).toEqual(['.keep', 'lab/c']);
    expect(box.read('c')).toBe('three');
    expect((await box.run(['object', 'ls', 'lab:'])).stdout).toBe('lab:c\n');
    expect((await box.run(['rule', 'ls'])).stdout).toMatch(/OK .* 1\/1 /);
    expect(await download('a', '--to', 'out')).toMatchObject({ code: 3 });
    expect(await box.run(['rm', 'lab:a'])).toMatchObject({ code: 3, stderr: 'pando: lab:a: it was deleted\n' });
    // A new one of the name is an object of its own.
    expect((await upload('a', '--store', 'BERLIN')).code).toBe(0);
    expect((await download('a', '--to', 'out')).code).toBe(0);
  });

  test('leaves to workers what a store does not give up now', async () => {
    box.write({ a: 'one' });
    expect((await upload('a', '--store', 'BERLIN')).code).toBe(0);
    await box.run(['store', 'set', 'BERLIN', '--no-delete']);
    const deleted = await box.run(['rm', 'lab:a']);
    expect(deleted.code).toBe(4);
    expect(deleted.stderr).toMatch(
      /^lab:a: deleted at no store yet\n {2}not served any more, and still to go at BERLIN: /,
    );
    await box.run(['store', 'set', 'BERLIN', '--delete']);
    expect((await box.run(['worker', '--until-idle'])).code).toBe(0);
    expect(box.list('berlin')).toEqual(['.keep']);
  });
});

describe('pando download', () => {
  test('saves datasets, patterns and objects, and skips what is there and right', async () => {
    box.write({ 'raw/a.csv': 'a', 'raw/b.csv': 'b', readme: 'r' });
    await upload('raw', 'readme', '--dataset', 'd', '--store', 'BERLIN');
    await box.run(['container', 'create', 'lab:all']);
    await box.run(['container', 'add', 'lab:all', 'lab:d']);
    const first = await download('all', '--to', 'out');
    expect(first).toMatchObject({ code: 0, stderr: '3 objects downloaded (3 B)\n' });
    expect(box.list('out')).toEqual(['a.csv', 'b.csv', 'readme']);
    box.write({ 'out/a.csv': 'mine' });
    const second = await download('*.csv', 'readme', '--to', 'out');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('0 objects downloaded (0 B), 2 there already, 1 not downloaded');
    expect(second.stderr).toContain('is there with other bytes: --overwrite replaces it');
    expect(box.read('out/a.csv')).toBe('mine');
    expect((await download('*.csv', '--to', 'out', '--overwrite')).code).toBe(0);
    expect(box.read('out/a.csv')).toBe('a');
    expect(readdirSync(box.path('out')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('takes the next copy where one is wrong, and notes the wrong one', async () => {
    box.write({ a: 'the bytes of a' });
    await upload('a', '--store', 'BERLIN');
    await upload('a', '--store', 'LYON');
    box.damage('berlin/lab/a');
    const lyon = box.list('lyon').find((name) => name.endsWith('/a')) ?? '';
    expect(box.read('lyon', lyon)).toBe('the bytes of a');
    const ran = await download('a', '--to', 'out');
    expect(ran.code).toBe(0);
    expect(box.read('out/a')).toBe('the bytes of a');
    const { replicas } = JSON.parse((await box.run(['object', 'show', 'lab:a', '--json'])).stdout) as {
      replicas: { store: string; state: string }[];
    };
    expect(replicas.find(({ store }) => store.includes('berlin'))?.state).toMatch(/BAD|SUSPICIOUS/);
  });

  test('says what to do where the only copy is in doubt, and brings it when it turned out right', async () => {
    box.write({ a: 'the bytes of a' });
    await upload('a', '--store', 'BERLIN');
    box.write({ 'berlin/lab/a': 'longer than what was uploaded' });
    const ran = await download('a', '--to', 'out');
    expect(ran).toMatchObject({ code: 4, stderr: expect.stringContaining('it is not as it was recorded') });
    const remedy = 'pando audit BERLIN reads what is in doubt, and says whether it is good';
    expect((await download('a', '--to', 'out')).stderr).toContain(remedy);
    expect((await box.run(['explain', 'lab:a'])).stdout).toContain(`→ ${remedy}`);
    box.write({ 'berlin/lab/a': 'the bytes of a' });
    // The other file there is dark.
    await box.run(['audit', 'BERLIN', '--max-difference', '100%']);
    expect(await download('a', '--to', 'out')).toMatchObject({ code: 0 });
  });

  test('goes on with what came before, and never leaves the directory', async () => {
    box.write({ 'deep/a': 'x'.repeat(1_000_000) });
    await upload('deep', '--store', 'BERLIN');
    await download('a', '--to', 'out');
    const shown = await box.run(['object', 'show', 'lab:a', '--json']);
    const [sha = ''] = /[0-9a-f]{64}/.exec(shown.stdout) ?? [];
    const part = `out/a.${sha.slice(0, 12)}.part`;
    // What came before is right, is of something else, is too long.
    for (const before of ['x'.repeat(400_000), 'y'.repeat(400_000), 'x'.repeat(1_000_001)]) {
      box.remove('out/a');
      box.write({ [part]: before });
      expect(await box.run(['download', 'lab:a', '--to', 'out'])).toMatchObject({ code: 0 });
      expect(box.list('out')).toEqual(['a']);
      expect(box.read('out/a')).toBe('x'.repeat(1_000_000));
    }
    box.write({ 'deeper/link/x': 'secret' });
    await upload('deeper', '--store', 'BERLIN');
    mkdirSync(box.path('out2'));
    mkdirSync(box.path('outside'));
    symlinkSync('../outside', box.path('out2/link'));
    const refused = await download('link/x', '--to', 'out2');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('by a link');
    expect(box.list('outside')).toEqual([]);
  });

  test('tells what there is not', async () => {
    expect(await download('nothing', '--to', 'out')).toMatchObject({ code: 3 });
    expect((await download('*.csv', '--to', 'out')).stderr).toContain('no object matches it');
  });
});

test('pando upload chooses no store that is the source of a profile, unless it is named', async () => {
  using own = new Sandbox();
  const profile = (name: string) => `  ${name}: {storage_provider: {type: file, options: {base_path: ${name}}}}\n`;
  own.write({ 'pando.yaml': `profiles:\n${profile('data')}${profile('lyon')}`, 'data/a': 'a', 'lyon/.keep': '' });
  own.write({ 'one.csv': 'one', 'two.csv': 'two' });
  expect(await own.run(['stat', 'data:a'])).toMatchObject({ code: 0 });
  const first = await own.run(['upload', 'one.csv']);
  expect(first.stderr).toContain('at lyon');
  await own.run(['store', 'set', 'lyon', '--no-write']);
  const refused = await own.run(['upload', 'two.csv']);
  expect(refused).toMatchObject({ code: 5 });
  expect(refused.stderr).toContain('the source of a profile is chosen only when it is named: --store data');
  expect(own.list('data')).toEqual(['a']);
  expect((await own.run(['upload', 'two.csv', '--store', 'data'])).stderr).toContain('at data');
});
