import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listReplicas } from '../../src/client/replicas.ts';
import { RuleWorld } from './rule-world.ts';

const copyAt = async (world: RuleWorld) =>
  (await listReplicas(world.pando, 'data:x', undefined)).find(({ store }) => store === 'ch');

/** An object whose rule is stuck, and of which nothing is known at the store any more, with the place its copy had there. */
async function openForgotten(): Promise<{ world: RuleWorld; rule: number; place: string; store: string }> {
  const world = new RuleWorld({ data: '', ch: 'limits: {max_space: 1MiB}' });
  await world.put('data', 'x', 'x'.repeat(700_000));
  const rule = await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.workHere();
  const place = (await copyAt(world))?.place ?? '';
  expect(place).toMatch(/^..\/..\/data\/x$/);

  // The next version finds no room, and what is there of the one before is lost.
  await world.put('data', 'x', 'x'.repeat(1_200_000));
  await world.workHere();
  const catalog = await world.pando.catalog();
  expect(await catalog.readRule(rule)).toMatchObject({ state: 'STUCK', counts: { stuck: 1 } });
  const lost = (await catalog.readObject('data', 'x'))?.replicas.find((replica) => replica.place === place);
  if (lost === undefined) throw new Error('its copy was forgotten before');
  rmSync(join(world.root, 'ch', place));
  const { versionId, store } = lost;
  await catalog.record({ replicas: [{ scope: 'data', name: 'x', versionId, store, to: 'drop' }] });
  return { world, rule, place, store };
}

async function expectBack({ world, rule, place }: Awaited<ReturnType<typeof openForgotten>>): Promise<void> {
  expect(await copyAt(world)).toMatchObject({ state: 'AVAILABLE', place });
  const known = await (await world.pando.catalog()).readRule(rule);
  expect(known).toMatchObject({ state: 'OK', counts: { ok: 1, replicating: 0, stuck: 0 } });
}

test('a copy of which nothing is known any more comes where its store keeps it, when there is room', async () => {
  const forgotten = await openForgotten();
  await using world = forgotten.world;
  const config = join(world.root, 'pando.yaml');
  writeFileSync(config, readFileSync(config, 'utf8').replace('1MiB', '9MiB'));
  await using wider = world.another();
  await (await wider.catalog()).hasten({ fact: 'asked', store: forgotten.store });
  await wider.keepRules({ owner: 'test', until: 'idle', exceptScopes: Object.keys(wider.configuration.profiles) });
  await expectBack(forgotten);
});

test('a copy of which nothing is known any more comes where its store keeps it, when the object is written again', async () => {
  const forgotten = await openForgotten();
  await using world = forgotten.world;
  await world.put('data', 'x', 'x'.repeat(800_000));
  await world.workHere();
  await expectBack(forgotten);
});
