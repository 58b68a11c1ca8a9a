import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ran, Sandbox } from './sandbox.ts';

const profile = (name: string, path: string, replica?: string) =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ./${path}}}\n` +
  (replica === undefined ? '' : `    replicas: [{replica_profile: ${replica}, read_priority: 1}]\n`);
const profiles = (...all: readonly string[]) => `profiles:\n${all.join('')}`;
const files = (directory: string, count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`${directory}/f${String(at).padStart(2, '0')}`, `${at}`]),
  );

interface Audited {
  readonly stores: readonly {
    readonly state: string;
    readonly counts: Record<string, number>;
    readonly repairs: Record<string, number>;
    readonly leftTo: readonly { readonly store: string; readonly files: number }[];
  }[];
}

let box: Sandbox;
beforeEach(() => {
  box = new Sandbox();
});
afterEach(() => box[Symbol.dispose]());

const run = async (...words: string[]): Promise<Ran> => {
  const ran = await box.run(words);
  if (ran.code !== 0) throw new Error(`pando ${words.join(' ')}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran;
};
const refused = async (...words: string[]): Promise<Ran> => {
  const ran = await box.run(words);
  expect(ran).not.toMatchObject({ code: 0 });
  return ran;
};

describe('an audit of a store that others lie in', { timeout: 60_000 }, () => {
  /** `data` with its mirror and a store `c` of copies lie in `a`, which has copies of its own. */
  beforeEach(async () => {
    box.write({
      'pando.yaml': profiles(
        profile('data', 'disk/da ta', 'rep'),
        profile('rep', 'disk/rep'),
        profile('c', 'disk/x/c'),
        profile('a', 'disk'),
      ),
      'only-a.yaml': profiles(profile('a', 'disk')),
      'only-data.yaml': profiles(profile('data', 'disk/da ta', 'rep'), profile('rep', 'disk/rep')),
      'disk/da ta/only': 'precious',
      ...files('in', 20),
      cc: 'placed in c',
    });
    mkdirSync(box.path('disk/x/c'), { recursive: true });
    await run('sync', 'data:');
    await run('upload', 'cc', '--store', 'c', '--scope', 'sc');
    await run('upload', 'in', '--store', 'a', '--scope', 'sa');
  });
  const everythingIsThere = async (): Promise<void> => {
    expect(box.read('disk/da ta/only')).toBe('precious');
    expect(box.read('disk/rep/only')).toBe('precious');
    expect((await run('cat', 'data:only')).stdout).toBe('precious');
    expect((await box.json<Audited>('audit', 'c')).stores).toMatchObject([{ state: 'clean', counts: { lost: 0 } }]);
    await run('verify', 'data:');
  };

  it('leaves a source, a mirror and placed copies to them, and says so', async () => {
    box.write({ 'disk/unknown': 'dark' });
    const { stdout } = await run('audit', 'a', '--repair');
    expect(stdout).toContain('1 file of the store data was left to it');
    expect(stdout).toMatch(/files? of the store rep (was|were) left to it/);
    expect(stdout).toMatch(/files? of the store c (was|were) left to it/);
    expect(stdout).toContain('1 set aside');
    await everythingIsThere();
    expect(existsSync(box.path('disk/unknown'))).toBe(false);
    const [audited] = (await box.json<Audited>('audit', 'a')).stores;
    expect(audited).toMatchObject({ state: 'clean', counts: { dark: 0, lost: 0, listed: 20 } });
    expect(audited?.leftTo).toContainEqual({ store: 'data', files: 1 });
    await run('audit', '--repair');
    await everythingIsThere();
  });

  it('leaves them where they are frozen, and where another configuration of the catalog names them', async () => {
    for (const store of ['data', 'rep', 'c']) await run('store', 'set', store, '--no-write', '--no-delete');
    await run('audit', 'a', '--repair', '--adopt');
    await everythingIsThere();
    await run('--config', 'only-a.yaml', 'audit', 'a', '--repair');
    await everythingIsThere();
    for (const store of ['data', 'rep', 'c']) await run('store', 'set', store, '--as-configured');
    await run('--config', 'only-a.yaml', 'audit', 'a', '--repair', '--adopt');
    expect((await run('--config', 'only-data.yaml', 'cat', 'data:only')).stdout).toBe('precious');
    await everythingIsThere();
  });

  it('leaves what the catalog has not heard of yet to a store that is configured', async () => {
    box.write({
      'more.yaml': profiles(profile('young', 'disk/young'), profile('a', 'disk')),
      'disk/young/one': '1',
    });
    await run('--config', 'more.yaml', 'audit', 'a', '--repair');
    expect(box.read('disk/young/one')).toBe('1');
    // With nobody to tell of it, it is a dark file like any.
    expect((await run('audit', 'a', '--repair')).stdout).toContain('1 set aside');
  });

  it('removes nothing of a store that lies where files were set aside', async () => {
    box.write({ 'disk/unknown': 'dark', 'disk/other': 'dark too' });
    await run('audit', 'a', '--repair');
    const aside = box.list('disk/.pando/dark')[0]?.split('/')[0] ?? '';
    box.write({ 'look.yaml': profiles(profile('a', 'disk'), profile('look', `disk/.pando/dark/${aside}`)) });
    const removed = await run('--config', 'look.yaml', 'audit', 'a', '--remove-dark', '--older-than', '0d', '--json');
    expect(JSON.parse(removed.stdout)).toMatchObject([{ store: 'a', removed: 0, kept: 2 }]);
    expect(box.list('disk/.pando/dark')).toEqual([`${aside}/other`, `${aside}/unknown`]);
    await run('audit', 'a', '--remove-dark', '--older-than', '0d');
    expect(box.list('disk/.pando/dark')).toEqual([]);
  });
});

