import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeRules } from '../../src/client/make-rules.ts';
import { makeProfile } from '../../src/config/make-profile.ts';
import { compareKeys } from '../../src/domain/object/key.ts';
import { listed } from './altered.ts';
import { openSyncWorld } from './sync-world.ts';
import { mirrored, readTree, texts, write, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

/** Writes a file under a name of bytes. */
function writeBytes(root: string, name: Buffer, text = 'x'): void {
  const path = Buffer.concat([Buffer.from(`${root}/`), name]);
  const slash = path.lastIndexOf(0x2f);
  fs.mkdirSync(path.subarray(0, slash), { recursive: true });
  fs.writeFileSync(path, text);
  fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
}

const deep = (bytes: number): string => {
  const segments: string[] = [];
  for (let left = bytes; left > 0; left -= 101) segments.push('n'.repeat(Math.min(100, left)));
  return segments.join('/').slice(0, bytes);
};

const MIRRORED: readonly (readonly [string, string])[] = [
  ['of 255 bytes', 'n'.repeat(255)],
  ['of 255 bytes in characters of 3', '漢'.repeat(85)],
  ['of 1,024 bytes in segments', deep(1024)],
  ['200 directories deep', `${'d/'.repeat(200)}x`],
  ['with an emoji', '😀/👩‍👩‍👧‍👦.txt'],
  ['with :', 'a:b:c'],
  ['that looks like an encoded ..', '%2e%2e/%2e%2e%2fx'],
  ['with a percent sign at its end', '100%'],
  ['with a leading dot', '.hidden/.more'],
  ['that begins with two dots', '..a/...b'],
  ['with a leading dash', '-rf'],
  ['with spaces at its ends', ' a b '],
  ['of one space', ' '],
  ['with a backslash', 'a\\b\\..\\c'],
  ['with quotes, a dollar and a star', `"'$HOME*?[x]`],
  ['with U+FFFD', 'a\ufffdb'],
  ['in two forms of Unicode (composed)', 'caf\u00e9'],
  ['in two forms of Unicode (decomposed)', 'cafe\u0301'],
  ['with a right-to-left mark', 'a\u202eb'],
  ['of a private character', '\uf8ff'],
  ['that ends like a temporary one', 'lease.tmp~'],
  ['that is nearly reserved', '.pandora/.pando'],
];

const REFUSED: readonly (readonly [string, Buffer, string])[] = [
  ['with a newline', Buffer.from('a\nb'), 'control character'],
  ['with a tab', Buffer.from('a\tb'), 'control character'],
  ['with DEL', Buffer.from('a\x7fb'), 'control character'],
  ['that is Latin-1', Buffer.from('caf\xe9', 'latin1'), 'not UTF-8'],
  ['that is a half of a character', Buffer.from('ab\xe2\x82', 'latin1'), 'not UTF-8'],
  ['that encodes a surrogate', Buffer.from('a\xed\xa0\x80', 'latin1'), 'not UTF-8'],
  ['that encodes / in two bytes', Buffer.from('a\xc0\xafb', 'latin1'), 'not UTF-8'],
  ['in a directory that is Latin-1', Buffer.from('dir\xe9/x', 'latin1'), 'not UTF-8'],
  ['in a directory with a newline', Buffer.from('dir\n/x'), 'control character'],
  ['of 1,025 bytes', Buffer.from(deep(1025)), 'longer than 1024 bytes'],
];

describe('a name', () => {
  test('of every kind below is mirrored as it is, updated, found unchanged, and deleted', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    for (const [, name] of MIRRORED) writeBytes(world.source, Buffer.from(name));
    expect(await world.sync()).toMatchObject({ state: 'done', failures: [], targets: [{ added: MIRRORED.length }] });
    expect(mirrored(target)).toEqual(mirrored(world.source));
    expect(await world.sync()).toMatchObject({ targets: [{ unchanged: MIRRORED.length, added: 0, updated: 0 }] });
    for (const [what, name] of MIRRORED)
      expect([what, await world.states(name)]).toEqual([what, { source: 'AVAILABLE', target0: 'AVAILABLE' }]);
    for (const [, name] of MIRRORED.slice(0, 11)) fs.rmSync(join(world.source, name));
    for (const [, name] of MIRRORED.slice(11)) writeBytes(world.source, Buffer.from(name), 'longer');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ deleted: 11, updated: 11 }] });
    expect(mirrored(target)).toEqual(mirrored(world.source));
  });

  test(`is refused with one clear line each, and its neighbours arrive: ${REFUSED.map(([what]) => what).join(', ')}`, async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', z: '2' });
    for (const [, name] of REFUSED) writeBytes(world.source, name);
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expectRefused(result.failures);
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', z: '2' });
  });

  test.each([
    ['as it is shown', ['bad\\\\xff', 'd/w\\\\xe9/']],
    ['by a pattern', ['bad*', 'w?xe9/']],
    ['with its directory', ['/bad*', 'd/']],
  ])('that is not UTF-8 is left out %s', async (_, patterns) => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1' });
    for (const name of ['bad\xff', 'd/w\xe9/x']) writeBytes(world.source, Buffer.from(name, 'latin1'));
    const exclude = (list: readonly string[]) => ({
      filter: { rules: makeRules(list.map((pattern) => ({ type: 'exclude' as const, pattern }))) },
    });
    expect(await world.sync(exclude(patterns.slice(1)))).toMatchObject({ failures: [{ key: 'bad\\xff' }] });
    expect(await world.sync(exclude(patterns))).toMatchObject({ state: 'done', failures: [], source: { objects: 1 } });
  });

  test('that would be refused is left at the target by a run that deletes, and told', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { a: '1', z: '2' });
    for (const [, name] of REFUSED) writeBytes(target, name, 'theirs');
    const before = readTree(target);
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expectRefused(result.failures);
    const after = readTree(target);
    for (const [path, leaf] of before) expect(after.get(path)).toEqual(leaf);
  });

  test('of bytes that are no UTF-8 keeps what lies beside it from being deleted, and nothing else', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'd/gone': '1', 'e/gone': '2', keep: '3' });
    await world.sync();
    for (const name of ['d/gone', 'e/gone']) fs.rmSync(join(world.source, name));
    writeBytes(world.source, Buffer.from('d/\xe9', 'latin1'));
    expect(await world.sync(ALL)).toMatchObject({ state: 'failed', targets: [{ deleted: 1, heldBack: 1 }] });
    expect(texts(world.targets[0] as string)).toEqual({ 'd/gone': '1', keep: '3' });
  });

  test('that is refused does not make its copy of another time vanish', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'd/a': '1', 'd/b': '2', keep: '3' });
    await world.sync();
    // A directory is given a name that cannot be mirrored; what was below it is gone from the source, and may be deleted.
    fs.renameSync(join(world.source, 'd'), Buffer.from(`${world.source}/\xe9d`, 'latin1'));
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expect(texts(target)).toMatchObject({ keep: '3' });
    expect([...readTree(target).keys()].every((name) => /^[\x20-\x7e]+$/.test(name))).toBe(true);
  });

  test('of UTF-16 beyond and before the surrogates is listed and joined in the order of bytes', async () => {
    await using world = openSyncWorld();
    const names = [
      'a\ufffd',
      'a\u{1f600}',
      'a\ud7ff',
      'a\ue000',
      'a/\u{1f600}',
      'a-b',
      'a0',
      'b\u{10ffff}',
      'b\uffff'.replace('\uffff', '\ufffe'),
    ];
    for (const name of names) write(world.source, name.startsWith('a/') ? `dir${name}` : name, name);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: names.length }] });
    const found = (
      await listed(await world.pando.openStore(makeProfile('listed', { type: 'file', basePath: world.source })))
    ).map(({ key }) => key);
    expect(found).toEqual(found.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(found).toEqual(found.toSorted(compareKeys));
    // Each second one goes: a merge in another order would add and delete in turns.
    for (const name of found.filter((_, i) => i % 2 === 0)) fs.rmSync(join(world.source, name));
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ deleted: 5, unchanged: 4, added: 0 }] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });
});

