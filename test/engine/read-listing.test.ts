import { describe, expect, test } from 'vitest';
import { collect, failure, openWorld, put, textOf } from './world.ts';

describe('a listing', () => {
  test('is the source’s', async () => {
    await using world = await openWorld();
    await put(world.source, 'x/b', 'bb');
    await put(world.source, 'x/a', 'a');
    await put(world.source, 'y', 'y');
    const listing = world.verbs.list({ scope: world.scope, prefix: 'x/' });
    expect(await world.run(collect(listing))).toMatchObject([
      { name: 'x/a', size: 1 },
      { name: 'x/b', size: 2 },
    ]);
    expect(listing.isComplete).toBe(true);
  });

  test('while the source is down is what the catalog and the replicas know, and says that it is not complete', async () => {
    await using world = await openWorld({ replicas: 2 });
    for (const name of ['a', 'c', 'gone']) await world.write(name, name);
    await world.carryOut();
    await put(world.replicas[1]!, 'b', 'only here');
    await world.run(world.verbs.delete({ scope: world.scope, name: 'gone' }));
    await put(world.replicas[0]!, 'gone', 'leftover');
    world.source.fault = { kind: 'down' };
    const listing = world.verbs.list({ scope: world.scope });
    expect((await world.run(collect(listing))).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(listing.isComplete).toBe(false);
    expect(listing.unavailable).toMatchObject([{ kind: 'unavailable', why: expect.stringMatching('source.*refused') }]);
  });

  test('does not hang with a source that hangs', async () => {
    await using world = await openWorld();
    await world.write('a', 'a');
    world.source.fault = { kind: 'hangs' };
    expect(await world.run(collect(world.verbs.list({ scope: world.scope })))).toHaveLength(1);
  });

  test.each([
    ['*.txt', ['a.txt']],
    ['**/*.txt', ['a.txt', 'x/.hidden.txt', 'x/b.txt', 'x/y/c.txt']],
    ['x/*', ['x/.hidden.txt', 'x/b.txt']],
    ['x/{b,c}.txt', ['x/b.txt']],
    ['x/y/c.txt', ['x/y/c.txt']],
  ])('of the pattern %s has what it matches', async (pattern, names) => {
    await using world = await openWorld();
    for (const name of ['a.txt', 'x/.hidden.txt', 'x/b.txt', 'x/y/c.txt', 'z.dat']) await put(world.source, name, name);
    const found = await world.run(collect(world.verbs.glob({ scope: world.scope, pattern })));
    expect(found.map(({ name }) => name)).toEqual(names);
  });
});

describe('info', () => {
  test('is confirmed by one head at the first good copy', async () => {
    await using world = await openWorld();
    const version = await world.write('a', 'hello', { contentType: 'text/x' });
    await world.carryOut();
    world.replicas[0]!.requests.length = 0;
    const info = await world.run(world.verbs.inspect({ scope: world.scope, name: 'a' }));
    expect(info).toMatchObject({ version, servedBy: 'r0', content: { size: 5, contentType: 'text/x' } });
    expect(world.replicas[0]!.requests).toEqual(['head a']);
  });

  test('works while the source is down; missing is said only by the source', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    const { scope, verbs } = world;
    expect(await world.run(verbs.exists({ scope, name: 'nothing' }))).toBe(false);
    world.source.fault = { kind: 'down' };
    expect(await world.run(verbs.exists({ scope, name: 'a' }))).toBe(true);
    expect(await failure(world.run(verbs.exists({ scope, name: 'nothing' })))).toBe('unavailable');
  });
});

describe('an opened object', () => {
  test('stays with its version while a store has it, and then says that it changed', async () => {
    await using world = await openWorld();
    await world.write('a', 'old bytes');
    await world.carryOut();
    const handle = await world.run(world.verbs.open({ scope: world.scope, name: 'a' }));
    const part = async (start: number, end: number) => textOf(await world.run(handle.read({ start, end })));
    expect(await part(0, 2)).toBe('old');
    await world.write('a', 'new bytes');
    expect(await part(4, 8)).toBe('bytes');
    expect(await part(0, 2)).toBe('old');
    await world.carryOut();
    expect(await failure(part(0, 2))).toBe('changed');
    expect(await world.read('a')).toBe('new bytes');
  });

  test('reads around a replica that fails', async () => {
    await using world = await openWorld();
    await world.write('a', '0123456789');
    await world.carryOut();
    const handle = await world.run(world.verbs.open({ scope: world.scope, name: 'a' }));
    world.replicas[0]!.fault = { kind: 'breaks', after: 5 };
    expect(await textOf(await world.run(handle.read({ start: 2, end: 8 })))).toBe('2345678');
  });
});