describe('an audit of a store that lies in others', { timeout: 60_000 }, () => {
  it('leaves to them what the catalog has there', async () => {
    box.write({
      'pando.yaml': profiles(profile('data', 'src', 'rep'), profile('rep', 's'), profile('c', 's/sub')),
      'src/sub/mirrored': 'of data',
      's/.keep': '',
      ...files('in', 20),
    });
    await run('sync', 'data:');
    await run('upload', 'in', '--store', 'c', '--scope', 'sc');
    const { stdout } = await run('audit', 'c', '--repair', '--adopt');
    expect(stdout).toContain('1 file of the store rep was left to it');
    expect(box.read('s/sub/mirrored')).toBe('of data');
    await run('verify', 'data:');
  });

  it('sets nothing aside that may be new at a source around', async () => {
    box.write({
      'pando.yaml': profiles(profile('data', 's'), profile('c', 's/sub')),
      's/known': 'known',
    });
    await run('sync', 'data:');
    box.write({ 's/sub/new': 'not looked at yet' });
    await refused('audit', 'c', '--repair', '--max-difference', '100%');
    expect(box.read('s/sub/new')).toBe('not looked at yet');
    expect((await run('events')).stdout).toContain('it may be a file of data');
  });
});

describe('at a source', { timeout: 60_000 }, () => {
  it('the copies in a store inside are no objects, however often it is synced and whatever rules follow', async () => {
    box.write({
      'pando.yaml': profiles(profile('a', 's'), profile('c', 's/sub')),
      ...files('s', 20),
      cc: 'placed in c',
    });
    mkdirSync(box.path('s/sub'));
    await run('sync', 'a:');
    await run('upload', 'cc', '--store', 'c', '--scope', 'sc');
    await run('rule', 'add', 'a:*', '--copies', '1', '--stores', 'c');
    await run('worker', '--until-idle');
    box.write({ 's/sub/nobodys': 'dark in c', 's/sub/.pando/dark/x': 'of c' });
    for (let round = 0; round < 2; round++) {
      expect((await run('sync', 'a:')).stdout).not.toMatch(/ [1-9]\d* of its objects were new/);
      await run('worker', '--until-idle');
    }
    expect((await run('ls', 'a:')).stdout.trim().split('\n')).toHaveLength(20);
    expect((await run('object', 'ls', 'a:')).stdout).not.toContain('sub/');
    const copy = box.list('s/sub').find((name) => name.endsWith('/sc/cc')) as string;
    for (const words of [['cat'], ['stat'], ['rm']]) {
      const ran = await refused(...words, `a:sub/${copy}`);
      expect(ran.stderr).toContain('not found');
    }
    const put = await box.run(['put', '-', `a:sub/${copy}`], { input: 'others' });
    expect(put).toMatchObject({ code: 5, stderr: expect.stringContaining('copy of sc:cc') });
    const own = await box.run(['put', '-', 'a:sub/nobodys'], { input: 'others' });
    expect(own.stderr).toContain('a file of the store c');
    expect(box.read('s/sub', copy)).toBe('placed in c');

    const [audited] = (await box.json<Audited>('audit', 'a', '--repair')).stores;
    expect(audited).toMatchObject({ state: 'clean', counts: { new: 0, dark: 0 }, repairs: { registered: 0 } });
    expect(audited?.leftTo).toMatchObject([{ store: 'c' }]);
    expect((await run('audit', 'c', '--max-difference', '100%', '--repair')).stdout).toContain('1 set aside');
    expect((await box.json<Audited>('audit', 'c')).stores).toMatchObject([{ state: 'clean', counts: { lost: 0 } }]);
  });

  it('they are neither mirrored nor missed at a mirror', async () => {
    box.write({
      'pando.yaml': profiles(profile('a', 's', 'bk'), profile('bk', 'bk'), profile('c', 's/sub')),
      ...files('s', 3),
      cc: 'placed in c',
    });
    mkdirSync(box.path('s/sub'));
    await run('sync', 'a:');
    await run('upload', 'cc', '--store', 'c', '--scope', 'sc');
    await run('verify', 'a:');
    await run('sync', 'a:', '--delete-unmatched-files');
    expect(box.list('bk')).toEqual(['f00', 'f01', 'f02']);
    await run('verify', 'a:', '--repair');
    expect((await run('object', 'ls', 'a:')).stdout).not.toContain('sub/');
    expect((await box.json<Audited>('audit', 'c')).stores).toMatchObject([{ state: 'clean', counts: { ok: 1 } }]);
  });

  it('another source inside is seen by both, and so are copies that are placed beside its objects by neither', async () => {
    box.write({
      'pando.yaml': profiles(profile('data', 'src'), profile('raw', 'src/raw'), profile('other', 'other')),
      'src/a': 'a',
      'src/raw/r': 'r',
      'other/o': 'o',
    });
    for (const name of ['data', 'raw', 'other']) await run('sync', `${name}:`);
    expect((await run('object', 'ls', 'data:')).stdout).toContain('raw/r');
    await run('rule', 'add', 'other:o', '--copies', '1', '--stores', 'raw');
    await run('worker', '--until-idle');
    box.write({ 'src/raw/r2': 'r2' });
    for (const name of ['data', 'raw']) {
      const [audited] = (await box.json<Audited>('audit', name, '--repair')).stores;
      expect(audited).toMatchObject({ state: 'clean', counts: { new: 1 }, repairs: { registered: 1, setAside: 0 } });
      await run('sync', `${name}:`);
    }
    expect(
      (await run('ls', 'data:')).stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).at(-1)),
    ).toEqual(['a', 'raw/r', 'raw/r2']);
    expect((await run('cat', 'data:raw/r2')).stdout).toBe('r2');
    expect((await run('cat', 'raw:r2')).stdout).toBe('r2');
  });
});

