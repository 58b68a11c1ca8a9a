import { describe, expect, test } from 'vitest';
import { StorageError } from '../../src/ports/storage.ts';
import { collect, failure, openWorld, peek, put, readText } from './world.ts';

describe('a queued copy', () => {
  test('does nothing when the object was deleted meanwhile', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBeUndefined();
    expect(await failure(world.read('a'))).toBe('not-found');
  });

  test('publishes nothing when the object is deleted while its bytes are staged', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    const flush = world.replicas[0]!.flush.bind(world.replicas[0]);
    world.replicas[0]!.flush = async (staged) => {
      await world.another(2).delete({ scope: world.scope, name: 'a' });
      await flush(staged);
    };
    await world.carryOut();
    expect(world.replicas[0]!.requests).not.toContain('publish a');
    const cancelled = await world.catalog.listRequests({ state: 'CANCELLED', limit: 9 });
    expect(cancelled).toMatchObject([{ kind: 'copy', name: 'a' }]);
  });

  test('of a worker whose claim somebody else took meanwhile publishes nothing', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    const flush = world.replicas[0]!.flush.bind(world.replicas[0]);
    world.replicas[0]!.flush = async (staged) => {
      world.replicas[0]!.flush = flush;
      const [request] = await world.catalog.listRequests({ state: 'SUBMITTED', limit: 1 });
      await world.catalog.renewRequests([{ requestId: request!.id, token: 1 }], -1);
      const claimed = await world.catalog.claimRequests({ owner: 'thief', limit: 1, leaseMs: 60_000 });
      expect(claimed).toHaveLength(1);
      await flush(staged);
    };
    await world.carryOut();
    expect(world.replicas[0]!.requests).not.toContain('publish a');
    await world.clock.advance(120_000);
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('is taken away again when the object is deleted while it is published', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.replicas[0]!.beforePublish = async () => {
      world.replicas[0]!.beforePublish = async () => {};
      await world.another(2).delete({ scope: world.scope, name: 'a' });
    };
    await world.carryOut();
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBeUndefined();
    expect(await failure(world.read('a'))).toBe('not-found');
  });

  test('never leaves old bytes when the object is overwritten while it is published', async () => {
    await using world = await openWorld();
    await world.write('a', 'old bytes');
    world.replicas[0]!.beforePublish = async () => {
      world.replicas[0]!.beforePublish = async () => {};
      await world.another(2).write({ scope: world.scope, name: 'a', body: Buffer.from('new bytes') });
    };
    await world.carryOut();
    expect(world.replicas[0]!.requests).toContain('delete a');
    expect(await world.read('a')).toBe('new bytes');
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('new bytes');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
  });

  test('of an older version does not stand for the newer one, also where nobody reads the object meanwhile', async () => {
    await using world = await openWorld();
    await world.write('a', 'old bytes');
    world.replicas[0]!.beforePublish = async () => {
      world.replicas[0]!.beforePublish = async () => {};
      await world.another(2).write({ scope: world.scope, name: 'a', body: Buffer.from('new bytes') });
    };
    await world.carryOut();
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('new bytes');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
  });

  test('does not overwrite what somebody else put at the target meanwhile', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.replicas[0]!.beforePublish = async () => {
      world.replicas[0]!.beforePublish = async () => {};
      await put(world.replicas[0]!, 'a', 'theirs');
    };
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('theirs');
    expect(await world.queued()).toEqual(['copy a to r0']);
  });

  test('is tried again with a pause while its target is down, and fails with a reason where there is no hope', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.replicas[0]!.fault = { kind: 'down' };
    await world.carryOut();
    expect(await world.queued()).toEqual(['copy a to r0']);
    world.replicas[0]!.fault = { kind: 'denies' };
    await world.clock.advance(60_000);
    await world.carryOut();
    const [failed] = await world.catalog.listRequests({ state: 'FAILED', limit: 9 });
    expect(failed?.lastError).toMatch('access denied');
  });

  test('waits for a part of a second first, doubled each time, and is given up with its thirtieth attempt', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.replicas[0]!.fault = { kind: 'down' };
    const waitsMs: number[] = [];
    for (let attempt = 1; attempt < 30; attempt++) {
      await world.carryOut();
      const [waiting] = await world.catalog.listRequests({ state: 'QUEUED', limit: 9 });
      expect(waiting?.attempts).toBe(attempt);
      waitsMs.push((waiting?.nextAttemptMs ?? 0) - world.clock.nowMs());
      await world.clock.advance(30_000);
    }
    // Chance leaves half of each here.
    expect(waitsMs.slice(0, 7)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    await world.carryOut();
    expect(await world.catalog.listRequests({ state: 'FAILED', limit: 9 })).toMatchObject([{ attempts: 30 }]);
  });

  test('takes the bytes from another replica while the source is down', async () => {
    await using world = await openWorld({ replicas: 2 });
    await world.write('a', 'hello');
    await world.carryOut();
    await world.replicas[0]!.delete('a');
    world.source.fault = { kind: 'down' };
    expect(await world.read('a')).toBe('hello');
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('never spreads corrupt bytes', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.source.fault = { kind: 'corrupts', at: 1 };
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBeUndefined();
  });

  test('of bytes nobody had read yet learns their hash', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'hello');
    await world.run(world.verbs.inspect({ scope: world.scope, name: 'a' }));
    await world.read('a', { range: { start: 0, end: 1 } });
    await world.carryOut();
    const row = await world.catalog.readObject('data', 'a');
    expect(row?.current.content).toMatchObject({ kind: 'object', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });
});

