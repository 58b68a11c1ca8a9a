import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const store = (name: string): string =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n`;

test('explain and status tell which copies lie at a store that may not be read, or did not answer its audit', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': `profiles:\n${['data', 'bern', 'geneva'].map(store).join('')}` });
  for (const one of ['data', 'bern', 'geneva']) box.write({ [`${one}/.keep`]: '' });
  await box.run(['put', '-', 'data:x'], { input: 'bytes' });
  for (const one of ['bern', 'geneva']) await box.run(['rule', 'add', 'data:x', '--copies', '1', '--stores', one]);
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  const all = await box.run(['explain', 'data:x']);
  expect(all.stdout).toContain('3 copies are there. Nothing is missing.');
  expect((await box.run(['status'])).stdout).not.toContain('cannot be read');

  await box.run(['store', 'set', 'bern', '--no-read']);
  renameSync(box.path('geneva'), box.path('geneva.away'));
  expect(await box.run(['audit', 'geneva'])).toMatchObject({ code: 4 });
  const some = await box.run(['explain', 'data:x']);
  expect(some.stdout).toContain('3 copies are there, 2 of them cannot be read now. Nothing is missing.');
  expect(some.stdout).toMatch(/^bern: it gives no bytes now: pando store set bern --read, or --as-configured$/m);
  expect(some.stdout).toMatch(/^geneva: it did not answer its last audit, \d{4}-\S+Z$/m);
  const status = await box.run(['status']);
  expect(status.stdout).toMatch(/^cannot be read: bern: it gives no bytes now/m);
  expect(status.stdout).toMatch(/^cannot be read: geneva: it did not answer its last audit/m);
  expect(await box.json('status')).toMatchObject({ unreadable: [{ store: 'bern' }, { store: 'geneva' }] });

  renameSync(box.path('geneva.away'), box.path('geneva'));
  await box.run(['audit', 'geneva']);
  await box.run(['store', 'set', 'bern', '--as-configured']);
  expect((await box.run(['explain', 'data:x'])).stdout).toContain('3 copies are there. Nothing is missing.');
});

test('status and explain mark what a store is not to be asked for, or that it did not answer its audit, beside its copies', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': `profiles:\n${['data', 'bern', 'geneva'].map(store).join('')}` });
  for (const one of ['data', 'bern', 'geneva']) box.write({ [`${one}/.keep`]: '' });
  await box.run(['put', '-', 'data:x'], { input: 'bytes' });
  for (const one of ['bern', 'geneva']) await box.run(['rule', 'add', 'data:x', '--copies', '1', '--stores', one]);
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect((await box.run(['status'])).stdout).toMatch(/ place$/m);
  expect((await box.run(['explain', 'data:x'])).stdout).toMatch(/ it is there for$/m);

  await box.run(['store', 'set', 'bern', '--no-write', '--no-delete']);
  renameSync(box.path('geneva'), box.path('geneva.away'));
  await box.run(['audit', 'geneva']);
  const status = await box.run(['status']);
  expect(status.stdout).toMatch(/^bern .*bern\/ +takes no writes now, deletes nothing now$/m);
  expect(status.stdout).toMatch(/^geneva .*geneva\/ +did not answer its last audit, \d{4}-\S+Z$/m);
  expect(status.stdout).toMatch(/^data .*data\/$/m);
  const marked = [
    { store: 'bern', marks: ['takes no writes now', 'deletes nothing now'] },
    { store: 'geneva', marks: [expect.stringMatching(/^did not answer its last audit, /)] },
  ];
  expect(await box.json('status')).toMatchObject({ marked });
  const explained = await box.run(['explain', 'data:x']);
  expect(explained.stdout).toMatch(/^bern .*rule 1 +takes no writes now, deletes nothing now$/m);
  expect(explained.stdout).toMatch(/^geneva .*rule 2 +did not answer its last audit, \d{4}-\S+Z$/m);
  const { replicas } = await box.json<{ replicas: { store: string; storeMarks: string[] }[] }>('explain', 'data:x');
  const marksOf = (name: string) => replicas.find((one) => one.store === name)?.storeMarks;
  expect([marksOf('data'), marksOf('bern')]).toEqual([[], ['takes no writes now', 'deletes nothing now']]);
});
