import { cpSync, mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const CONFIGURATION = `profiles:
  data:
    storage_provider: {type: file, options: {base_path: ./src}}
    replicas: [{replica_profile: bk, read_priority: 1}]
  bk:
    storage_provider: {type: file, options: {base_path: ./bk}}
`;

/** A source and its replica, synced: what is copied by hand has other tokens than the original. */
async function openSynced(): Promise<Sandbox> {
  const box = new Sandbox();
  box.write({ 'pando.yaml': CONFIGURATION, 'src/f1': 'one', 'src/f2': 'two', 'bk/.keep': '' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  return box;
}

function copyByHand(box: Sandbox, from: string, to: string): void {
  cpSync(box.path(from), box.path(to), { recursive: true, preserveTimestamps: true });
}

async function deleteLater(box: Sandbox, object: string): Promise<void> {
  await box.run(['store', 'set', 'data', '--no-delete']);
  expect(await box.run(['rm', object])).toMatchObject({ code: 4 });
}

/** The configuration says so, and the catalog is told. */
async function moveSource(box: Sandbox, to: string): Promise<void> {
  box.write({ 'pando.yaml': box.read('pando.yaml').replace('./src', `./${to}`) });
  expect(await box.run(['store', 'moved', 'data'])).toMatchObject({ code: 0 });
}

async function letDeletesGo(box: Sandbox): Promise<void> {
  await box.run(['store', 'set', 'data', '--as-configured']);
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(await box.run(['request', 'ls', '--json'])).toMatchObject({ code: 0, stdout: '' });
}

test('a delete that waits at a source does not come back from a place that was synced before it was said', async () => {
  using box = await openSynced();
  copyByHand(box, 'src', 'new');
  expect(await box.run(['sync', 'data:', box.path('new'), box.path('bk')])).toMatchObject({ code: 0 });
  await deleteLater(box, 'data:f1');
  expect(box.list('new')).toEqual(['f2']);
  await moveSource(box, 'new');
  await letDeletesGo(box);
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect([box.list('new'), box.list('bk')]).toEqual([['f2'], ['.keep', 'f2']]);
  expect(await box.run(['cat', 'data:f1'])).toMatchObject({ code: 3 });
  expect(box.list('src')).toEqual(['f1', 'f2']);
  expect((await box.json<{ replicas: unknown[] }>('status')).replicas).toHaveLength(2);
});

test('nor from what was copied to the new place by hand, whoever looks there first', async () => {
  using box = await openSynced();
  copyByHand(box, 'src', 'new');
  expect(await box.run(['sync', 'data:', box.path('new'), box.path('bk')])).toMatchObject({ code: 0 });
  await deleteLater(box, 'data:f1');
  copyByHand(box, 'src/f1', 'new/f1');
  await moveSource(box, 'new');
  // The freeze came along: the delete is left.
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 4 });
  expect(await box.run(['cat', 'data:f1'])).toMatchObject({ code: 3 });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect([box.list('new'), box.list('bk')]).toEqual([
    ['f1', 'f2'],
    ['.keep', 'f2'],
  ]);
  await letDeletesGo(box);
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect([box.list('new'), box.list('bk')]).toEqual([['f2'], ['.keep', 'f2']]);
  expect(box.list('src')).toEqual(['f1', 'f2']);
});

test('a delete that waits goes to a source that was copied elsewhere, also where nobody has ever read its bytes', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': CONFIGURATION, 'src/f1': 'one', 'src/f2': 'two', 'bk/.keep': '' });
  expect(await box.run(['stat', 'data:f1'])).toMatchObject({ code: 0 });
  copyByHand(box, 'src', 'new');
  await deleteLater(box, 'data:f1');
  await moveSource(box, 'new');
  await letDeletesGo(box);
  expect(box.list('new')).toEqual(['f2']);
  expect(box.list('src')).toEqual(['f1', 'f2']);
});

test('what else lies at the new place under a name that waits to be deleted stays, and is made known then', async () => {
  using box = await openSynced();
  copyByHand(box, 'src', 'new');
  await deleteLater(box, 'data:f1');
  box.write({ 'new/f1': 'another' });
  await moveSource(box, 'new');
  await letDeletesGo(box);
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(box.read('bk/f1')).toBe('another');
});

test('an object that is put again at a moved source is not deleted by what waited there', async () => {
  using box = await openSynced();
  copyByHand(box, 'src', 'new');
  await deleteLater(box, 'data:f1');
  await moveSource(box, 'new');
  box.write({ again: 'again' });
  expect(await box.run(['put', box.path('again'), 'data:f1'])).toMatchObject({ code: 0 });
  await letDeletesGo(box);
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect([box.read('new/f1'), box.read('bk/f1')]).toEqual(['again', 'again']);
});

test('a source that was copied elsewhere is deleted from there', async () => {
  using box = await openSynced();
  copyByHand(box, 'src', 'new');
  await moveSource(box, 'new');
  expect(await box.run(['rm', 'data:f1'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect([box.list('new'), box.list('bk')]).toEqual([['f2'], ['.keep', 'f2']]);
});

test('a replica that was synced to its new place before it was said is one store', async () => {
  using box = await openSynced();
  copyByHand(box, 'bk', 'bk-new');
  box.write({ 'pando.yaml': CONFIGURATION.replace('./bk', './bk-new'), 'src/f3': 'three' });
  mkdirSync(box.path('bk-new'), { recursive: true });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(await box.json('store', 'moved', 'bk')).toMatchObject({ looked: 2, missing: 0 });
  const { replicas } = await box.json<{ replicas: unknown[] }>('status');
  expect(replicas).toMatchObject([
    { title: 'bk', state: 'AVAILABLE', count: 3 },
    { title: 'data', state: 'AVAILABLE', count: 3 },
  ]);
  expect(await box.run(['rm', 'data:f1'])).toMatchObject({ code: 0 });
  expect([box.list('bk-new'), box.list('bk')]).toEqual([
    ['.keep', 'f2', 'f3'],
    ['.keep', 'f1', 'f2'],
  ]);
});
