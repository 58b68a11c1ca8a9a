import { describe, expect, test } from 'vitest';
import { failure, openWorld, peek, put, type World } from './world.ts';

/** A world with `a` at source and replica, whose copy at the replica was not flushed, and nobody knows what is left of it. */
async function openDoubtful(): Promise<World> {
  const world = await openWorld();
  await world.write('a', 'hello');
  await world.carryOut();
  const row = await world.catalog.readObject('data', 'a');
  const { place: store } = world.replicas[0]!;
  const replica = row?.replicas.find((one) => one.store === store);
  const { versionId, store: _, ...to } = replica!;
  await world.catalog.record({ soft: [store], replicas: [{ scope: 'data', name: 'a', versionId, store, to }] });
  await world.catalog.endFlush(await world.catalog.beginFlush(store), false);
  expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'SUSPICIOUS' });
  return world;
}

async function softAt(world: World): Promise<Record<string, boolean>> {
  const row = await world.catalog.readObject('data', 'a');
  const names = new Map([world.source, ...world.replicas].map(({ place, name }) => [place, name]));
  return Object.fromEntries((row?.replicas ?? []).map(({ store, soft }) => [names.get(store), soft === true]));
}

describe('without a flush', () => {
  test('what is written to the source is soft', async () => {
    await using world = await openWorld();
    world.source.soft = true;
    await world.write('a', 'hello');
    await world.carryOut();
    expect(await softAt(world)).toEqual({ source: true, r0: false });
  });

  test('what a request copies to a replica is soft', async () => {
    await using world = await openWorld();
    world.replicas[0]!.soft = true;
    await world.write('a', 'hello');
    await world.carryOut();
    expect(await softAt(world)).toEqual({ source: false, r0: true });
    expect(await world.read('a')).toBe('hello');
  });
});

describe('a copy that nobody trusts', () => {
  test('is passed over while another serves, and made available by the request the read leaves', async () => {
    await using world = await openDoubtful();
    world.replicas[0]!.requests.length = 0;
    expect(await world.read('a')).toBe('hello');
    expect(world.replicas[0]!.requests).toEqual([]);
    expect(await world.queued()).toEqual(['copy a to r0']);
    await world.carryOut();
    expect(world.replicas[0]!.requests).not.toContain('publish a');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
  });

  test('is replaced by that request where its bytes are others', async () => {
    await using world = await openDoubtful();
    world.replicas[0]!.fault = { kind: 'corrupts', at: 1 };
    expect(await world.read('a')).toBe('hello');
    await world.run(world.verbs.settle());
    const publish = world.replicas[0]!.beforePublish;
    world.replicas[0]!.beforePublish = async () => {
      world.replicas[0]!.fault = { kind: 'none' };
      await publish();
    };
    await world.carryOut();
    expect(world.replicas[0]!.requests).toContain('publish a');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('serves when nobody else can, once its bytes were hashed; also a part of it', async () => {
    await using world = await openDoubtful();
    world.source.fault = { kind: 'down' };
    expect(await world.read('a', { range: { start: 1, end: 2 } })).toBe('el');
    await world.run(world.verbs.settle());
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
  });

  test('serves nothing where its bytes are others', async () => {
    await using world = await openDoubtful();
    world.source.fault = { kind: 'down' };
    world.replicas[0]!.fault = { kind: 'corrupts', at: 4 };
    expect(await failure(world.read('a', { range: { start: 1, end: 2 } }))).toBe('unavailable');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'BAD' });
  });

  test('serves nothing where another object lies by now', async () => {
    await using world = await openDoubtful();
    world.source.fault = { kind: 'down' };
    await put(world.replicas[0]!, 'a', 'other');
    expect(await failure(world.read('a'))).toBe('unavailable');
  });
});
