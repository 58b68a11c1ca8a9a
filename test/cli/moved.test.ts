import { cpSync, mkdirSync, renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

interface Status {
  readonly replicas: readonly { readonly title: string; readonly state: string; readonly count: number }[];
}

/** A source `data` with replicas `near` and `far`, synced. */
async function openSynced(): Promise<Sandbox> {
  const box = new Sandbox();
  box.configure();
  box.write({ 'data/f1': 'one', 'data/f2': 'two', 'near/.keep': '', 'far/.keep': '' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  return box;
}

function writeAt(box: Sandbox, store: string, path: string): void {
  box.write({ 'pando.yaml': box.read('pando.yaml').replace(`base_path: ${store}}`, `base_path: ${path}}`) });
}

test('a replica that was moved has its copies at the new place, and none at the old one', async () => {
  using box = await openSynced();
  renameSync(box.path('near'), box.path('near-new'));
  writeAt(box, 'near', 'near-new');
  expect(await box.json('store', 'moved', 'near')).toEqual({
    name: 'near',
    from: expect.stringMatching(/\/near\/$/),
    looked: 2,
    missing: 0,
  });
  expect(await box.json('store', 'moved', 'near')).toEqual({ name: 'near' });
  const { replicas } = await box.json<Status>('status');
  expect(replicas.filter(({ title }) => title === 'near')).toMatchObject([{ state: 'AVAILABLE', count: 2 }]);
  expect(await box.run(['verify', 'data:'])).toMatchObject({ code: 0 });
  box.write({ 'near/f1': 'one' });
  expect(await box.run(['rm', 'data:f1'])).toMatchObject({ code: 0 });
  expect([box.list('near-new'), box.list('near')]).toEqual([['.keep', 'f2'], ['f1']]);
});

test('a replica that was copied elsewhere is as good as it is once it was looked at', async () => {
  using box = await openSynced();
  cpSync(box.path('near'), box.path('near-new'), { recursive: true, preserveTimestamps: true });
  writeAt(box, 'near', 'near-new');
  expect(await box.run(['store', 'moved', 'near'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/near lay at .*\/near\/, and is known here now; look at it with: pando sync data:/),
  });
  const statesOfNear = async () =>
    (await box.json<Status>('status')).replicas.flatMap(({ title, state }) => (title === 'near' ? [state] : []));
  expect(await statesOfNear()).toEqual(['UNVERIFIED']);
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(await statesOfNear()).toEqual(['AVAILABLE']);
});

test('a place where nothing of the replica is, is refused', async () => {
  using box = await openSynced();
  writeAt(box, 'near', 'near-new');
  expect(await box.run(['store', 'moved', 'near'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/near-new\/ is not there/),
  });
  mkdirSync(box.path('near-new'));
  expect(await box.run(['store', 'moved', 'near'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/none of 2 objects that were looked for/),
  });
  const { replicas } = await box.json<Status>('status');
  expect(replicas.filter(({ title }) => title === 'near')).toMatchObject([{ count: 2 }]);
});

test('of several places known by the name one is chosen', async () => {
  using box = await openSynced();
  const text = box.read('pando.yaml');
  writeAt(box, 'near', 'near-2');
  box.write({ 'near-2/.keep': '' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  box.write({ 'pando.yaml': text });
  renameSync(box.path('near'), box.path('near-3'));
  writeAt(box, 'near', 'near-3');
  expect(await box.run(['store', 'moved', 'near'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/knows near at 2 other places: .*\/near-2\/, .*\/near\/\n.*--from PLACE/),
  });
  const from = `file://${box.path('near')}`;
  expect(await box.run(['store', 'moved', 'near', '--from', `${from}-4`])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/does not know near at .*near-4\n.*it is known at /),
  });
  expect(await box.json('store', 'moved', 'near', '--from', from)).toMatchObject({ looked: 2, missing: 0 });
});

test('a store of the same name that is another project’s is left to it', async () => {
  using box = new Sandbox();
  for (const [project, source] of [
    ['one', 'data'],
    ['two', 'other'],
  ] as const)
    box.write({
      [`${project}/pando.yaml`]: `profiles:
  ${source}:
    storage_provider: {type: file, options: {base_path: ./${source}}}
    replicas: [{replica_profile: backup, read_priority: 1}]
  backup:
    storage_provider: {type: file, options: {base_path: ./backup}}
`,
      [`${project}/${source}/f1`]: 'one',
      [`${project}/backup/.keep`]: '',
    });
  expect(await box.run(['sync', 'data:', '--config', 'one/pando.yaml'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'other:', '--config', 'two/pando.yaml'])).toMatchObject({ code: 0 });
  const moved = ['store', 'moved', 'backup', '--config', 'two/pando.yaml'];
  expect(await box.run(moved)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/one\/backup\/, which is called backup too, has copies of data/),
  });
  const from = `file://${box.path('one/backup')}/`;
  expect(await box.run([...moved, '--from', from])).toMatchObject({ code: 0 });
});

test('a rule’s store that was moved keeps its locks, and what rules wait for comes to the new place', async () => {
  using box = await openSynced();
  box.configure('  cold:\n    storage_provider: {type: file, options: {base_path: cold}}\n');
  mkdirSync(box.path('cold'));
  expect(await box.run(['rule', 'add', 'data:f1', '--copies', '1', '--stores', 'cold'])).toMatchObject({ code: 0 });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  renameSync(box.path('cold'), box.path('colder'));
  writeAt(box, 'cold', 'colder');
  expect(await box.json('store', 'moved', 'cold')).toMatchObject({ looked: 1, missing: 0 });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(await box.json('rule', 'show', '1')).toMatchObject({ state: 'OK' });
  expect(await box.json('audit', 'cold')).toMatchObject({ stores: [{ state: 'clean', counts: { ok: 1 } }] });
});

test('a source and a replica that change their parts are told how to', async () => {
  using box = await openSynced();
  const configured = box.read('pando.yaml');
  const swapped = configured
    .replace('base_path: data}', 'base_path: other}')
    .replace('base_path: near}', 'base_path: data}')
    .replace('base_path: other}', 'base_path: near}');
  box.write({ 'pando.yaml': swapped });
  expect(await box.run(['store', 'moved', 'data'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/is the place of near now\n.*leave near out of pando.yaml until this was said/),
  });
  box.write({ 'pando.yaml': 'profiles: {data: {storage_provider: {type: file, options: {base_path: near}}}}' });
  expect(await box.run(['store', 'moved', 'data'])).toMatchObject({ code: 0 });
  box.write({ 'pando.yaml': swapped, 'near/f1': 'one, written again' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(box.read('data/f1')).toBe('one, written again');
});

test('a process from before does nothing at the old place, and none of what waits is lost by it', async () => {
  using box = await openSynced();
  const before = box.read('pando.yaml');
  expect(await box.run(['store', 'set', 'data', '--no-delete'])).toMatchObject({ code: 0 });
  expect(await box.run(['rm', 'data:f1'])).toMatchObject({ code: 4 });
  cpSync(box.path('data'), box.path('data-new'), { recursive: true, preserveTimestamps: true });
  writeAt(box, 'data', 'data-new');
  expect(await box.run(['store', 'moved', 'data'])).toMatchObject({ code: 0 });
  expect(await box.run(['store', 'set', 'data', '--as-configured'])).toMatchObject({ code: 0 });
  const after = box.read('pando.yaml');
  box.write({ 'pando.yaml': before });
  await box.run(['worker', '--until-idle']);
  expect([box.list('data'), box.list('data-new')]).toEqual([
    ['f1', 'f2'],
    ['f1', 'f2'],
  ]);
  box.write({ 'pando.yaml': after });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect([box.list('data'), box.list('data-new')]).toEqual([['f1', 'f2'], ['f2']]);
});

test('nothing is done at the old place by who knows only that', async () => {
  using box = await openSynced();
  const before = box.read('pando.yaml');
  renameSync(box.path('near'), box.path('near-new'));
  writeAt(box, 'near', 'near-new');
  expect(await box.run(['store', 'moved', 'near'])).toMatchObject({ code: 0 });
  box.write({ 'pando.yaml': before, 'data/f3': 'three', 'near/.keep': '' });
  const ran = await box.run(['sync', 'data:']);
  expect(ran).toMatchObject({ code: 4, stdout: expect.stringMatching(/near: it was moved to .*near-new\//) });
  expect([box.list('near'), box.list('far')]).toEqual([['.keep'], ['.keep', 'f1', 'f2', 'f3']]);
});

test('what a worker found nothing to copy from is there all the same, when it is said that its store was moved', async () => {
  using box = new Sandbox();
  const configured = (path: string) =>
    `profiles: {cold: {storage_provider: {type: file, options: {base_path: ${path}}}, paths: {algorithm: hash}}}`;
  box.write({ 'pando.yaml': configured('cold'), only: 'the only one', 'cold/.keep': '' });
  expect(await box.run(['upload', 'only', '--store', 'cold', '--scope', 'lab'])).toMatchObject({ code: 0 });
  renameSync(box.path('cold'), box.path('colder'));
  box.write({ 'pando.yaml': configured('colder') });
  await box.run(['rule', 'add', 'lab:only', '--copies', '1', '--stores', 'cold', '--account', 'other']);
  await box.run(['worker', '--until-idle']);
  expect(await box.run(['store', 'moved', 'cold'])).toMatchObject({ code: 0 });
  await box.run(['worker', '--until-idle']);
  expect(await box.json('replica', 'ls', 'lab:only')).toMatchObject([{ store: 'cold', state: 'AVAILABLE' }]);
  const rules = await box.json<{ state: string }[]>('rule', 'ls');
  expect(rules.map(({ state }) => state)).toEqual(rules.map(() => 'OK'));
  expect((await box.run(['request', 'ls'])).stdout).toBe('');
});
