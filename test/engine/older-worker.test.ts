import { describe, expect, test } from 'vitest';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { FaultyStore } from './faulty-store.ts';
import { openWorld, peek, put } from './world.ts';

describe('a worker whose configuration is older than the catalog', () => {
  test('leaves what waits for a source that was moved to those who know where it is', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    const moved = new FaultyStore(openMemoryStorage({ name: 'moved', clock: world.clock }), 4);
    await put(moved, 'a', 'hello');
    const move = { from: world.source.place, to: moved.place, title: 'data', tokensHold: false };
    expect(await world.catalog.moveStore(move)).toEqual({ kind: 'moved' });
    await world.source.delete('a');

    await world.carryOut();
    const [left] = await world.catalog.listRequests({ state: 'QUEUED', limit: 9 });
    expect(left).toMatchObject({ kind: 'copy', name: 'a', attempts: 0 });

    await world.run(
      world.verbs.carryOut({ scopes: [{ ...world.scope, source: moved }], owner: 'newer', until: 'idle' }),
    );
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('leaves copies to a replica it does not know to those who do, and cancels those to what is none any more', async () => {
    await using world = await openWorld({ replicas: 2 });
    const [first, second] = world.scope.replicas;
    const older = { ...world.scope, replicas: [first!] };
    const carryOut = () => world.run(world.verbs.carryOut({ scopes: [older], owner: 'older', until: 'idle' }));
    await world.write('a', 'hello');
    expect(await carryOut()).toMatchObject({ done: 1, moot: 0 });
    expect(await world.queued()).toEqual(['copy a to r1']);

    const replicas = [{ store: first!.storage.place, title: 'r0', priority: 1 }];
    await world.catalog.openScope({ ...NAMED, source: world.source.place, replicas, standing: true });
    expect(await carryOut()).toMatchObject({ done: 0, moot: 1 });
    expect(await world.queued()).toEqual([]);
    expect(await peek(second!.storage, 'a')).toBeUndefined();
  });
});

test('what it does not know of one scope keeps it from nothing of another', async () => {
  await using world = await openWorld();
  const [replica] = world.scope.replicas;
  const other = { ...world.scope, name: 'other', title: 'other' };
  const standing = [{ store: replica!.storage.place, title: 'r0', priority: 1 }];
  await world.catalog.openScope({
    name: 'other',
    title: 'other',
    source: world.source.place,
    replicas: standing,
    standing: true,
  });
  await world.run(world.verbs.write({ scope: other, name: 'a', body: Buffer.from('of other') }));
  await world.write('b', 'of data');
  const scopes = [{ ...other, replicas: [] }, world.scope];
  const carried = await world.run(world.verbs.carryOut({ scopes, owner: 'older', until: 'idle' }));
  expect(carried).toMatchObject({ done: 1, failed: 0 });
  expect(await peek(world.replicas[0]!, 'b')).toBe('of data');
  await world.write('c', 'of data');
  expect(await world.run(world.verbs.carryOut({ scopes, owner: 'older', until: 'idle' }))).toMatchObject({ done: 1 });
  expect(await peek(world.replicas[0]!, 'c')).toBe('of data');
});

const NAMED = { name: 'data', title: 'data' };
