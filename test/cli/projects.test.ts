import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const CONFIGURATION = `profiles:
  data:
    storage_provider: {type: file, options: {base_path: ./data}}
    replicas: [{replica_profile: backup, read_priority: 1}]
  backup:
    storage_provider: {type: file, options: {base_path: ./backup}}
`;

/** A project with a source `data` and its replica, as anybody would name them, on the user's one catalog. */
function addProject(box: Sandbox, name: string, text: string): void {
  box.write({
    [`${name}/pando.yaml`]: CONFIGURATION,
    [`${name}/data/f1`]: text,
    [`${name}/data/f2`]: 'the same',
    [`${name}/backup/.keep`]: '',
  });
}

function at(name: string): [string, string] {
  return ['--config', `${name}/pando.yaml`];
}

test('two projects with profiles of one name never touch each other', async () => {
  using box = new Sandbox();
  addProject(box, 'prod', 'the data');
  addProject(box, 'other', 'something else');
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({ code: 0 });
  const refusal = {
    code: 2,
    stderr: expect.stringMatching(
      /knows data with its source at file:\/\/.*\/prod\/data\/, and here it is .*\/other\//,
    ),
  };
  for (const command of [
    ['rm', 'data:f1'],
    ['put', 'other/data/f1', 'data:f1'],
    ['cat', 'data:f1'],
    ['ls', 'data:'],
    ['sync', 'data:', '--delete-unmatched-files', '-n'],
    ['sync', 'data:'],
    ['verify', 'data:'],
    // It is right by itself; no command would take it.
    ['config', 'check'],
  ])
    expect(await box.run([...command, ...at('other')])).toMatchObject(refusal);
  for (const file of ['prod/data/f1', 'prod/backup/f1']) expect(box.read(file)).toBe('the data');
  expect(await box.run(['cat', 'data:f1', ...at('prod')])).toMatchObject({ code: 0, stdout: 'the data' });
});

test('init gives a name that the catalog does not know from elsewhere', async () => {
  using box = new Sandbox();
  addProject(box, 'prod', 'the data');
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({ code: 0 });
  box.write({ 'data/f1': 'mine', 'backup/.keep': '' });
  expect(await box.run(['init', './data', './backup'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /profiles: data-2, backup\nNo profile is called data: the catalog knows it with its source at another place\.\n/,
    ),
  });
  box.write({
    'pando.yaml': `${box.read('pando.yaml')}  data3:\n    storage_provider: {type: file, options: {base_path: d3}}\n`,
  });
  expect(await box.run(['sync', 'pando://data'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean data-2?'),
  });
  expect(await box.run(['sync', 'data-2:'])).toMatchObject({ code: 0 });
  expect(await box.run(['rm', 'data-2:f1'])).toMatchObject({ code: 0 });
  expect(box.read('prod/data/f1')).toBe('the data');
});

test('a source that was moved goes on at its new place, when it is said', async () => {
  using box = new Sandbox();
  addProject(box, 'prod', 'the data');
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({ code: 0 });
  mkdirSync(box.path('disk'));
  renameSync(box.path('prod/data'), box.path('disk/data'));
  box.write({ 'prod/pando.yaml': CONFIGURATION.replace('./data', '../disk/data') });
  expect(await box.run(['cat', 'data:f1', ...at('prod')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('pando store moved data'),
  });
  // Nothing of it is there yet.
  renameSync(box.path('disk/data'), box.path('disk/late'));
  mkdirSync(box.path('disk/data'));
  expect(await box.run(['store', 'moved', 'data', ...at('prod')])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/none of 2 objects that were looked for lies at .*bring the data there first/s),
  });
  rmSync(box.path('disk/data'), { recursive: true });
  renameSync(box.path('disk/late'), box.path('disk/data'));
  expect(await box.json('store', 'moved', 'data', ...at('prod'))).toEqual({
    name: 'data',
    from: expect.stringMatching(/\/prod\/data\/$/),
    looked: 2,
    missing: 0,
  });
  expect(await box.json('store', 'moved', 'data', ...at('prod'))).toEqual({ name: 'data' });
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/unchanged\s.*\n.*\b2\b/),
  });
  // Of the old place nothing is counted, and nothing is done there.
  const { replicas } = await box.json<{ replicas: { store: string }[] }>('explain', 'data:f1', ...at('prod'));
  expect(replicas.map(({ store }) => store).toSorted()).toEqual(['backup', 'data']);
  box.write({ 'prod/data/f1': 'the data' });
  expect(await box.run(['rm', 'data:f1', ...at('prod')])).toMatchObject({ code: 0 });
  expect([box.list('disk/data'), box.list('prod/data')]).toEqual([['f2'], ['f1']]);
});

test('a delete that waits goes with the source that is moved', async () => {
  using box = new Sandbox();
  addProject(box, 'prod', 'the data');
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'data', '--no-delete', ...at('prod')]);
  expect(await box.run(['rm', 'data:f1', ...at('prod')])).toMatchObject({ code: 4 });
  mkdirSync(box.path('disk'));
  renameSync(box.path('prod/data'), box.path('disk/data'));
  box.write({ 'prod/pando.yaml': CONFIGURATION.replace('./data', '../disk/data') });
  expect(await box.run(['store', 'moved', 'data', ...at('prod')])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'data', '--as-configured', ...at('prod')]);
  expect(await box.run(['worker', '--until-idle', ...at('prod')])).toMatchObject({ code: 0 });
  expect(box.list('disk/data')).toEqual(['f2']);
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({ code: 0 });
  expect(box.list('prod/backup')).toEqual(['.keep', 'f2']);
});

test('what was said of a source holds where it lies now, also if that place had copies before', async () => {
  using box = new Sandbox();
  addProject(box, 'prod', 'the data');
  expect(await box.run(['sync', 'data:', ...at('prod')])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:', box.path('disk'), ...at('prod')])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'data', '--no-write', ...at('prod')]);
  box.write({ 'prod/pando.yaml': CONFIGURATION.replace('./data', '../disk') });
  expect(await box.run(['store', 'moved', 'data', ...at('prod')])).toMatchObject({ code: 0 });
  box.write({ new: 'new' });
  expect(await box.run(['put', box.path('new'), 'data:f3', ...at('prod')])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('takes no writes now'),
  });
  expect(box.list('disk')).toEqual(['f1', 'f2']);
});