describe('what is no file', () => {
  test('a FIFO, a socket and a device are told of, never waited for, and the others arrive', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', z: '2' });
    execFileSync('mkfifo', [join(world.source, 'fifo')]);
    const server = createServer().listen(join(world.source, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const result = await world.sync(ALL);
    server.close();
    expect(result.failures.map(({ key, kind }) => `${kind} ${key}`)).toEqual([
      'special-file fifo',
      'special-file socket',
    ]);
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', z: '2' });
  });

  test('a FIFO at the target where a file should be is told of, not written into', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    execFileSync('mkfifo', [join(world.targets[0] as string, 'a')]);
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expect(result.targets[0]).toMatchObject({ added: 1 });
    expect(fs.statSync(join(world.targets[0] as string, 'a')).isFIFO()).toBe(true);
  });

  test('hard links are copied each, and a copy is no link to its source', async () => {
    await using world = openSyncWorld();
    write(world.source, 'a', 'one');
    fs.linkSync(join(world.source, 'a'), join(world.source, 'b'));
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 2 }] });
    fs.writeFileSync(join(world.source, 'a'), 'changed, and longer');
    expect(texts(world.targets[0] as string)).toEqual({ a: 'one', b: 'one' });
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 2 }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: 'changed, and longer', b: 'changed, and longer' });
  });

  test('a cycle of links ends, and is told of', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { 'd/a': '1', 'e/b': '2' });
    fs.symlinkSync('..', join(world.source, 'd/up'));
    fs.symlinkSync('../d', join(world.source, 'e/over'));
    fs.symlinkSync('self', join(world.source, 'self'));
    const result = await world.sync(ALL);
    expect(result.state).toBe('failed');
    expect(result.failures.every(({ kind }) => kind === 'symlink')).toBe(true);
    expect(texts(world.targets[0] as string)).toMatchObject({ 'd/a': '1', 'e/b': '2', 'e/over/a': '1' });
  });

  test('links are left out or kept as links where that is asked', async () => {
    await using world = openSyncWorld({ targets: 2 });
    writeAll(world.source, { a: '1' });
    fs.symlinkSync('a', join(world.source, 'link'));
    fs.symlinkSync('/nowhere', join(world.source, 'outside'));
    expect(await world.sync({ symlinks: 'skip', only: [0] })).toMatchObject({ state: 'done' });
    expect(texts(world.targets[0] as string)).toEqual({ a: '1' });
    await world.reopen();
    expect(await world.sync({ symlinks: 'preserve', only: [1] })).toMatchObject({ state: 'done', failures: [] });
    expect(fs.readlinkSync(join(world.targets[1] as string, 'outside'))).toBe('/nowhere');
    expect(fs.readlinkSync(join(world.targets[1] as string, 'link'))).toBe('a');
    expect(await world.sync({ symlinks: 'preserve', only: [1] })).toMatchObject({ targets: [{ unchanged: 3 }] });
    fs.rmSync(join(world.source, 'link'));
    fs.symlinkSync('b', join(world.source, 'link'));
    expect(await world.sync({ symlinks: 'preserve', only: [1] })).toMatchObject({ targets: [{ updated: 1 }] });
    expect(fs.readlinkSync(join(world.targets[1] as string, 'link'))).toBe('b');
  });
});

/** One line for each of `REFUSED`, printable as it is. */
function expectRefused(failures: readonly { readonly key: string; readonly message: string }[]): void {
  expect(failures).toHaveLength(REFUSED.length);
  const left = [...failures];
  for (const [what, , why] of REFUSED) {
    const at = left.findIndex(({ message }) => message.includes(why));
    expect([what, at]).not.toEqual([what, -1]);
    const [one] = left.splice(at, 1);
    expect(`${one?.key} ${one?.message}`).toMatch(/^[\x20-\x7e]+$/);
  }
}
