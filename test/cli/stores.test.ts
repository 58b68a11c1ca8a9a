import { symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

const PROFILES = `profiles:
  cern:
    storage_provider: { type: file, options: { base_path: cern } }
    site: CERN-PROD
    attributes: { country: ch, tier: 0, T1: true }
  bnl:
    storage_provider: { type: file, options: { base_path: bnl } }
    kind: tape
    attributes: { country: us, tier: 1 }
    availability: { write: false }
`;

async function stores(box: Sandbox, ...args: readonly string[]): Promise<string[]> {
  return (await box.json<{ name: string }[]>('store', 'ls', ...args)).map(({ name }) => name);
}

test('store ls lists what an expression means, and says what may not be meant so', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': PROFILES });
  expect(await stores(box)).toEqual(['cern', 'bnl']);
  expect(await stores(box, 'T1')).toEqual(['cern']);
  expect(await stores(box, 'kind=tape|tier<1')).toEqual(['cern', 'bnl']);
  expect(await stores(box, '*\\cern')).toEqual(['bnl']);
  expect(await box.run(['store', 'ls', 'T1|country=us&kind=tape'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('this is (T1|country=us)&kind=tape'),
  });
  expect(await box.run(['store', 'ls', 'countri=ch'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('did you mean country?'),
  });
  expect(await box.run(['store', 'ls', 'country=ch&disk'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('did you mean kind=disk?'),
  });
  // The example of its help.
  expect(await stores(box, 'country=ch&kind=disk')).toEqual(['cern']);
  expect(await box.run(['store', 'ls', '--help'])).toMatchObject({
    stdout: expect.stringContaining("'country=ch&kind=disk'"),
  });
  expect(await box.run(['store', 'ls', 'T1&'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is not understood at character 4'),
  });
});

test('store show tells all that rules know of one', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': PROFILES });
  expect(await box.json('store', 'show', 'bnl')).toMatchObject({
    name: 'bnl',
    type: 'file',
    kind: 'tape',
    availability: { read: true, write: false, delete: true },
    attributes: { kind: 'tape', country: 'us', tier: 1 },
  });
  expect(await box.run(['store', 'show', 'bnll'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean bnl?'),
  });
});

const OBJECT_POLICY = `<replicationPolicy replicationAllowed="true" numberReplicas="2">
    <preferredMemberNode>urn:node:KNB</preferredMemberNode>
    <preferredMemberNode>urn:node:PISCO</preferredMemberNode>
    <blockedMemberNode>urn:node:SOMEBADNODE</blockedMemberNode>
</replicationPolicy>
`;

test('policy check reads a policy and says what it means on the stores that are configured', async () => {
  using box = new Sandbox();
  const volunteer = `site: CERN-PROD\n    aliases: ["urn:node:KNB"]\n    accepts: { replicate: true, max_object_size: 500MB }`;
  box.write({
    'pando.yaml': PROFILES.replace('site: CERN-PROD', volunteer),
    'object.xml': OBJECT_POLICY,
    'store.yaml': 'replicate: true\nmax_object_size: 500MiB\nallowed_node: [bnl]\n',
    'broken.yaml': 'number_replicas: many\n',
  });
  const checked = await box.run(['policy', 'check', 'object.xml']);
  expect(checked).toMatchObject({
    code: 0,
    stdout: `copies      2, besides the authoritative one
preferred   urn:node:KNB (cern), urn:node:PISCO
blocked     urn:node:SOMEBADNODE
candidates  cern
`,
    stderr: expect.stringContaining('urn:node:PISCO: no store, alias or site is called so'),
  });
  expect(checked.stderr).toContain('2 asked for, and no more than 1 can be made now');
  expect(await box.json('policy', 'check', '--store', 'store.yaml')).toEqual({
    accepts: { replicate: true, max_object_size: '500MiB', allowed_node: ['bnl'] },
    allowed: [{ node: 'bnl', stores: ['bnl'] }],
  });
  expect(await box.run(['policy', 'check', 'broken.yaml'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('broken.yaml:1:'),
  });
});

test('policy check speaks of policies: what is wrong with one, of which kind it looks, and that it is no file', async () => {
  using box = new Sandbox();
  box.write({
    'store.yaml': 'replicate: true\nmax_object_size: 500MiB\nallowed_node: [bnl]\n',
    'store.xml': '<nodeReplicationPolicy replicate="true"/>',
    'object.yaml': 'number_replicas: 2\n',
    'broken.yaml': 'number_replicas: many\nblocked_member_node: 3\n',
    'dir/x': '',
  });
  const refusals: [args: string[], message: string | RegExp][] = [
    [['broken.yaml'], /^pando: The policy has 2 problems:\n/],
    [['store.yaml'], /store.yaml:1:1\n {4}this looks like what a store accepts.*\n {4}→ add --store\n$/],
    [['store.xml'], /this looks like what a store accepts.*\n {4}→ add --store\n$/],
    [['object.yaml', '--store'], /this looks like an object's policy.*\n {4}→ leave out --store\n$/],
    [['absent.yaml'], /^pando: absent.yaml: it does not exist\n  → /],
    [['dir'], /^pando: dir: it is a directory\n  → /],
  ];
  for (const [args, message] of refusals)
    expect(await box.run(['policy', 'check', ...args])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
});

test('a file without an end is neither a policy nor a configuration', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': PROFILES });
  const policy = await box.run(['policy', 'check', '/dev/zero']);
  expect(policy).toMatchObject({ code: 2, stderr: expect.stringContaining('longer than 256 KiB') });
  const configuration = await box.run(['--config', '/dev/zero', 'config', 'check']);
  expect(configuration).toMatchObject({ code: 2, stderr: expect.stringContaining('larger than 4 MiB') });
});

test('what was said of a store is shown, and heeded by every command; exit code 4 and what to do', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'one' });
  expect(await box.run(['sync', 'data:'])).toMatchObject({ code: 0 });
  await box.run(['store', 'set', 'near', '--no-read', '--no-write', '--no-delete']);
  const listed = await box.json<{ name: string; availability: Record<string, boolean> }[]>('store', 'ls');
  expect(listed.find(({ name }) => name === 'near')?.availability).toEqual({
    read: false,
    write: false,
    delete: false,
  });
  expect((await box.run(['store', 'ls', 'near'])).stdout).toMatch(/near +file +disk +nothing/);

  box.write({ 'data/b': 'two' });
  const synced = await box.run(['sync', 'data:']);
  expect(synced.code).toBe(4);
  expect(synced.stdout).toContain('at near: it takes no writes now: pando store set near --write, or --as-configured');
  const removed = await box.run(['rm', 'data:a']);
  expect(removed).toMatchObject({ code: 4, stderr: expect.stringContaining('pando store set near --delete') });
  expect(box.read('near/a')).toBe('one');
}, 120_000);

test('a part of a store heeds what is said of the store', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': PROFILES, 'cern/part/a': 'a', 'from/b': 'b', 'to/.keep': '' });
  await box.run(['store', 'set', 'cern', '--no-write', '--no-delete', '--no-read']);
  for (const args of [
    ['sync', 'from', 'cern:part/'],
    ['sync', 'from', './cern/part', '--delete-unmatched-files'],
    ['put', 'from/b', './cern/part/b'],
    ['sync', './cern/part', 'to'],
  ])
    expect(await box.run(args)).toMatchObject({ code: 4 });
  expect([box.list('cern'), box.list('to')]).toEqual([['part/a'], ['.keep']]);
});

test('of two profiles with one place it is told that they are one store', async () => {
  using box = new Sandbox();
  const profile = (name: string) => `  ${name}:\n    storage_provider: {type: file, options: {base_path: ./${name}}}\n`;
  box.write({
    'pando.yaml': `profiles:\n${['data', 'A', 'B', 'C'].map(profile).join('')}`,
    'data/a': 'a',
    'A/.keep': '',
    'C/.keep': '',
  });
  symlinkSync('A', box.path('B'));
  await box.run(['sync', 'data:']);
  expect((await box.run(['config', 'check'])).stdout).toContain('B: it is the same place as A');
  expect((await box.run(['store', 'ls'])).stderr).toContain('B is the same place as A');
  expect(await box.json('store', 'ls', 'B')).toMatchObject([{ name: 'B', same_as: 'A' }]);
  expect(await box.run(['rule', 'add', 'data:*', '--copies', '2', '--stores', 'A|B'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/B is the same place as A[\s\S]*2 copies are asked for, and 1 store is named/),
  });
  expect(await box.run(['rule', 'add', 'data:*', '--copies', '1', '--stores', 'B'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('B is the same place as A'),
  });
  expect(await box.run(['upload', 'data/a', 'p:a', '--store', 'B'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('say --store A'),
  });
});
