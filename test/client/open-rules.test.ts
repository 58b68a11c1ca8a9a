import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  ObjectError,
  openClient,
  openRules,
  RuleError,
  StorageClient,
  StorageClientConfig,
  UploadError,
} from '../../src/index.ts';

test('a program orders copies, has them brought, and asks why', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-open-rules-'));
  const path = join(root, 'pando.yaml');
  const store = (name: string) => `  ${name}: {storage_provider: {type: file, options: {base_path: ${name}}}}\n`;
  writeFileSync(path, `catalog: sqlite:${join(root, 'catalog.sqlite')}\nprofiles:\n${store('data')}${store('far')}`);
  for (const name of ['data', 'far']) mkdirSync(join(root, name));
  try {
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    await client.write('x', Buffer.from('bytes'));
    await using opened = await openRules({ path, scope: 'data' });
    const { id, stores } = await opened.rules.add(['x'], { copies: 1, stores: 'far' });
    expect(stores).toEqual(['far']);
    await expect(opened.rules.add(['x'], { copies: 1, stores: 'far' })).rejects.toBeInstanceOf(RuleError);
    // No copies are not asked for by a rule, and a part of one is none.
    for (const copies of [0, -1, 1.5, Number.NaN]) {
      for (const order of [
        () => opened.rules.add(['x'], { copies, stores: 'far' }),
        () => opened.rules.update(id, { copies }),
        () => opened.plans.newRule(['x'], { copies, stores: 'far' }),
      ])
        await expect(order()).rejects.toMatchObject({
          name: 'ConfigurationError',
          message: expect.stringContaining(`${copies} copies of each object are not to be had`),
        });
    }
    await expect(opened.rules.show(id + 1)).rejects.toMatchObject({
      name: 'RuleError',
      message: `there is no rule ${id + 1}`,
      remedy: expect.stringContaining('pando rule ls'),
    });
    expect((await opened.rules.add(['[x]'], { copies: 1, stores: 'far', comment: 'by class' })).warnings).toEqual([]);
    expect((await opened.rules.add(['y*'], { copies: 1, stores: 'far' })).warnings).toEqual([
      'y*: nothing is there now; what comes later is copied',
    ]);
    await client.write('2023/05/a.csv', Buffer.from('deep'));
    const warned = async (pattern: string) =>
      (await opened.rules.add([pattern], { copies: 1, stores: 'far', comment: pattern })).warnings;
    expect(await warned('data:2023/*')).toEqual([
      'data:2023/*: nothing is there now; what comes later is copied',
      'data:2023/*: what is there lies deeper, where data:2023/** would match it',
    ]);
    expect((await warned('2023/*.csv'))[1]).toContain('where 2023/**/*.csv would match it');
    for (const pattern of ['2023/*.txt', '2022/*', '2022/**'])
      expect(await warned(pattern)).toEqual([`${pattern}: nothing is there now; what comes later is copied`]);
    await opened.work();
    expect(await opened.explain(String(id))).toMatchObject({ kind: 'rule', rule: { state: 'OK' }, waiting: [] });
    expect(await opened.resolve('x')).toMatchObject({ replicas: [{ store: 'data' }, { store: 'far' }] });
    expect(readdirSync(join(root, 'far'))).not.toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test('errors are told apart by their classes', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-errors-'));
  const path = join(root, 'pando.yaml');
  writeFileSync(
    path,
    `catalog: sqlite:${join(root, 'catalog.sqlite')}\nprofiles:\n  data: {storage_provider: {type: file, options: {base_path: data}}, availability: {write: false}}\n`,
  );
  writeFileSync(join(root, 'file'), 'bytes');
  mkdirSync(join(root, 'data'));
  try {
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    await expect(client.read('x')).rejects.toBeInstanceOf(ObjectError);
    await using uploads = await openClient({ path, scope: 'lab' });
    await expect(uploads.upload([join(root, 'file')], {})).rejects.toBeInstanceOf(UploadError);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test('a read that every store of the profile fails is served by the copy that a rule placed, and fills the replicas again', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-placed-'));
  const path = join(root, 'pando.yaml');
  const store = (name: string, more = '') =>
    `  ${name}: {storage_provider: {type: file, options: {base_path: ${name}}}${more}}\n`;
  const mirrored = ', replicas: [{replica_profile: near, read_priority: 1}]';
  writeFileSync(
    path,
    `catalog: sqlite:${join(root, 'catalog.sqlite')}\nprofiles:\n${store('data', mirrored)}${store('near')}${store('far')}`,
  );
  for (const name of ['data', 'near', 'far']) mkdirSync(join(root, name));
  try {
    await using opened = await openRules({ path, scope: 'data' });
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    await client.write('x', Buffer.from('bytes'));
    await client.flush();
    await opened.rules.add(['x'], { copies: 1, stores: 'far' });
    await opened.work();
    rmSync(join(root, 'data', 'x'));
    rmSync(join(root, 'near', 'x'));
    await opened.stores.set('far', { read: false });
    await expect(client.read('x')).rejects.toThrow('not found');
    await opened.stores.set('far', 'as-configured');
    expect((await client.read('x')).toString()).toBe('bytes');
    await client.flush();
    expect(readFileSync(join(root, 'near', 'x'), 'utf8')).toBe('bytes');
    expect(existsSync(join(root, 'data', 'x'))).toBe(false);
    expect((await client.read('x', { range: { start: 1, end: 2 } })).toString()).toBe('yt');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
