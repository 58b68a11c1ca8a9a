import { expect, test } from 'vitest';
import { findActor } from '../../src/client/actor.ts';
import { Plans } from '../../src/client/plans.ts';
import { Policies } from '../../src/client/policies.ts';
import { parseReplicationPolicy } from '../../src/config/replication-policies.ts';
import { RuleWorld } from '../end-to-end/rule-world.ts';
import { Sandbox, settled } from './sandbox.ts';

const store = (name: string, said = ''): string =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n${said}`;
const VOLUNTEERS = [
  store('data', '    site: home\n'),
  store('knb', '    aliases: ["urn:node:KNB"]\n    accepts: {replicate: true}\n'),
  store('pisco', '    aliases: ["urn:node:PISCO"]\n    accepts: {replicate: true}\n'),
  store('bad', '    aliases: ["urn:node:SOMEBADNODE"]\n    accepts: {replicate: true}\n'),
  store('idle'),
];

/** As others write it. */
const XML_POLICY = `<replicationPolicy replicationAllowed="true" numberReplicas="2">
    <preferredMemberNode>urn:node:KNB</preferredMemberNode>
    <preferredMemberNode>urn:node:PISCO</preferredMemberNode>
    <blockedMemberNode>urn:node:SOMEBADNODE</blockedMemberNode>
</replicationPolicy>
`;

test('a policy as XML is set, carried out, and shown in the words of policies', async () => {
  using box = new Sandbox();
  box.write({ 'pando.yaml': `profiles:\n${VOLUNTEERS.join('')}`, 'policy.xml': XML_POLICY, object: 'bytes' });
  box.write(Object.fromEntries(['data', 'knb', 'pisco', 'bad', 'idle'].map((name) => [`${name}/.keep`, ''])));
  await box.run(['put', 'object', 'data:x']);
  expect(await box.run(['policy', 'set', 'data:x', '-'], { input: XML_POLICY })).toMatchObject({
    code: 0,
    stdout: 'data:x: 2 copies, by rule 1\n',
  });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(settled((await box.run(['policy', 'show', 'data:x'])).stdout, box)).toBe(`object         data:x
policy         2 copies; preferred urn:node:KNB, urn:node:PISCO; blocked urn:node:SOMEBADNODE
authoritative  data
carried out    by rule 1, OK