describe('a delete', () => {
  test('takes the object from everywhere', async () => {
    await using world = await openWorld({ replicas: 2 });
    await world.write('a', 'hello');
    await world.carryOut();
    const result = await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    expect(result).toMatchObject({ deleted: ['source', 'r0', 'r1'], pending: [] });
    for (const store of [world.source, ...world.replicas]) expect(await peek(store, 'a')).toBeUndefined();
    expect(await failure(world.read('a'))).toBe('not-found');
    await world.carryOut();
    expect(await world.queued()).toEqual([]);
  });

  test('is not served by a replica that could not be asked, and reaches it later', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    world.replicas[0]!.fault = { kind: 'down' };
    const result = await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    expect(result.pending).toEqual([{ store: 'r0', why: expect.stringMatching('refused') }]);
    await world.carryOut();
    expect(await world.queued()).toEqual(['delete a to r0']);
    world.replicas[0]!.fault = { kind: 'none' };
    for (const store of [world.source, world.replicas[0]!]) store.requests.length = 0;
    expect(await failure(world.read('a'))).toBe('not-found');
    expect([...world.source.requests, ...world.replicas[0]!.requests]).toEqual([]);
    expect(await failure(world.read('a', { consistency: 'any' }))).toBe('not-found');
    await world.clock.advance(60_000);
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBeUndefined();
  });

  test('goes to stores that the profile does not name, and waits where nobody says how to reach them', async () => {
    await using world = await openWorld({ replicas: 2 });
    await world.write('a', 'hello');
    await world.carryOut();
    const [first, second] = world.replicas;
    const scope = { ...world.scope, replicas: world.scope.replicas.slice(0, 1) };
    const result = await world.run(world.verbs.delete({ scope, name: 'a' }));
    const why = expect.stringMatching('no profile says how to reach this store');
    expect(result).toMatchObject({ deleted: ['source', 'r0'], pending: [{ store: second!.place, why }] });
    await world.run(world.verbs.carryOut({ scopes: [scope], owner: 'test', until: 'idle' }));
    expect(await world.queued()).toEqual(['delete a to r1']);

    await world.clock.advance(60_000);
    const openElsewhere = async (place: string) => (place === second!.place ? second : undefined);
    await world.run(world.verbs.carryOut({ scopes: [{ ...scope, openElsewhere }], owner: 'test', until: 'idle' }));
    expect([await peek(first!, 'a'), await peek(second!, 'a')]).toEqual([undefined, undefined]);
    expect(await world.queued()).toEqual([]);
  });

  test('says where other bytes were left than were recorded', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    await put(world.replicas[0]!, 'a', 'theirs');
    const result = await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    expect(result).toMatchObject({ deleted: ['source'], left: ['r0'], pending: [] });
    expect(await peek(world.replicas[0]!, 'a')).toBe('theirs');
  });

  test('works while the source is down, and its leftovers are in no listing', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.source.fault = { kind: 'down' };
    const result = await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    expect(result.pending.map(({ store }) => store)).toEqual(['source']);
    world.source.fault = { kind: 'none' };
    expect(await world.run(collect(world.verbs.list({ scope: world.scope })))).toEqual([]);
    await world.carryOut();
    expect(await peek(world.source, 'a')).toBeUndefined();
  });

  test('does not touch the source while somebody is writing there', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    const operation = '00000000-0000-7000-8000-000000000000';
    const lock = { operation, scope: 'data', name: 'a', store: world.source.place, key: 'a' };
    const content = { kind: 'object', size: 1, sha256: undefined } as const;
    const holder = { host: 'here', pid: 7, startedMs: 1 };
    const createdMs = world.clock.nowMs();
    await world.catalog.addIntent({ ...lock, oldToken: undefined, follows: undefined, content, holder, createdMs });
    const deleting = world.verbs.delete({ scope: world.scope, name: 'a' });
    await world.clock.advance(5_000);
    expect(await failure(world.read('a'))).toBe('not-found');
    expect(await peek(world.source, 'a')).toBe('hello');
    await world.catalog.removeIntent(operation);
    await world.run(deleting);
    expect(await peek(world.source, 'a')).toBeUndefined();
  });

  test('of an unknown object that the source has deletes it; of one that nobody has is not found', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'hello');
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    expect(await peek(world.source, 'a')).toBeUndefined();
    expect(await failure(world.run(world.verbs.delete({ scope: world.scope, name: 'b' })))).toBe('not-found');
  });

  test('of an unknown object is refused while the source cannot be asked', async () => {
    await using world = await openWorld();
    await put(world.replicas[0]!, 'a', 'hello');
    world.source.fault = { kind: 'down' };
    expect(await failure(world.run(world.verbs.delete({ scope: world.scope, name: 'a' })))).toBe('unavailable');
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('that waited never takes what was written since', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    await world.carryOut();
    world.source.fault = { kind: 'down' };
    world.replicas[0]!.fault = { kind: 'down' };
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    world.source.fault = { kind: 'none' };
    world.replicas[0]!.fault = { kind: 'none' };
    await world.write('a', 'second');
    await world.carryOut();
    await world.clock.advance(60_000);
    await world.carryOut();
    expect(await peek(world.source, 'a')).toBe('second');
    expect(await peek(world.replicas[0]!, 'a')).toBe('second');
    expect(await world.read('a')).toBe('second');
  });

  test('leaves alone what a user put at the source since', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    world.source.fault = { kind: 'down' };
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    world.source.fault = { kind: 'none' };
    await put(world.source, 'a', 'theirs');
    await world.carryOut();
    expect(await peek(world.source, 'a')).toBe('theirs');
    expect(await world.read('a', { consistency: 'current' })).toBe('theirs');
  });

  test('is not undone by a copy of the deleted version that comes back', async () => {
    await using world = await openWorld();
    const version = await world.write('a', 'hello');
    const { current } = (await world.catalog.readObject('data', 'a'))!;
    const sha256 = current.content.kind === 'object' ? current.content.sha256 : undefined;
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    await put(world.source, 'a', 'hello', { mark: { operation: version, sha256 } });
    expect(await failure(world.read('a'))).toBe('not-found');
    expect(await failure(world.read('a', { consistency: 'current' }))).toBe('not-found');
  });

  test('with ifVersion deletes that version and no other', async () => {
    await using world = await openWorld();
    const first = await world.write('a', 'first');
    await world.write('a', 'second');
    expect(await failure(world.run(world.verbs.delete({ scope: world.scope, name: 'a', ifVersion: first })))).toBe(
      'condition',
    );
    expect(await world.read('a')).toBe('second');
  });
});

