import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from './sandbox.ts';

const CONFIGURATION = `profiles:
  one: {storage_provider: {type: file, options: {base_path: src1}}, replicas: [{replica_profile: rep, read_priority: 1}]}
  two: {storage_provider: {type: file, options: {base_path: src2}}, replicas: [{replica_profile: rep, read_priority: 1}]}
  rep: {storage_provider: {type: file, options: {base_path: rep}}}
`;

let box: Sandbox;
const replicasOf = async (object: string): Promise<readonly { store: string; state: string }[]> =>
  (await box.json<{ replicas: { store: string; state: string }[] }>('stat', object)).replicas;
const atMirror = async (object: string): Promise<string | undefined> =>
  (await replicasOf(object)).find(({ store }) => store.endsWith('/rep/'))?.state;

beforeEach(async () => {
  box = new Sandbox();
  box.write({ 'pando.yaml': CONFIGURATION, 'src1/f1': 'f 1', 'src1/f2': 'f 2', 'src2/g1': 'g 1', 'src2/g2': 'g 2' });
  for (const scope of ['one:', 'two:']) expect((await box.run(['sync', scope])).code).toBe(0);
});
afterEach(() => box[Symbol.dispose]());

describe('a place that two profiles have as their replica', { timeout: 60_000 }, () => {
  it('loses nothing to a sync with deletes while a rule about the other one claims its copies there', async () => {
    expect((await box.run(['rule', 'add', 'two:*', '--copies', '1', '--stores', 'rep'])).code).toBe(0);
    expect((await box.run(['worker', '--until-idle'])).code).toBe(0);
    for (const dry of [['--dry-run'], []]) {
      const refused = await box.run(['sync', 'one:', '--delete-unmatched-files', ...dry]);
      expect(refused.code).toBe(5);
      expect(refused.stderr).toContain('rules about another profile keep there');
    }
    expect(box.list('rep')).toEqual(['f1', 'f2', 'g1', 'g2']);
  });

  it('is known by the other one to have lost what a sync with deletes took', async () => {
    expect(await atMirror('two:g1')).toBe('AVAILABLE');
    expect((await box.run(['sync', 'one:', '--delete-unmatched-files'])).code).toBe(0);
    expect(box.list('rep')).toEqual(['f1', 'f2']);
    expect(await atMirror('two:g1')).toBeUndefined();
    expect((await box.run(['cat', 'two:g1'])).stdout).toBe('g 1');
    const events = await box.run(['events', '--scope', 'two']);
    expect(events.stdout).toContain('a sync of one deleted it');
  });

  it('is known by the other one to hold other bytes where a sync wrote over its copy', async () => {
    box.write({ 'src2/f1': 'another f 1' });
    expect((await box.run(['sync', 'two:'])).code).toBe(0);
    expect(box.read('rep', 'f1')).toBe('another f 1');
    const events = await box.run(['events', '--scope', 'one']);
    expect(events.stdout).toContain('a sync of two wrote something else there');
    expect(await atMirror('one:f1')).toBe('SUSPICIOUS');
    expect((await box.run(['cat', 'one:f1'])).stdout).toBe('f 1');
  });
});

it('a source that another profile mirrors into loses its objects by its own sync, as one whose files others delete', async () => {
  expect((await box.run(['sync', 'rep:'])).code).toBe(0);
  box.remove('src1/f1');
  const deleting = ['--delete-unmatched-files', '--max-delete', '100%'];
  expect((await box.run(['sync', 'one:', ...deleting])).code).toBe(0);
  expect(await box.run(['sync', 'rep:', ...deleting])).toMatchObject({ code: 0 });
  expect((await box.run(['status'])).stdout).not.toContain('LOST');
  expect(await box.run(['cat', 'rep:f1'])).toMatchObject({ code: 3 });
});
