import { describe, expect, test } from 'vitest';
import type { ReplicaState } from '../../src/domain/replica/replica.ts';
import type { FaultyStore } from './faulty-store.ts';
import { failure, openWorld, put, type World } from './world.ts';

const RIGHT = '0123456789';
const OTHER = 'ABCDEFGHIJ';

/** What the catalog believes of a store, whose bytes are put there now. */
async function believe(world: World, store: FaultyStore, state: ReplicaState, bytes: string): Promise<void> {
  const row = (await world.catalog.readObject('data', 'a'))!;
  const token = await put(store, 'a', bytes);
  const to = { state, place: 'a', token, verification: 'none' } as const;
  const replica = { scope: 'data', name: 'a', versionId: row.current.id, store: store.place, to };
  await world.catalog.record({ replicas: [replica] });
}

/** A part of the object has no hash that could tell whose bytes they were. */
const readPart = (world: World) => world.read('a', { bufferedBytesMax: 0, range: { start: 0, end: 8 } });

describe('a stream whose source breaks off', () => {
  test.each([undefined, { start: 2, end: 8 }])('is continued by another copy, at that byte (%j)', async (range) => {
    await using world = await openWorld();
    await world.write('a', RIGHT);
    await world.carryOut();
    world.replicas[0]!.fault = { kind: 'breaks', after: 5 };
    const read = { bufferedBytesMax: 0, ...(range === undefined ? {} : { range }) };
    expect(await world.read('a', read)).toBe(RIGHT.slice(range?.start, range && range.end + 1));
    expect(world.source.requests.at(-1)).toBe('get a');
  });

  test('is not continued with bytes that were only seen', async () => {
    await using world = await openWorld();
    await world.write('a', RIGHT);
    await believe(world, world.replicas[0]!, 'UNVERIFIED', OTHER);
    world.source.fault = { kind: 'breaks', after: 4 };
    expect(await failure(readPart(world))).not.toBe('none');
  });

  test('and was only seen is not continued with verified bytes', async () => {
    await using world = await openWorld();
    await world.write('a', RIGHT);
    await believe(world, world.replicas[0]!, 'TEMPORARY_UNAVAILABLE', RIGHT);
    await believe(world, world.source, 'UNVERIFIED', OTHER);
    world.source.fault = { kind: 'breaks', after: 4 };
    expect(await failure(readPart(world))).not.toBe('none');
  });

  test('is not continued by another one where nobody knows the hash of the version', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', RIGHT);
    await world.run(world.verbs.inspect({ scope: world.scope, name: 'a' }));
    await believe(world, world.source, 'TEMPORARY_UNAVAILABLE', RIGHT);
    await believe(world, world.replicas[0]!, 'TEMPORARY_UNAVAILABLE', OTHER);
    world.replicas[0]!.fault = { kind: 'breaks', after: 4 };
    expect(await failure(readPart(world))).not.toBe('none');
  });
});

test('a read into memory whose source breaks off begins anew with whoever has the bytes, verified or only seen', async () => {
  await using world = await openWorld();
  await world.write('a', RIGHT);
  await believe(world, world.replicas[0]!, 'UNVERIFIED', RIGHT);
  world.source.fault = { kind: 'breaks', after: 4 };
  expect(await world.read('a')).toBe(RIGHT);
});