describe('a worker', () => {
  test('carries out what comes later, until it is told to stop', async () => {
    await using world = await openWorld();
    const controller = new AbortController();
    const working = world.verbs.carryOut({ scopes: [world.scope], owner: 'worker', until: controller.signal });
    await world.clock.advance(5_000);
    await world.write('a', 'hello');
    await world.clock.advance(5_000);
    controller.abort();
    expect(await world.run(working)).toMatchObject({ done: 1 });
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('without work forgets versions that no store holds any more', async () => {
    await using world = await openWorld();
    for (const text of ['first', 'second', 'third']) {
      await world.write('a', text);
      await world.carryOut();
    }
    expect((await world.catalog.status()).versions).toBe(3);
    const controller = new AbortController();
    const working = world.verbs.carryOut({ scopes: [world.scope], owner: 'worker', until: controller.signal });
    await world.clock.advance(5_000);
    controller.abort();
    await world.run(working);
    expect((await world.catalog.status()).versions).toBe(1);
    expect(await world.read('a')).toBe('third');
  });

  test('that is told to stop in the middle gives its request back, and the next takes it up at once', async () => {
    await using world = await openWorld();
    const replica = world.replicas[0]!;
    const stage = replica.stage.bind(replica);
    // So many times that failures of this number would end the request.
    for (let at = 0; at < 31; at++) {
      if (at === 0) await world.write('a', 'hello');
      const controller = new AbortController();
      replica.stage = async () => {
        controller.abort();
        throw new StorageError('aborted', { store: 'replica0', key: 'a' }, 'it was stopped');
      };
      const { signal } = controller;
      await world.run(world.verbs.carryOut({ scopes: [world.scope], owner: 'worker', until: 'idle', signal }));
      expect(controller.signal.aborted).toBe(true);
    }
    replica.stage = stage;
    await world.carryOut();
    expect(await peek(replica, 'a')).toBe('hello');
  });

  test('shares the work with others, and nothing is done twice', async () => {
    await using world = await openWorld({ replicas: 2 });
    for (let at = 0; at < 20; at++) await world.write(`n${at}`, `text ${at}`);
    const worker = (pid: number) =>
      world.another(pid).carryOut({ scopes: [world.scope], owner: `w${pid}`, until: 'idle' });
    const counts = await world.run(Promise.all([worker(2), worker(3)]));
    expect(counts.reduce((sum, { done }) => sum + done, 0)).toBe(40);
    const published = world.replicas.flatMap(({ requests }) => requests.filter((one) => one.startsWith('publish')));
    expect(published).toHaveLength(40);
    expect(await readText(world.verbs, { scope: world.scope, name: 'n7' })).toBe('text 7');
  });
});