describe('a sync with deletes into a place that other stores lie in', { timeout: 60_000 }, () => {
  it('deletes no source and no mirror of another profile, and a dry run says the same', async () => {
    box.write({
      'pando.yaml': profiles(
        profile('data', 'src', 'rep'),
        profile('rep', 's'),
        profile('src3', 's/src3', 'bk'),
        profile('bk', 's/bk'),
      ),
      '1.yaml': profiles(profile('data', 'src', 'rep'), profile('rep', 's')),
      ...files('src', 10),
      's/src3/t': 'only here',
    });
    await run('sync', 'data:');
    await run('sync', 'src3:');
    for (const config of ['pando.yaml', '1.yaml']) {
      for (const more of [['--dry-run'], []]) {
        const ran = await box.run(['--config', config, 'sync', 'data:', '--delete-unmatched-files', ...more]);
        expect(ran).toMatchObject({
          code: 5,
          stderr: expect.stringContaining('lies in rep, and a sync takes its files'),
        });
      }
    }
    expect(box.read('s/src3/t')).toBe('only here');
    expect(box.read('s/bk/t')).toBe('only here');

    rmSync(box.path('src/f00'));
    const except = ['--exclude', '/src3/', '--exclude', '/bk/'];
    await run('sync', 'data:', '--delete-unmatched-files', ...except);
    expect(existsSync(box.path('s/f00'))).toBe(false);
    expect(box.read('s/src3/t')).toBe('only here');
  });

  it('deletes nothing of a store that is only configured, and frozen ones stay as they are', async () => {
    box.write({
      'pando.yaml': profiles(profile('data', 'src', 'rep'), profile('rep', 's'), profile('young', 's/young')),
      ...files('src', 10),
      's/young/t': 'only here',
    });
    await run('sync', 'data:');
    const ran = await box.run(['sync', 'data:', '--delete-unmatched-files']);
    expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining('the store young lies in rep') });
    await run('store', 'set', 'young', '--no-delete');
    expect(await box.run(['sync', 'data:', '--delete-unmatched-files'])).toMatchObject({ code: 4 });
    expect(box.read('s/young/t')).toBe('only here');
  });

  it('deletes what it has brought itself, though it is the source of another profile', async () => {
    box.write({
      'pando.yaml': profiles(
        profile('data', 'src', 'rep'),
        profile('rep', 's'),
        profile('part', 's/part', 'far'),
        profile('far', 'far'),
      ),
      ...files('src', 10),
      'src/part/p1': '1',
      'src/part/p2': '2',
      // Only seen to be alike: whose it is nobody knows.
      'src/part/seen': 'seen',
      's/part/seen': 'seen',
    });
    await run('sync', 'data:');
    await run('sync', 'part:');
    rmSync(box.path('src/part/p1'));
    await run('sync', 'data:', '--delete-unmatched-files');
    expect(box.list('s/part')).toEqual(['p2', 'seen']);
    // What part has written there itself is not data's.
    box.write({ mine: 'mine' });
    await run('put', 'mine', 'part:p3');
    expect(await box.run(['sync', 'data:', '--delete-unmatched-files'])).toMatchObject({ code: 5 });
    expect(box.read('s/part/p3')).toBe('mine');
    rmSync(box.path('src/part/seen'));
    const but = ['--exclude', '/part/p3'];
    expect(await box.run(['sync', 'data:', '--delete-unmatched-files', ...but])).toMatchObject({ code: 5 });
    expect(box.list('s/part')).toEqual(['p2', 'p3', 'seen']);
  });
});
