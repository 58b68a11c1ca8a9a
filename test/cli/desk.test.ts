import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RuleWorld } from '../end-to-end/rule-world.ts';
import { startedFile } from '../started-files.ts';
import { type Ran, Sandbox } from './sandbox.ts';

const ME = userInfo().username;

/** Objects with copies at two stores and one that is queued for a mirror; what is asked for costs a process, what is there none. */
const box = new Sandbox();
const world = new RuleWorld(
  {
    data: 'replicas: [{replica_profile: near, read_priority: 1}]',
    near: '',
    ch: 'accepts: {replicate: true}\nsite: geneva',
    us: 'accepts: {replicate: true}',
  },
  `administrators: [${ME}]\n`,
);
beforeAll(async () => {
  for (const name of ['x', 'y']) await world.put('data', name, `bytes of ${name}`);
  await world.rule('data:*', { copies: 2, stores: 'ch|us' });
  await world.workHere();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  box[Symbol.dispose]();
});

function pando(args: readonly string[], input?: string): Promise<Ran> {
  const env = { PANDO_CATALOG: `sqlite:${join(world.root, 'catalog.sqlite')}` };
  const said = input === undefined ? {} : { input };
  return box.run([...args, '--config', join(world.root, 'pando.yaml')], { env, ...said });
}

/** What a command that ends with `code` prints as JSON. */
async function json(args: readonly string[], code = 0): Promise<unknown> {
  const ran = await pando([...args, '--json']);
  expect(ran).toMatchObject({ code });
  return JSON.parse(ran.stdout);
}

test('pando quota sets, lists and lifts what the rules of an account may claim', async () => {
  const limit = { account: 'jdoe', expression: 'ch|us', bytes: 1_000, stores: ['ch', 'us'] };
  expect(await json(['quota', 'set', 'jdoe', 'ch|us', '1kB'])).toEqual(limit);
  const [listed, table] = await Promise.all([json(['quota', 'ls']), pando(['quota', 'ls', 'jdoe'])]);
  expect(listed).toEqual([{ ...limit, usedBytes: 4 * 'bytes of x'.length }]);
  expect(table.stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['account', 'at', 'quota', 'used', 'left', 'stores'],
    ['jdoe', 'ch|us', '1kB', '40 B', '960 B', 'ch, us'],
    [''],
  ]);
  expect(await pando(['quota', 'set', 'jdoe', 'ch|us', 'none'])).toMatchObject({
    code: 0,
    stderr: 'jdoe at ch|us: no limit\n',
  });
  expect(await pando(['quota', 'set', '', '*', '1kB'])).toMatchObject({ stderr: expect.stringContaining('of nobody') });
  expect(await json(['quota', 'ls'])).toEqual([]);
});

test('pando resolve tells where an object can be had, and not where a copy was declared bad', async () => {
  expect(await json(['resolve', 'data:x'])).toMatchObject({
    object: 'data:x',
    replicas: ['ch', 'data', 'us'].map((store) => ({ store, urls: [{ url: expect.stringContaining('file://') }] })),
    passedOver: [],
  });
  const declared = { object: 'data:x', outcome: 'declared', isLost: false };
  expect(await json(['replica', 'declare-bad', 'us', 'data:x'])).toEqual([declared]);
  expect(await json(['resolve', 'data:x'])).toMatchObject({
    replicas: [{ store: 'ch' }, { store: 'data' }],
    passedOver: [{ store: 'us', why: 'it is BAD' }],
  });
});

test('pando request cancel takes back a copy that no rule wants, and says why not of others', async () => {
  const listed = (await pando(['request', 'ls', '--json'])).stdout.trim().split('\n');
  const requests = listed.map((line) => JSON.parse(line) as { id: number; name: string; store: string });
  const mirrored = requests.find(({ name, store }) => name === 'y' && store.endsWith('/near/'));
  expect(mirrored).toBeDefined();
  const id = mirrored?.id ?? 0;
  const asked = [{ id }, { id: 99, why: 'there is none that is not over' }];
  expect(await json(['request', 'cancel', String(id), '99'], 5)).toEqual({ asked, others: 0 });
  const catalog = await world.pando.catalog();
  expect(await catalog.listRequests({ state: 'CANCELLED', limit: 9 })).toMatchObject([{ id, name: 'y' }]);
});

test('pando plan --policy tells what a policy would do, from a file or from standard input, and writes nothing', async () => {
  const blocked = '<blockedMemberNode>us</blockedMemberNode>';
  box.write({ 'policy.xml': `<replicationPolicy numberReplicas="1">${blocked}</replicationPolicy>` });
  const planned = { objects: 1, copies: 0, stores: [{ store: 'ch', there: 1 }], missing: { copies: 0 } };
  const plan = ['plan', '--policy', 'data:y'];
  const [one, nine] = await Promise.all([
    json([...plan, box.path('policy.xml')]),
    pando([...plan, '-'], 'number_replicas: 9'),
  ]);
  expect(one).toMatchObject(planned);
  expect(nine).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Without a place: 7 copies.'),
  });
  const catalog = await world.pando.catalog();
  expect(await catalog.readTraits({ scope: 'data', name: 'y' })).not.toMatchObject({ policy: expect.anything() });
});

test('pando upload --resume goes on with what a killed upload had registered, without its files being named', async () => {
  using own = new Sandbox();
  const env = { PANDO_CATALOG: `sqlite:${own.path('catalog.db')}` };
  own.write({
    'pando.yaml': `administrators: [${ME}]\nprofiles:\n  ONE: {storage_provider: {type: file, options: {base_path: one}}, paths: {algorithm: identity}}\n`,
    'one/.keep': '',
    a: 'bytes of a',
    b: 'bytes of b',
  });
  const child = startedFile(resolve(import.meta.dirname, '../uploads/upload-child.ts'));
  const killed = spawn(process.execPath, [child, own.root, 'ONE', own.path('a'), own.path('b')]);
  expect(await once(killed, 'exit')).toEqual([null, 'SIGKILL']);
  expect(own.list('one')).toEqual(['.keep']);
  const resumed = await own.run(['upload', '--resume', '--account', 'jdoe', '--json'], { env });
  expect(resumed).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(resumed.stdout)).toMatchObject({
    store: 'ONE',
    files: ['a', 'b'].map((name) => ({ object: `user.jdoe:${name}`, state: 'uploaded' })),
  });
  expect(own.list('one')).toEqual(['.keep', 'user.jdoe/a', 'user.jdoe/b']);
});
