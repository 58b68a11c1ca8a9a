import { utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ran, Sandbox } from './sandbox.ts';

const CONFIGURATION = `profiles:
  data: {storage_provider: {type: file, options: {base_path: src}}}
  b: {storage_provider: {type: file, options: {base_path: b}}}
  c: {storage_provider: {type: file, options: {base_path: c}}}
`;

let box: Sandbox;
const run = async (...words: string[]): Promise<Ran> => {
  const ran = await box.run(words);
  if (ran.code !== 0) throw new Error(`pando ${words.join(' ')}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran;
};
const cat = async (name: string): Promise<string> => (await run('cat', `data:${name}`)).stdout;
/** What the copies at a store hold. */
const heldBy = (store: string): string[] =>
  box
    .list(store)
    .filter((name) => name !== '.keep')
    .map((name) => box.read(store, name));

/** Ten objects, of which rules keep copies at `b`. */
beforeEach(async () => {
  box = new Sandbox();
  box.write({ 'pando.yaml': CONFIGURATION });
  box.write({ 'b/.keep': '', 'c/.keep': '' });
  box.write(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`src/f${i}`, `old ${i}`])));
  await run('sync', 'data:');
  await run('rule', 'add', 'data:*', '--copies', '1', '--stores', 'b');
  await run('worker', '--until-idle');
});
afterEach(() => box[Symbol.dispose]());

describe('a sync of a profile without replicas', { timeout: 60_000 }, () => {
  it('makes known what was deleted and put again', async () => {
    await run('rm', 'data:f1', 'data:f2');
    box.write({ 'src/f1': 'new 1', 'src/f2': 'old 2' });
    expect((await run('sync', 'data:')).stdout).toContain('2 of its objects were new');
    await run('worker', '--until-idle');
    expect(await cat('f1')).toBe('new 1');
    expect(await cat('f2')).toBe('old 2');
    expect(heldBy('b')).toEqual(expect.arrayContaining(['new 1', 'old 2']));
    expect(heldBy('b')).toHaveLength(10);
  });

  it('does not undo a delete whose bytes still wait to go', async () => {
    await run('store', 'set', 'data', '--no-delete');
    expect((await box.run(['rm', 'data:f1'])).code).toBe(4);
    expect((await run('sync', 'data:')).stdout).toContain('0 of its objects were new');
    expect((await box.run(['cat', 'data:f1'])).stderr).toContain('it was deleted');
  });

  it('makes known what lies again where a copy was forgotten, and the older one is not served', async () => {
    box.remove('src', 'f1');
    await box.run(['audit', 'data', '--repair']);
    box.write({ 'src/f1': 'new 1' });
    expect((await run('sync', 'data:')).stdout).toContain('1 had changed');
    expect(await cat('f1')).toBe('new 1');
    await run('worker', '--until-idle');
    expect(heldBy('b')).toContain('new 1');
    expect(heldBy('b')).not.toContain('old 1');
  });

  it('makes known what changed at the source, so that rules bring the new version', async () => {
    box.write({ 'src/f1': 'another 1' });
    expect((await run('sync', 'data:')).stdout).toContain('1 had changed');
    expect(await cat('f1')).toBe('another 1');
    await run('rule', 'add', 'data:f1', '--copies', '1', '--stores', 'c');
    await run('worker', '--until-idle');
    expect(heldBy('c')).toEqual(['another 1']);
    expect(heldBy('b')).not.toContain('old 1');
  });

  it('reads what was only touched, and makes nothing new of it', async () => {
    utimesSync(box.path('src', 'f1'), 1_600_000_000, 1_600_000_000);
    const synced = await run('sync', 'data:');
    expect(synced.stdout).toContain('0 of its objects were new');
    expect(synced.stdout).not.toContain('changed');
    expect((await run('worker', '--until-idle')).stdout).toContain('0 done');
    expect((await box.json<{ stores: unknown }>('audit', 'data', '--checksum')).stores).toMatchObject([
      { state: 'clean' },
    ]);
  });

  it('tells what has rotted there', async () => {
    await run('cat', 'data:f1');
    box.damage('src', 'f1');
    await box.run(['audit', 'data', '--checksum', '--repair']);
    const synced = await box.run(['sync', 'data:']);
    expect(synced.code).toBe(1);
    expect(synced.stdout).toContain('f1 at the source: it holds other bytes than were recorded');
  });

  it('says in a dry run what it would look at, and looks at nothing', async () => {
    await run('rm', 'data:f2');
    box.write({ 'src/f1': 'another 1', 'src/f2': 'new 2' });
    const said = (await run('sync', 'data:', '--dry-run')).stdout;
    expect(said).toContain('1 of its objects were new, and would be made known. 1 may have changed');
    expect((await run('sync', 'data:')).stdout).toContain('1 of its objects were new');
  });
});

describe('a sync whose replicas take no writes', { timeout: 60_000 }, () => {
  it('makes known what its source holds by now', async () => {
    box.write({
      'pando.yaml': CONFIGURATION.replace('src}}', 'src}}, replicas: [{replica_profile: c, read_priority: 1}]'),
    });
    await run('sync', 'data:');
    await run('store', 'set', 'c', '--no-write');
    box.write({ 'src/f1': 'newer 1', 'src/f11': 'new 11' });
    utimesSync(box.path('src', 'f2'), 1_600_000_000, 1_600_000_000);
    const synced = await box.run(['sync', 'data:', '--json']);
    expect(synced.code).toBe(4);
    expect(JSON.parse(synced.stdout)).toMatchObject({ source: { registered: 1, changed: 1 } });
    expect(await cat('f1')).toBe('newer 1');
    const worked = await box.run(['worker', '--until-idle']);
    expect(worked).toMatchObject({ code: 4, stdout: expect.stringContaining('2 done') as string });
    expect(worked.stderr).toContain('what is left waits, such as data:f1');
    expect(heldBy('b')).toEqual(expect.arrayContaining(['newer 1', 'new 11']));
    expect(box.read('c', 'f1')).toBe('old 1');
  });
});

describe('a read', { timeout: 60_000 }, () => {
  it('gives what lies at the source where its copy was forgotten, and not the older one a rule keeps', async () => {
    box.remove('src', 'f1');
    await box.run(['audit', 'data', '--repair']);
    box.remove('src', 'f2');
    await box.run(['audit', 'data', '--repair']);
    box.write({ 'src/f1': 'newer 1', 'src/f2': 'newer 2' });
    expect(await cat('f1')).toBe('newer 1');
    expect(await box.json('stat', 'data:f2')).toMatchObject({ size: 7, servedBy: 'data' });
  });
});
