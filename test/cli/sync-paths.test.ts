import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('a path below which nothing is, at the source, the targets or in the catalog, is a slip; what was there once is none', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({
    'data/x/1': '1',
    'data/x/.2': '2',
    'data/y': 'y',
    'data/z/z': 'z',
    names: 'x/1\nx/3\n',
    'mine/m': 'm',
  });
  await box.run(['sync', 'data:']);
  const nothing = {
    code: 3,
    stdout: '',
    stderr: 'pando: data: there is nothing below xyz, neither here nor at the targets, and nothing is known of it\n',
  };
  for (const command of [
    ['sync'],
    ['sync', '--dry-run'],
    ['sync', '--delete-unmatched-files', '--allow-empty-source'],
    ['sync', '--exclude', '*'],
    ['sync', '--files-from', 'names'],
    ['verify'],
    ['verify', '--repair'],
  ]) {
    expect(await box.run([...command, 'data:xyz']), command.join(' ')).toEqual(nothing);
    expect(await box.run([...command, 'data:xyz/', './other']), command.join(' ')).toEqual(nothing);
  }
  // All that is left out is there.
  expect(await box.run(['sync', 'data:x', '--exclude', '*'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:x', '--files-from', 'names'])).toMatchObject({ code: 1 });
  // Without a path it is the whole of a source, which may be empty.
  box.write({ 'empty/.pando/x': '' });
  expect(await box.run(['sync', './empty', './other'])).toMatchObject({ code: 0 });
  // What only a target or the catalog has is told as ever, and goes where that is asked for.
  rmSync(box.path('data/x'), { recursive: true });
  rmSync(box.path('data/z'), { recursive: true });
  rmSync(box.path('near/z'), { recursive: true });
  rmSync(box.path('far/z'), { recursive: true });
  expect(await box.run(['sync', 'data:x'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:z'])).toMatchObject({ code: 0 });
  expect(await box.run(['verify', 'data:x'])).toMatchObject({ stdout: expect.stringContaining('extra') });
  const all = ['--delete-unmatched-files', '--allow-empty-source', '--max-delete', '100%'];
  expect(await box.run(['sync', 'data:x', ...all])).toMatchObject({ code: 0 });
  expect(box.list('near')).toEqual(['y']);
  expect(await box.run(['sync', 'data:x', ...all])).toMatchObject({ code: 0 });
  // An object of that name lies there, and nothing below it.
  expect(await box.run(['sync', 'data:y'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:y/'])).toMatchObject({ code: 3 });
});

test('a target that ends as the path of the source does is warned of: names keep their whole path', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/dir/05/a': 'a', 'data/dir/050/a': 'a' });
  for (const target of ['./other/dir/05', './other/dir/05/', 'near:dir/05'])
    expect((await box.run(['sync', 'data:dir/05', target])).stderr).toBe(
      `pando: ${target} ends in dir/05, and names keep their whole path: it gets dir/05/dir/05/…; name the directory above it if that is not meant\n`,
    );
  expect(box.list('other')).toEqual(['dir/05/dir/05/a']);
  for (const target of ['./third', './third/xdir/05'])
    expect((await box.run(['sync', 'data:dir/05/', target])).stderr).toBe('');
  expect((await box.run(['sync', 'data:', './other/data'])).stderr).toBe('');
});

test('a directory .pando further down holds objects like any, unless it is that of a store there', async () => {
  using box = new Sandbox();
  box.configure("  inner:\n    storage_provider: {type: file, options: {base_path: './data/in'}}\n");
  box.write({ 'data/a': 'a', 'data/in/b': 'b', 'data/in/.pando/lease': '{}', 'data/x/.pando/m': 'mine' });
  expect(await box.run(['sync', 'inner:'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:', '--delete-unmatched-files'])).toMatchObject({ code: 0 });
  expect(box.list('far')).toEqual(['a', 'in/b', 'x/.pando/m']);
  expect((await box.run(['ls', 'data:'])).stdout).toBe('a\nin/b\nx/.pando/m\n');
  expect(await box.run(['cat', 'data:x/.pando/m'])).toMatchObject({ code: 0, stdout: 'mine' });
  for (const path of ['./data/in/.pando/lease', './data/.pando/lease', 'data:.pando/lease'])
    expect(await box.run(['cat', path])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('leads into .pando'),
    });
});

test('a path with a / behind an object, and a listing of what nobody knows, are told to be slips', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/d/f1': 'one', 'data/d/f2': 'two' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  expect(await box.run(['sync', 'data:d/f1/'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('d/f1 is an object, and nothing is below it: leave out the / behind it'),
  });
  for (const path of ['nosuch', 'd/nosuch', 'd/f', 'd/f1/'])
    expect(await box.run(['ls', `data:${path}`])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('nothing is known of it'),
    });
  for (const path of ['', 'd', 'd/', 'd/f1', 'd/*'])
    expect(await box.run(['ls', `data:${path}`])).toMatchObject({ code: 0, stdout: expect.stringContaining('d/f1') });
  rmSync(box.path('data/d'), { recursive: true });
  expect(await box.run(['ls', 'data:d/f1'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await box.run(['ls', 'data:d/'])).toMatchObject({ code: 0, stdout: '' });
});
