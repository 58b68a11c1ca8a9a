import { describe, expect, test } from 'vitest';
import { failure, openWorld, peek, type World } from './world.ts';

const dataset = { scope: 'data', name: 'frozen' };

async function freeze(world: World, name: string): Promise<void> {
  await world.catalog.putCollection({ ...dataset, kind: 'dataset', isMonotonic: false });
  await world.catalog.attach(dataset, [{ scope: 'data', name }]);
  await world.catalog.setCollectionOpen(dataset, false);
}

describe('a write of an object in a closed dataset', () => {
  test('is refused before a byte is staged, and leaves everything as it was', async () => {
    await using world = await openWorld();
    const first = await world.write('a', 'first');
    await freeze(world, 'a');
    let isRead = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      isRead = true;
      yield Buffer.from('second');
    }
    const writing = world.verbs.write({ scope: world.scope, name: 'a', body: body() });
    expect(await world.run(failure(writing))).toBe('refused');
    await expect(writing).rejects.toThrow('data:a is in the closed dataset data:frozen');
    expect(isRead).toBe(false);
    expect(await peek(world.source, 'a')).toBe('first');
    expect((await world.catalog.readObject('data', 'a'))?.current.operation).toBe(first);
  });

  test('that is closed while the bytes are on their way is refused before they are published', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    async function* body(): AsyncGenerator<Uint8Array> {
      await freeze(world, 'a');
      yield Buffer.from('second');
    }
    const writing = world.verbs.write({ scope: world.scope, name: 'a', body: body() });
    expect(await world.run(failure(writing))).toBe('refused');
    expect(await peek(world.source, 'a')).toBe('first');
    expect(await world.catalog.listIntents()).toEqual([]);
    await world.catalog.setCollectionOpen(dataset, true);
    await world.write('a', 'third');
    expect(await peek(world.source, 'a')).toBe('third');
  });

  test('under another name is none of its business; neither is a delete, which is told', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    await freeze(world, 'a');
    await world.write('b', 'other');
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    expect(await peek(world.source, 'a')).toBeUndefined();
    const events = await world.catalog.listEvents({ limit: 10 });
    expect(events).toMatchObject([
      { kind: 'frozen-object-changed', name: 'a', detail: 'it was deleted, and is in the closed dataset data:frozen' },
    ]);
  });
});

test('a write under the name of a collection is refused', async () => {
  await using world = await openWorld();
  await world.catalog.putCollection({ ...dataset, kind: 'container', isMonotonic: false });
  const writing = world.verbs.write({ scope: world.scope, name: 'frozen', body: Buffer.from('bytes') });
  expect(await world.run(failure(writing))).toBe('refused');
  expect(await peek(world.source, 'frozen')).toBeUndefined();
});
