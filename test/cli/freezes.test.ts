import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const profile = (name: string, path = name, replicas: readonly string[] = []) =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ./${path}}}\n` +
  (replicas.length === 0
    ? ''
    : `    replicas: [${replicas.map((one, at) => `{replica_profile: ${one}, read_priority: ${at + 1}}`).join(', ')}]\n`);

const profiles = (...all: readonly string[]) => `profiles:\n${all.join('')}`;

test('what is said of a store holds for whoever shares the catalog and does not name it', async () => {
  using box = new Sandbox();
  box.write({
    '1.yaml': profiles(profile('data', 'data', ['rep']), profile('rep')),
    '2.yaml': profiles(profile('data')),
    'data/f1': 'one',
    'data/f2': 'two',
    'rep/.keep': '',
  });
  const mine = (...args: string[]) => box.run(['--config', '1.yaml', ...args]);
  const theirs = (...args: string[]) => box.run(['--config', '2.yaml', ...args]);
  expect(await mine('sync', 'data:')).toMatchObject({ code: 0 });
  expect(await mine('store', 'set', 'rep', '--no-delete', '--no-write')).toMatchObject({ code: 0 });
  expect(await mine('rm', 'data:f1')).toMatchObject({ code: 4 });
  await theirs('worker', '--until-idle');
  expect(await theirs('rm', 'data:f2')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('with a configuration that names it: pando store set rep --delete'),
  });
  box.write({ 'data/f3': 'three' });
  expect(await theirs('sync', 'data:', './rep')).toMatchObject({ code: 4 });
  expect(box.list('rep')).toEqual(['.keep', 'f1', 'f2']);

  await mine('store', 'set', 'rep', '--as-configured');
  expect(await theirs('worker', '--until-idle')).toMatchObject({ code: 0 });
  expect(box.list('rep')).toEqual(['.keep']);
}, 60_000);

test('a store inside one that is frozen gets nothing: no copy of a profile, of a rule, or of an upload', async () => {
  using box = new Sandbox();
  box.write({
    'pando.yaml': profiles(
      profile('data', 'data', ['inner']),
      profile('inner', 'big/inner'),
      profile('in2', 'big/in2'),
      profile('other'),
      profile('big'),
    ),
    'data/a': 'a',
    'big/inner/.keep': '',
    'big/in2/.keep': '',
    'other/.keep': '',
    mine: 'mine',
  });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'big', '--no-read', '--no-write', '--no-delete']);
  const listed = await box.json<{ name: string; availability: object }[]>('store', 'ls', 'in2');
  expect(listed).toMatchObject([{ availability: { read: false, write: false, delete: false } }]);
  expect(await box.run(['put', 'mine', 'data:c', '--wait'])).toMatchObject({ code: 4 });
  expect(await box.run(['rule', 'add', 'data:a', '--copies', '1', '--stores', 'in2|other'])).toMatchObject({ code: 0 });
  await box.run(['worker', '--until-idle']);
  expect(box.list('other').filter((name) => name !== '.keep')).toHaveLength(1);
  expect(await box.run(['upload', 'mine', 'p:mine', '--store', 'in2'])).not.toMatchObject({ code: 0 });
  expect(await box.run(['rm', 'data:a'])).toMatchObject({ code: 4 });
  expect(box.list('big')).toEqual(['in2/.keep', 'inner/.keep', 'inner/a']);
}, 60_000);

test('a frozen store is left alone through the one it lies in', async () => {
  using box = new Sandbox();
  box.write({
    'pando.yaml': profiles(profile('data', 'data', ['big']), profile('big'), profile('inner', 'big/in ner+1')),
    'data/in ner+1/z': 'z',
    'data/in ner+1/u': 'u',
    'data/b': 'b',
    'big/.keep': '',
    mine: 'mine',
  });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'inner', '--no-write', '--no-delete']);
  expect(await box.run(['rm', 'data:in ner+1/z'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('pando store set inner --delete'),
  });
  expect(await box.run(['put', 'mine', 'data:in ner+1/new', '--wait'])).toMatchObject({ code: 4 });
  expect(await box.run(['put', 'mine', 'big:in ner+1/new'])).toMatchObject({ code: 4 });
  expect(await box.run(['rm', 'data:b'])).toMatchObject({ code: 0 });
  box.write({ 'data/in ner+1/u': 'something else', 'data/c': 'c' });
  expect(await box.run(['sync', 'data:', '--delete-unmatched-files'])).toMatchObject({
    code: 4,
    stdout: expect.stringContaining('inner lies in it: it takes no writes now'),
  });
  expect(box.list('big')).toEqual(['.keep', 'in ner+1/u', 'in ner+1/z']);
  expect(box.read('big/in ner+1/u')).toBe('u');
  // Beside it nothing is kept back.
  box.write({ 'data/dir/d': 'd' });
  expect(await box.run(['sync', 'data:dir/'])).toMatchObject({ code: 0 });

  await box.run(['store', 'set', 'inner', '--as-configured']);
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(box.read('big/in ner+1/u')).toBe('something else');
}, 60_000);

test('a copy that finds its bytes at a frozen store leaves them, and the delete that came meanwhile waits', async () => {
  using box = new Sandbox();
  box.write({
    'pando.yaml': profiles(profile('data', 'data', ['rep']), profile('rep')),
    'data/f1': 'one',
    'data/f3': 'three',
    f3: 'three',
  });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'rep', '--no-delete']);
  expect(await box.run(['rm', 'data:f3'])).toMatchObject({ code: 4 });
  // The same bytes: the queued copy has only to look at them, and is begun by the next command beside it.
  expect(await box.run(['put', 'f3', 'data:f3'])).toMatchObject({ code: 0 });
  expect(await box.run(['rm', 'data:f3'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('pando store set rep --delete'),
  });
  expect(box.list('rep')).toEqual(['f1', 'f3']);
  await box.run(['worker', '--until-idle']);
  expect(box.list('rep')).toEqual(['f1', 'f3']);

  await box.run(['store', 'set', 'rep', '--as-configured']);
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(box.list('rep')).toEqual(['f1']);
  expect(await box.run(['request', 'ls', '--state', 'QUEUED'])).toMatchObject({ code: 0, stdout: '' });
}, 60_000);

/** Half a megabyte a second: they take some seconds, and half of them are left when half of that has gone. */
const slowly = (name: string) => `${profile(name)}    bandwidth: 500K\n`;
const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`data/f${at}`, `${at}`.repeat(50_000)]));

test('a worker that is copying hears of a freeze, publishes nothing more, and its copies wait', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': profiles(profile('data'), slowly('c')), 'c/.keep': '', ...many });
  await box.run(['sync', 'data:']);
  await box.run(['rule', 'add', 'data:*', '--copies', '1', '--stores', 'c']);
  const working = box.run(['worker', '--until-idle']);
  await sleep(1_500);
  await box.run(['store', 'set', 'c', '--no-write']);
  await working;
  expect(box.list('c').length).toBeLessThan(61);
  const waiting = await box.run(['request', 'ls', '--state', 'WAITING']);
  expect(waiting.stdout).toContain('it takes no writes now: pando store set c --write');
  expect(waiting.stdout).not.toContain('attempt');

  await box.run(['store', 'set', 'c', '--as-configured']);
  box.write({ 'pando.yaml': profiles(profile('data'), profile('c')) });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(box.list('c')).toHaveLength(61);
}, 60_000);

test.each(['local', 'workers'])(
  'a sync that is copying hears of a freeze and gives the target up: %s',
  async (mode) => {
    using box = new Sandbox();
    box.write({ 'pando.yaml': profiles(profile('data', 'data', ['c']), slowly('c')), 'c/.keep': '', ...many });
    const working = box.run(['worker'], { interruptAfter: { file: 'done', delayMs: 20 } });
    const syncing = box.run(['sync', 'data:', '--execution-mode', mode]);
    await sleep(mode === 'local' ? 1_500 : 2_500);
    await box.run(['store', 'set', 'c', '--no-write']);
    expect(await syncing).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('at c: it takes no writes now: pando store set c --write, or --as-configured'),
    });
    expect(box.list('c').length).toBeLessThan(61);
    box.write({ done: '' });
    await working;
  },
  60_000,
);
