import { createHash } from 'node:crypto';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RuleWorld } from './rule-world.ts';

test('a source that was only seen is available once a transfer has read all of it, and by that very read only', async () => {
  await using world = new RuleWorld({ data: '', ch: '', us: '' });
  const catalog = await world.pando.catalog();
  const objects = await world.pando.objects();
  const profile = world.pando.profile('data');
  if (profile === undefined) throw new Error('there is no profile data');
  const scope = await world.pando.openScope(profile);
  const statesOf = async (name: string): Promise<readonly string[]> => {
    const object = await catalog.readObject('data', name);
    const replicas = object?.replicas ?? [];
    return replicas.map(({ store, state, verification }) => `${store.split('/').at(-2)} ${state} ${verification}`);
  };
  for (const name of ['x', 'changed']) {
    writeFileSync(join(world.root, 'data', name), `bytes of ${name}`);
    utimesSync(join(world.root, 'data', name), 1_700_000_000, 1_700_000_000);
    await objects.inspect({ scope, name });
    expect(await statesOf(name)).toEqual(['data UNVERIFIED none']);
  }
  await world.rule('data:*', { copies: 1, stores: 'ch' });
  // By hand, and not heard of yet: under another token.
  writeFileSync(join(world.root, 'data', 'changed'), 'other bytes now');
  await world.workHere();
  expect((await statesOf('x')).toSorted()).toEqual(['ch AVAILABLE read-back', 'data AVAILABLE read-back']);
  expect(await statesOf('changed')).not.toContain('data AVAILABLE read-back');
  const version = (await catalog.readObject('data', 'x'))?.current.content;
  expect(version).toMatchObject({ kind: 'object', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test('a copy that lies where a rule wants it, and was only seen, is read there', async () => {
  await using world = new RuleWorld({ data: '' });
  const catalog = await world.pando.catalog();
  const objects = await world.pando.objects();
  const profile = world.pando.profile('data');
  if (profile === undefined) throw new Error('there is no profile data');
  const scope = await world.pando.openScope(profile);
  const statesOf = async (name: string): Promise<readonly string[]> => {
    const replicas = (await catalog.readObject('data', name))?.replicas ?? [];
    return replicas.map(({ state, verification }) => `${state} ${verification}`);
  };
  for (const name of ['x', 'changed', 'gone']) {
    writeFileSync(join(world.root, 'data', name), `bytes of ${name}`);
    utimesSync(join(world.root, 'data', name), 1_700_000_000, 1_700_000_000);
    await objects.inspect({ scope, name });
  }
  await world.rule('data:*', { copies: 1, stores: 'data', grouping: 'none' });
  writeFileSync(join(world.root, 'data', 'changed'), 'other bytes of changed');
  rmSync(join(world.root, 'data', 'gone'));
  await world.workHere();

  expect(await statesOf('x')).toEqual(['AVAILABLE read-back']);
  const sha256 = createHash('sha256').update('bytes of x').digest('hex');
  expect((await catalog.readObject('data', 'x'))?.current.content).toMatchObject({ sha256 });
  expect(await statesOf('changed')).toEqual(['SUSPICIOUS none']);
  expect(await statesOf('gone')).toEqual(['SUSPICIOUS none']);
  expect(world.filesAt('data')).toEqual(['changed', 'x']);
  expect(JSON.stringify(await world.explain('data:changed'))).toContain('the source holds something else');
});
