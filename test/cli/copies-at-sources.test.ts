import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ran, Sandbox } from './sandbox.ts';

/** Where `hash` puts `data:f1`. */
const PLACE = '82/a3/data/f1';
const CONFIGURATION = `profiles:
  data: {storage_provider: {type: file, options: {base_path: src}}}
  other: {storage_provider: {type: file, options: {base_path: src2}}}
`;

let sandbox: Sandbox;
const run = async (...words: string[]): Promise<Ran> => {
  const ran = await sandbox.run(words);
  if (ran.code !== 0) throw new Error(`pando ${words.join(' ')}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran;
};
/** As the source lists it, and as the catalog knows it. */
const namesOf = async (scope: string): Promise<readonly string[]> =>
  Promise.all([['ls'], ['object', 'ls']].map(async (words) => (await run(...words, `${scope}:`)).stdout));

/** A rule keeps a copy of `data:f1` at the source of `other`. */
beforeEach(async () => {
  sandbox = new Sandbox();
  sandbox.write({ 'pando.yaml': CONFIGURATION, 'src/f1': 'one', 'src2/g': 'two' });
  await run('sync', 'data:');
  await run('sync', 'other:');
  await run('rule', 'add', 'data:f1', '--copies', '1', '--stores', 'other');
  await run('worker', '--until-idle');
  expect(sandbox.list('src2')).toEqual([PLACE, 'g']);
});
afterEach(() => sandbox[Symbol.dispose]());

describe('a copy that a rule keeps at the source of another scope', { timeout: 60_000 }, () => {
  it('is no object of that scope, however often it is synced and whatever rules follow', async () => {
    await run('rule', 'add', 'other:*', '--copies', '1', '--stores', 'data', '--allow-empty');
    await run('rule', 'add', 'data:**', '--copies', '1', '--stores', 'other');
    for (let round = 0; round < 2; round++) {
      for (const profile of ['data:', 'other:']) await run('sync', profile);
      await run('worker', '--until-idle');
    }
    expect(sandbox.list('src')).toHaveLength(2);
    expect(sandbox.list('src2')).toEqual([PLACE, 'g']);
    for (const listed of await namesOf('other')) expect(listed).not.toContain('82');
    for (const listed of await namesOf('data')) expect(listed).not.toContain('other');
    expect(JSON.parse((await run('audit', 'other', '--repair', '--json')).stdout)).toMatchObject({
      stores: [{ state: 'clean', counts: { new: 0, dark: 0 } }],
    });
  });

  it('is neither read, nor overwritten, nor deleted under its name there', async () => {
    for (const words of [['cat'], ['stat'], ['rm']]) {
      const ran = await sandbox.run([...words, `other:${PLACE}`]);
      expect(ran.code).not.toBe(0);
      expect(ran.stderr).toContain('not found');
    }
    const put = await sandbox.run(['put', '-', `other:${PLACE}`], { input: 'others' });
    expect(put.code).not.toBe(0);
    expect(put.stderr).toContain('copy of data:f1');
    expect(sandbox.read('src2', PLACE)).toBe('one');
  });
});
