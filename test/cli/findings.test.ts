import { rmSync, unlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

interface Status {
  readonly findings: readonly { readonly kind: string; readonly name: string; readonly store: string }[];
  readonly hasMore: boolean;
  readonly syncs: readonly { readonly purpose: string; readonly state: string }[];
}

const OPEN = /^found, and still so: /m;
const store = (name: string): string =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n`;

test('status tells what verify found wrong as long as it is so; a repair is told as one, and as events', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'a', 'data/b': 'b', 'data/c': 'c' });
  await box.run(['sync', 'data:']);
  expect((await box.run(['status'])).stdout).not.toMatch(OPEN);
  unlinkSync(box.path('near/a'));
  box.damage('near/b');
  expect(await box.run(['verify', 'data:'])).toMatchObject({ code: 1 });
  const wrong = await box.run(['status']);
  expect(wrong.stdout).toMatch(
    /^found, and still so: \S+ replica-found-missing data:a at file:.*near\/: found by verify$/m,
  );
  expect(wrong.stdout).toMatch(/^found, and still so: \S+ replica-found-corrupt data:b at /m);
  expect((await box.json<Status>('status')).findings).toHaveLength(2);

  expect(await box.run(['verify', 'data:', '--repair'])).toMatchObject({ code: 0 });
  const mended = await box.run(['status']);
  expect(mended.stdout).not.toMatch(OPEN);
  expect(mended.stdout).toMatch(/^verify --repair: \S+ data to .*: done, 2 objects$/m);
  expect(mended.stdout.match(/^sync: /gm)).toHaveLength(1);
  expect(await box.json<Status>('status')).toMatchObject({
    findings: [],
    hasMore: false,
    syncs: [{ purpose: 'repair' }, { purpose: 'sync' }],
  });
  const { stdout } = await box.run(['events']);
  expect(stdout).toMatch(/ replica-found-missing data:a /);
  expect(stdout).toMatch(
    / replica-mended data:a at file:.*near\/: it was missing; copied again and read back by verify --repair\n/,
  );
  expect(stdout).toMatch(/ replica-mended data:b at file:.*near\/: it was corrupt; /);
  expect(stdout).not.toMatch(/replica-mended data:c/);
});

test('of many findings status tells some, and that there are more; what was deleted is not wrong any more', async () => {
  using box = new Sandbox();
  box.configure();
  const names = Array.from({ length: 7 }, (_, at) => `f${at}`);
  box.write(Object.fromEntries(names.map((name) => [`data/${name}`, name])));
  await box.run(['sync', 'data:']);
  for (const name of names) unlinkSync(box.path('near', name));
  await box.run(['verify', 'data:']);
  expect(await box.json<Status>('status')).toMatchObject({ findings: { length: 5 }, hasMore: true });
  expect((await box.run(['status'])).stdout).toContain('… and more: pando events has what was found');
  await box.run(['rm', ...names.slice(0, 5).map((name) => `data:${name}`)]);
  const left = await box.json<Status>('status');
  expect(left.findings.map(({ name }) => name).sort()).toEqual(['f5', 'f6']);
  expect(left.hasMore).toBe(false);
});

test('what an audit found lost is told until its rule has it again, or wants it no more', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': `profiles:\n${['data', 'bern'].map(store).join('')}`, 'bern/.keep': '' });
  box.write({ 'data/a': 'a', 'data/b': 'b' });
  await box.run(['sync', 'data:']);
  await box.run(['rule', 'add', 'data:*', '--copies', '1', '--stores', 'bern']);
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  const lose = async (): Promise<void> => {
    for (const name of box.list('bern').filter((one) => one !== '.keep')) rmSync(box.path('bern', name));
    await box.run(['audit', 'bern', '--repair', '--max-difference', '100%']);
  };
  await lose();
  expect((await box.json<Status>('status')).findings.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'replica-found-missing a',
    'replica-found-missing b',
  ]);
  await box.run(['worker', '--until-idle']);
  expect((await box.json<Status>('status')).findings).toEqual([]);
  await lose();
  expect((await box.json<Status>('status')).findings).toHaveLength(2);
  await box.run(['rule', 'rm', '1']);
  await box.run(['worker', '--until-idle']);
  expect((await box.json<Status>('status')).findings).toEqual([]);
});
