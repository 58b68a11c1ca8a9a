import { describe, expect, test } from 'vitest';
import { failure, openElsewhere, openWorld, put } from './world.ts';

describe('a machine with an empty catalog', () => {
  test('asks the source, and serves no replica the source does not confirm', async () => {
    await using world = await openWorld();
    await world.write('a', 'old bytes');
    await world.carryOut();
    await world.write('a', 'new bytes');
    await using elsewhere = await openElsewhere(world);
    expect(await elsewhere.read('a')).toBe('new bytes');
  });

  test('finds nothing where the source says so, though a replica has a copy with its mark', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    await world.source.delete('a');
    await using elsewhere = await openElsewhere(world);
    expect(await failure(elsewhere.read('a'))).toBe('not-found');
  });

  test('finds nothing of what was deleted', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    world.replicas[0]!.fault = { kind: 'down' };
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    world.replicas[0]!.fault = { kind: 'none' };
    await using elsewhere = await openElsewhere(world);
    expect(await failure(elsewhere.read('a'))).toBe('not-found');
  });

  test('takes a copy by its mark while the source is away, and says so', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello world');
    await world.carryOut();
    world.source.fault = { kind: 'down' };
    await using elsewhere = await openElsewhere(world);
    using read = await elsewhere.run(elsewhere.verbs.read({ scope: world.scope, name: 'a' }));
    expect(read.isUnvalidated).toBe(true);
    expect(await elsewhere.read('a', { range: { start: 6 } })).toBe('world');
    world.replicas[0]!.fault = { kind: 'corrupts', at: 7 };
    expect(await failure(elsewhere.read('a', { range: { start: 0, end: 2 } }))).not.toBe('none');
  });

  test('refuses a copy without a mark while the source is away', async () => {
    await using world = await openWorld();
    await put(world.replicas[0]!, 'a', 'whatever');
    world.source.fault = { kind: 'down' };
    expect(await failure(world.read('a'))).toBe('unavailable');
  });
});
