import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { injecting } from '../faults/injecting.ts';
import { Sandbox } from './sandbox.ts';

const SLOW =
  'profiles:\n  data:\n    storage_provider: {type: file, options: {base_path: data}}\n    bandwidth: 15MB/s\n';
const UPLOADS =
  'profiles:\n  LYON:\n    storage_provider: {type: file, options: {base_path: lyon}}\n    bandwidth: 15MB/s\n';
const BODY = 'x'.repeat(9_000_000);

/** The kernel refuses them to the command, as a file system without them does. */
const NO_LINKS = 'link,linkat:error=EPERM';
const NO_RENAMEAT2 = 'renameat2:error=EINVAL';

const partsOf = (box: Sandbox): string[] => box.list().filter((name) => name.endsWith('.part'));

async function untilPart(box: Sandbox): Promise<void> {
  while (partsOf(box).length === 0) await sleep(10);
}

describe.each([
  ['with hard links', []],
  ['without hard links, with a rename that does not replace', injecting([NO_LINKS])],
  ['with neither', injecting([NO_LINKS, NO_RENAMEAT2])],
])('where files get their names on a file system %s', (_what, before) => {
  test('get makes a new file, and replaces none that came while the bytes did', async () => {
    using box = new Sandbox();
    box.write({ 'data/a': BODY, 'pando.yaml': SLOW });
    expect(await box.run(['get', 'data:a'], { before })).toMatchObject({
      code: 0,
      stderr: 'a: complete and verified\n',
    });
    expect(box.read('a')).toBe(BODY);
    const got = box.run(['get', 'data:a', 'b'], { before });
    await untilPart(box);
    writeFileSync(box.path('b'), 'mine');
    expect(await got).toMatchObject({
      code: 5,
      stderr: 'pando: b is there, with other bytes: --overwrite replaces it\n',
    });
    expect([box.read('b'), partsOf(box)]).toEqual(['mine', []]);
    expect(await box.run(['get', 'data:a', 'b', '--overwrite'], { before })).toMatchObject({ code: 0 });
    expect(box.read('b')).toBe(BODY);
  });

  test('download does the same', async () => {
    using box = new Sandbox();
    box.write({ a: BODY, 'pando.yaml': UPLOADS, 'lyon/.keep': '' });
    await box.run(['upload', 'a', '--scope', 'lab', '--store', 'LYON']);
    const download = (...more: string[]) => box.run(['download', 'lab:a', '--to', 'out', ...more], { before });
    expect(await download()).toMatchObject({ code: 0 });
    expect([box.read('out/a'), box.list('out')]).toEqual([BODY, ['a']]);
    renameSync(box.path('out'), box.path('other'));
    const refused = download();
    await untilPart(box);
    writeFileSync(box.path('out/a'), 'mine');
    const { code, stderr } = await refused;
    expect(code).toBe(5);
    expect(stderr).toContain('is there with other bytes: --overwrite replaces it');
    expect(box.read('out/a')).toBe('mine');
    expect(await download('--overwrite')).toMatchObject({ code: 0 });
    expect([box.read('out/a'), box.list('out')]).toEqual([BODY, ['a']]);
  });
});

test('who takes a reserved name before the file has it keeps it', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'theirs', mine: 'mine', 'pando.yaml': SLOW });
  const slowly = injecting([NO_LINKS, NO_RENAMEAT2, 'statx:delay_enter=700ms'], ['-P', box.path('a')]);
  const got = box.run(['get', 'data:a', box.path('a')], { before: slowly });
  while (!existsSync(box.path('a'))) await sleep(5);
  renameSync(box.path('mine'), box.path('a'));
  expect(await got).toMatchObject({ code: 5 });
  expect([box.read('a'), partsOf(box)]).toEqual(['mine', []]);
});

test('a get that is killed between the two steps leaves an empty file, which no other takes for the object', async () => {
  using box = new Sandbox();
  box.write({ 'data/a': 'the object', 'pando.yaml': SLOW });
  await box.run(['ls', 'data:']);
  const killed = injecting([NO_LINKS, NO_RENAMEAT2, 'rename:error=EINTR:signal=KILL']);
  await box.run(['get', 'data:a'], { before: killed });
  expect(statSync(box.path('a')).size).toBe(0);
  expect(await box.run(['get', 'data:a'])).toMatchObject({ code: 5 });
  expect(await box.run(['get', 'data:a', '--overwrite'])).toMatchObject({ code: 0 });
  expect([box.read('a'), partsOf(box)]).toEqual(['the object', []]);
});
