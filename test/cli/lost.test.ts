import { mkdirSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

/** A source `data` with replicas `near` and `far`, synced. */
async function openSynced(): Promise<Sandbox> {
  const box = new Sandbox();
  box.configure();
  box.write({ 'data/f1': 'one', 'data/f2': 'two', 'near/.keep': '', 'far/.keep': '' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  return box;
}

async function titlesOf(box: Sandbox): Promise<readonly string[]> {
  const { replicas } = await box.json<{ replicas: readonly { title: string }[] }>('status');
  return replicas.map(({ title }) => title).toSorted();
}

test('a store that is lost is forgotten when it is meant, and the next sync fills it', async () => {
  using box = await openSynced();
  rmSync(box.path('near'), { recursive: true });
  const told = await box.run(['store', 'lost', 'near']);
  expect(told).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /near holds copies of 2 objects.*No object would be lost with it\..*2 copies at .*\/near\/, and of what waits for it 0 copies and 0 deletes/s,
    ),
    stderr: expect.stringContaining('pando store lost near --yes'),
  });
  expect(await titlesOf(box)).toEqual(['data', 'far', 'near']);
  expect(await box.run(['store', 'lost', 'near', '--yes'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/near: 2 copies at .* are forgotten/),
  });
  expect(await titlesOf(box)).toEqual(['data', 'far']);
  expect((await box.run(['events'])).stdout).toMatch(/store-declared-lost/);
  expect(await box.run(['store', 'lost', 'near', '--yes'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/near: 0 copies at /),
  });
  mkdirSync(box.path('near'));
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(box.list('near')).toEqual(['f1', 'f2']);
});

test('an old place that deletes wait for is forgotten by its name or its place', async () => {
  using box = await openSynced();
  await box.run(['store', 'set', 'near', '--no-delete']);
  expect(await box.run(['rm', 'data:f1'])).toMatchObject({ code: 4 });
  box.write({ 'pando.yaml': box.read('pando.yaml').replace('base_path: near}', 'base_path: near-2}') });
  mkdirSync(box.path('near-2'));
  // Nothing is known at the new place yet: only the old one can be meant.
  expect((await box.run(['store', 'lost', 'near'])).stdout).toMatch(
    /Forgotten would be 2 copies at .*\/near\/, .*1 delete\./,
  );
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(await titlesOf(box)).toEqual(['data', 'far', 'near', 'near', 'near']);
  expect(await box.run(['store', 'lost', 'near', '--yes'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/near is known at .*\/near-2\/, .*\/near\/\n.*say which place/),
  });
  expect(await box.json('store', 'lost', box.path('near'), '--yes')).toEqual({
    store: 'near',
    place: expect.stringMatching(/\/near\/$/),
    copies: 2,
    lostObjects: 0,
    isInterrupted: false,
    lostNames: [],
  });
  expect(await box.run(['request', 'ls', '--json'])).toMatchObject({ code: 0, stdout: '' });
  expect(await titlesOf(box)).toEqual(['data', 'far', 'near']);
  expect(box.list('near')).toEqual(['.keep', 'f1', 'f2']);
  expect(await box.run(['store', 'lost', 'nowhere'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('the catalog knows no store "nowhere"'),
  });
});

test('a store that was no profile, and was taken as lost, has nothing left to be lost', async () => {
  using box = new Sandbox();
  box.write({ 'data/f': 'one' });
  expect(await box.run(['sync', 'data', './me@home:copy'])).toMatchObject({ code: 0 });
  const title = (await titlesOf(box)).find((one) => one.includes('copy')) ?? '';
  expect(await box.run(['store', 'lost', title, '--yes'])).toMatchObject({ code: 0 });
  for (const words of [[title], [title, '--yes']])
    expect(await box.run(['store', 'lost', ...words])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /the catalog knows of no copy at \.\/me@home:copy, .*\n  → nothing is left to do: it was taken/,
      ),
    });
});

test('objects whose last copy was there are named, and stay known as lost', async () => {
  using box = await openSynced();
  box.configure('  cold:\n    storage_provider: {type: file, options: {base_path: cold}}\n');
  box.write({ 'cold/.keep': '', only: 'only' });
  expect(await box.run(['upload', box.path('only'), '--store', 'cold', '--scope', 'lab'])).toMatchObject({ code: 0 });
  expect((await box.run(['store', 'lost', 'cold'])).stdout).toMatch(/Lost with it: 1 object.*lab:only/s);
  expect(await box.run(['store', 'lost', 'cold', '--yes'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/1 object has no copy left:\n.*lab:only/),
  });
  expect(await box.json('status')).toMatchObject({ lost: { count: 1, some: [{ scope: 'lab', name: 'only' }] } });
  expect((await box.run(['events'])).stdout).toMatch(/object-lost/);
  expect(await box.run(['object', 'show', 'lab:only'])).toMatchObject({ code: 0 });
});

test('rules place anew what they had at a store that is lost', async () => {
  using box = await openSynced();
  const store = (name: string) => `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n`;
  box.configure(store('cold') + store('warm'));
  box.write({ 'cold/.keep': '', 'warm/.keep': '' });
  expect(await box.run(['rule', 'add', 'data:f1', '--copies', '1', '--stores', 'cold|warm'])).toMatchObject({
    code: 0,
  });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  const lost = box.list('cold').length > 1 ? 'cold' : 'warm';
  const other = lost === 'cold' ? 'warm' : 'cold';
  rmSync(box.path(lost), { recursive: true });
  expect(await box.run(['store', 'lost', lost, '--yes'])).toMatchObject({ code: 0 });
  box.configure(store(other));
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(box.list(other)).toHaveLength(2);
  expect(await box.json('rule', 'show', '1')).toMatchObject({ state: 'OK' });
});

test('a source is not lost: it is said how its objects come back', async () => {
  using box = await openSynced();
  rmSync(box.path('data'), { recursive: true });
  mkdirSync(box.path('data'));
  for (const more of [[], ['--yes']])
    expect(await box.run(['store', 'lost', 'data', ...more])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is the source of data.*pando download 'data:\*' --to DIRECTORY/s),
    });
  expect(await box.run(['download', 'data:*', '--to', box.path('back')])).toMatchObject({ code: 0 });
  expect(box.list('back')).toEqual(['f1', 'f2']);
});

test('an old source that is lost gives way to where the data is now', async () => {
  using box = await openSynced();
  rmSync(box.path('data'), { recursive: true });
  box.write({
    'pando.yaml': box.read('pando.yaml').replace('base_path: data}', 'base_path: data-2}'),
    'data-2/f1': 'one',
  });
  expect(await box.run(['store', 'lost', `file://${box.path('data')}/`, '--yes'])).toMatchObject({ code: 0 });
  expect(await box.run(['store', 'moved', 'data'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(box.list('near')).toEqual(['.keep', 'f1', 'f2']);
});
