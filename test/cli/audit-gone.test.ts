import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const CONFIGURATION = `profiles:
  data: {storage_provider: {type: file, options: {base_path: src}}}
  b: {storage_provider: {type: file, options: {base_path: b}}}
`;

test('an audit of a source says that nobody copies back what is gone from it, and what to do', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': CONFIGURATION, 'b/.keep': '' });
  box.write(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`src/f${i}`, `bytes ${i}`])));
  await box.run(['sync', 'data:']);
  await box.run(['rule', 'add', 'data:*', '--copies', '1', '--stores', 'b']);
  await box.run(['worker', '--until-idle']);
  for (const name of ['f1', 'f2']) box.remove('src', name);
  const gone = '2 not at the source any more, where no rule copies anything back: pando get';
  const found = await box.run(['audit', 'data']);
  expect(found.code).toBe(1);
  expect(found.stdout).toContain(gone);
  expect(found.stdout).not.toContain('copies again what is lost');
  expect(await box.json('audit', 'data')).toMatchObject({ stores: [{ repairs: { goneFromSource: 2, forgotten: 0 } }] });

  const repaired = await box.run(['audit', 'data', '--repair']);
  expect(repaired.code).toBe(1);
  expect(repaired.stdout).toContain('2 lost ones forgotten, which no rule copies there');
  expect(repaired.stdout).toContain(gone);
  expect(repaired.stdout).not.toContain('to be copied again');
  expect(repaired.stdout).not.toContain('pando worker brings');

  expect((await box.run(['get', 'data:f1', 'back'])).code).toBe(0);
  expect((await box.run(['put', 'back', 'data:f1'])).code).toBe(0);
  expect(box.read('src', 'f1')).toBe('bytes 1');
  expect((await box.run(['rm', 'data:f2'])).code).toBe(0);
  expect((await box.run(['audit', 'data'])).code).toBe(0);

  const atB = box.list('b').find((name) => name.endsWith('f3')) as string;
  box.remove('b', atB);
  const copied = await box.run(['audit', 'b', '--repair']);
  expect(copied.code).toBe(0);
  expect(copied.stdout).toContain('1 lost ones to be copied again');
  await box.run(['worker', '--until-idle']);
  expect(box.list('b')).toContain(atB);
}, 60_000);
