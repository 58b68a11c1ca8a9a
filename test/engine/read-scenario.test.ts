import { expect, test } from 'vitest';
import { DEADLINE_MS, failure, openElsewhere, openWorld, peek, put } from './world.ts';

test('a day in the life of a dataset: one clock, three stores, everything that can go wrong', async () => {
  await using world = await openWorld({ replicas: 2 });
  const { scope, verbs, source, clock } = world;
  const [near, far] = [world.replicas[0]!, world.replicas[1]!];

  // Morning: the data was there before Pando. The first read comes from the source and fills both replicas.
  await put(source, 'data/a', 'first edition', { attributes: { contentType: 'text/plain' } });
  expect(await world.read('data/a')).toBe('first edition');
  await world.carryOut();
  expect(await world.states('data/a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE', r1: 'AVAILABLE' });

  // The near store hangs in the middle of a read: one deadline is lost, and the far one continues.
  near.fault = { kind: 'stalls', after: 4 };
  const beforeMs = clock.monotonicMs();
  expect(await world.read('data/a', { bufferedBytesMax: 0 })).toBe('first edition');
  expect(clock.monotonicMs() - beforeMs).toBe(DEADLINE_MS);
  near.fault = { kind: 'none' };

  // Noon: the source goes away. Reads and listings go on, and nothing is taken for deleted.
  source.fault = { kind: 'down' };
  expect(await world.read('data/a')).toBe('first edition');
  expect(await failure(world.run(verbs.write({ scope, name: 'data/a', body: Buffer.from('lost') })))).toBe(
    'unavailable',
  );
  source.fault = { kind: 'none' };

  // A second edition, while a worker is still copying the first one to a replica that had lost it.
  await far.delete('data/a');
  await clock.advance(60_000);
  near.fault = { kind: 'down' };
  expect(await world.read('data/a')).toBe('first edition');
  near.fault = { kind: 'none' };
  far.beforePublish = async () => {
    far.beforePublish = async () => {};
    await world.another(2).write({ scope, name: 'data/a', body: Buffer.from('second edition') });
  };
  await world.carryOut();
  await clock.advance(60_000);
  await world.carryOut();
  for (const store of [source, near, far]) expect(await peek(store, 'data/a')).toBe('second edition');

  // Evening: it is deleted while the near store is away, and a machine that knows nothing looks for it.
  near.fault = { kind: 'down' };
  expect((await world.run(verbs.delete({ scope, name: 'data/a' }))).pending).toHaveLength(1);
  near.fault = { kind: 'none' };
  await using elsewhere = await openElsewhere(world);
  expect(await failure(world.read('data/a'))).toBe('not-found');
  expect(await failure(elsewhere.read('data/a'))).toBe('not-found');

  // Night: the queue runs dry, and nothing is left anywhere.
  await clock.advance(60_000);
  await world.carryOut();
  for (const store of [source, near, far]) expect(await peek(store, 'data/a')).toBeUndefined();
  expect(await world.queued()).toEqual([]);
  expect(await world.catalog.listIntents()).toEqual([]);
});
