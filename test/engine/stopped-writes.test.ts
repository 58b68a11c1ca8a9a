import { expect, test } from 'vitest';
import { openWorld, peek } from './world.ts';

test('a copy publishes nothing at a store that takes no writes by then, and the attempt does not count', async () => {
  await using world = await openWorld();
  let why: string | undefined;
  let said: string | undefined;
  const availability = { closedFor: () => [], whyNot: () => why, hear: async () => void (why = said) };
  const scope = { ...world.scope, availability };
  const carryOut = () => world.run(world.verbs.carryOut({ scopes: [scope], owner: 'test', until: 'idle' }));
  await world.write('a', 'hello');
  const flush = world.replicas[0]!.flush.bind(world.replicas[0]);
  world.replicas[0]!.flush = async (staged) => {
    said = 'it takes no writes now';
    await flush(staged);
  };
  await carryOut();
  expect(world.replicas[0]!.requests).not.toContain('publish a');
  const [waiting] = await world.catalog.listRequests({ state: 'QUEUED', limit: 9 });
  expect(waiting).toMatchObject({ attempts: 0, lastError: said });

  world.replicas[0]!.flush = flush;
  why = said = undefined;
  await world.clock.advance(60_000);
  await carryOut();
  expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
});

test('a write publishes nothing where writes were stopped while its body came', async () => {
  await using world = await openWorld();
  let why: string | undefined;
  let said: string | undefined;
  const availability = { closedFor: () => [], whyNot: () => why, hear: async () => void (why = said) };
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    said = 'it takes no writes now';
    yield Buffer.from('whole');
  }
  const discarded: string[] = [];
  const discard = world.source.discard.bind(world.source);
  world.source.discard = (staged) => {
    discarded.push(...staged.map(({ key }) => key));
    return discard(staged);
  };
  const writing = world.verbs.write({ scope: { ...world.scope, availability }, name: 'a', body: body() });
  await expect(world.run(writing)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('it takes no writes now'),
  });
  expect(await peek(world.source, 'a')).toBeUndefined();
  expect(discarded).toEqual(['a']);
  expect(await world.catalog.listIntents()).toEqual([]);
});