copy at  status
data     COMPLETED  authoritative
knb      COMPLETED
pisco    COMPLETED
`);
  expect(await box.run(['rule', 'rm', '1'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('rule 1 is the policy of data:x'),
  });
  expect(await box.run(['policy', 'set', 'data:y', 'policy.xml'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('did you mean data:x?'),
  });
});

const WORLD = {
  data: 'site: home',
  knb: 'accepts: {replicate: true}\naliases: ["urn:node:KNB"]',
  pisco: 'accepts: {replicate: true}',
  esa: 'accepts: {replicate: true}',
  idle: 'site: elsewhere',
};

async function policiesOf(world: RuleWorld, actor = world.actor): Promise<Policies> {
  return new Policies(world.pando, { catalog: await world.pando.catalog(), scope: undefined, actor });
}

/** Sets a policy and carries it out; gives the stores that have a copy besides the authoritative one. */
async function setAndWork(world: RuleWorld, text: string): Promise<readonly string[]> {
  await (await policiesOf(world)).set('data:x', text);
  await world.work();
  return Object.keys(WORLD).filter((name) => name !== 'data' && world.filesAt(name).length > 0);
}

test('raised, it adds; lowered, it removes; newly blocked, a store is left for another and emptied; 0 and not allowed are none', async () => {
  await using world = new RuleWorld(WORLD);
  await world.put('data', 'x', 'bytes');
  expect(await setAndWork(world, 'number_replicas: 1\npreferred_member_node: [pisco]\n')).toEqual(['pisco']);
  const both = await setAndWork(world, 'number_replicas: 2\npreferred_member_node: [pisco, knb]\n');
  expect(both).toEqual(['knb', 'pisco']);
  const blocked = 'number_replicas: 2\nblocked_member_node: ["urn:node:KNB"]\n';
  expect(await setAndWork(world, blocked)).toEqual(['pisco', 'esa']);
  expect(await setAndWork(world, '{}')).toEqual(['knb', 'pisco', 'esa']);
  expect(await (await policiesOf(world)).show('data:x')).toMatchObject({ rule: { copies: 3, state: 'OK' } });
  expect(await setAndWork(world, 'number_replicas: 9\n')).toEqual(['knb', 'pisco', 'esa']);
  expect(await (await policiesOf(world)).show('data:x')).toMatchObject({
    rule: { state: 'STUCK' },
    missing: expect.stringContaining(
      '6 of 9 copies have no place (authoritative itself: data; not accepting it: idle)',
    ),
  });
  expect(await setAndWork(world, 'number_replicas: 1\n')).toHaveLength(1);
  expect(await setAndWork(world, 'replication_allowed: false\n')).toEqual([]);
  expect(await (await policiesOf(world)).show('data:x')).toMatchObject({
    policy: { replicationAllowed: false },
    rule: undefined,
    copies: [{ store: 'data', status: 'COMPLETED' }],
  });
});

test('a program says a policy as text, and is told what it means or everything that is wrong with it', async () => {
  await using world = new RuleWorld(WORLD);
  await world.put('data', 'x', 'bytes');
  const policies = await policiesOf(world);
  const text =
    '<replicationPolicy numberReplicas="2"><preferredMemberNode>urn:node:KNB</preferredMemberNode></replicationPolicy>';
  expect(policies.check(text)).toEqual({
    policy: { replicationAllowed: true, numberReplicas: 2, preferredNodes: ['urn:node:KNB'], blockedNodes: [] },
    copies: 2,
    preferred: [{ node: 'urn:node:KNB', stores: ['knb'] }],
    blocked: [],
    candidates: ['knb', 'pisco', 'esa'],
  });
  expect(policies.checkAcceptance('replicate: true\nallowed_node: [knb, nobody]')).toMatchObject({
    policy: { replicate: true },
    allowed: [{ stores: ['knb'] }, { stores: [] }],
  });
  await policies.set('data:x', text);
  expect((await policies.show('data:x')).policy).toEqual(policies.check(text).policy);
  const wrong = 'number_replicas: some\nprefered_member_node: [knb]\n';
  expect(() => policies.check(wrong)).toThrow('The policy has 2 problems:\n  the text:1:18  number_replicas');
  const plans = new Plans(world.pando, { scope: undefined, actor: world.actor });
  await expect(plans.policy('data:x', wrong)).rejects.toThrow('The policy has 2 problems');
  expect((await plans.policy('data:x', 'number_replicas: 3')).copies).toBe(3);
  await expect(policies.set('data:x', 'policy.xml')).rejects.toMatchObject({ name: 'ConfigurationError' });
  expect((await policies.show('data:x')).policy?.numberReplicas).toBe(2);
});

test('the rights holder, an administrator of the authoritative store and an administrator may set it, and nobody else', async () => {
  await using world = new RuleWorld({ ...WORLD, data: 'administrators: [keeper]' });
  await world.put('data', 'x', 'bytes');
  await (await world.pando.catalog()).setTraits({ scope: 'data', name: 'x' }, { rightsHolder: 'holder' });
  const policy = parseReplicationPolicy('number_replicas: 1\n', 'test');
  for (const account of ['holder', 'keeper'])
    expect(await (await policiesOf(world, { account, isAdministrator: false })).set('data:x', policy)).toBe(1);
  await expect(
    (await policiesOf(world, { account: 'eve', isAdministrator: false })).set('data:x', policy),
  ).rejects.toThrow(
    'eve may not set the policy of data:x: its rights holder holder, an administrator of the store data or an administrator may',
  );
});

test('who speaks for another account has to be an administrator', () => {
  const asked = (administrators: string[], isRoot = false) => ({
    configuration: { administrators },
    user: { name: 'jdoe', isRoot },
  });
  expect(findActor(asked([]))).toEqual({ account: 'jdoe', isAdministrator: false });
  expect(findActor(asked(['jdoe']), 'physics')).toEqual({ account: 'physics', isAdministrator: true });
  expect(findActor(asked([], true), 'physics')).toEqual({ account: 'physics', isAdministrator: true });
  expect(() => findActor(asked(['root']), 'physics')).toThrow('jdoe may not speak for physics');
});

test('the default policy is a rule of what is written in its scopes, below its size, without a policy and without a rule', async () => {
  const top = 'default_policy: {scopes: [data], max_size: 6}\n';
  await using world = new RuleWorld(WORLD, top);
  await world.put('data', 'small', 'bytes');
  await world.put('data', 'limit', 'bytes!');
  await world.put('idle', 'elsewhere', 'bytes');
  await world.rule('data:ruled', { copies: 1, stores: 'idle' }).catch(() => undefined);
  await world.put('data', 'ruled', 'byte');
  const catalog = await world.pando.catalog();
  const ofDefault = async () =>
    (await catalog.listRules({ limit: 10 })).filter(({ origin }) => origin === 'default-policy');
  expect((await ofDefault()).map(({ targets }) => targets)).toMatchObject([[{ name: 'small' }], [{ name: 'ruled' }]]);
  await world.work();
  expect((await ofDefault()).map(({ state, counts }) => [state, counts.ok])).toEqual([
    ['OK', 2],
    ['OK', 2],
  ]);
  // Written again too large, it is under the default policy no more.
  await world.put('data', 'small', 'many more bytes');
  expect((await ofDefault()).map(({ targets }) => targets)).toMatchObject([[{ name: 'ruled' }]]);
  // Its own policy takes the default one's rule over.
  const id = (await ofDefault())[0]?.id;
  expect(
    await (await policiesOf(world)).set('data:ruled', parseReplicationPolicy('number_replicas: 1\n', 'test')),
  ).toBe(id);
  await world.put('data', 'ruled', 'anew');
  expect(await ofDefault()).toEqual([]);
});

test('status says once that the default policy is off because no store volunteers', async () => {
  using box = new Sandbox();
  const top = 'default_policy: {scopes: [data, lab]}\n';
  box.write({ 'pando.yaml': `${top}profiles:\n${store('data')}`, object: 'bytes', 'data/.keep': '' });
  await box.run(['put', 'object', 'data:x']);
  const { stdout } = await box.run(['status']);
  expect(stdout.match(/the default policy is off/g)).toHaveLength(1);
  expect(await box.json('rule', 'ls')).toEqual([]);
  box.write({ 'pando.yaml': `${top}profiles:\n${store('data')}${store('knb', '    accepts: {replicate: true}\n')}` });
  expect((await box.run(['status'])).stdout).not.toContain('default policy');
  // What is uploaded is under it as well: the rule that keeps an upload says nothing of copies.
  box.write({ 'knb/.keep': '' });
  await box.run(['upload', 'object', '--scope', 'lab', '--store', 'knb']);
  expect(await box.json('rule', 'ls', 'lab', '--origin', 'default-policy')).toMatchObject([
    { copies: 2, targets: [{ kind: 'object', scope: 'lab', name: 'object' }] },
  ]);
});
