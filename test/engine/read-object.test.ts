import { describe, expect, test } from 'vitest';
import { DEADLINE_MS, failure, openWorld, peek, put } from './world.ts';

describe('a read of a known object', () => {
  test('is one request to the first replica that has it', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello world');
    await world.carryOut();
    world.source.requests.length = 0;
    world.replicas[0]!.requests.length = 0;
    expect(await world.read('a')).toBe('hello world');
    expect(world.replicas[0]!.requests).toEqual(['get a']);
    expect(world.source.requests).toEqual([]);
  });

  test.each([
    [{ start: 3, end: 6 }, 'lo w'],
    [{ start: 6 }, 'world'],
    [{ suffix: 5 }, 'world'],
    [{ start: 5, end: 99 }, ' world'],
    [{ start: 99 }, ''],
    [{ suffix: 0 }, ''],
    [{ start: 0, end: 0 }, 'h'],
  ])('gives the range %o from a replica', async (range, text) => {
    await using world = await openWorld();
    await world.write('a', 'hello world');
    await world.carryOut();
    expect(await world.read('a', { range })).toBe(text);
  });

  test('goes on with another store where the first one breaks, without repeating or mixing bytes', async () => {
    await using world = await openWorld();
    await world.write('a', '0123456789');
    await world.carryOut();
    world.replicas[0]!.fault = { kind: 'breaks', after: 5 };
    expect(await world.read('a')).toBe('0123456789');
  });

  test.each(['breaks', 'stalls'] as const)('as a stream goes on at the byte where a store %s', async (kind) => {
    await using world = await openWorld({ replicas: 2 });
    await world.write('a', '0123456789abcdef');
    await world.carryOut();
    world.replicas[0]!.fault = { kind, after: 6 };
    world.replicas[1]!.fault = { kind, after: 11 };
    expect(await world.read('a', { bufferedBytesMax: 0 })).toBe('0123456789abcdef');
    expect(await world.read('a', { bufferedBytesMax: 0, range: { start: 2, end: 14 } })).toBe('23456789abcde');
  });

  test('as a stream never continues bytes that were only seen with those of another store', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', '0123456789');
    await world.run(world.verbs.inspect({ scope: world.scope, name: 'a' }));
    const row = (await world.catalog.readObject('data', 'a'))!;
    const token = await put(world.replicas[0]!, 'a', 'ABCDEFGHIJ');
    const to = { state: 'UNVERIFIED', place: 'a', token, verification: 'none' } as const;
    const replica = { scope: 'data', name: 'a', versionId: row.current.id, store: world.replicas[0]!.place, to };
    await world.catalog.record({ replicas: [replica] });
    world.source.fault = { kind: 'breaks', after: 4 };
    expect(await failure(world.read('a', { bufferedBytesMax: 0 }))).not.toBe('none');
  });

  test('does not give old bytes after a write', async () => {
    await using world = await openWorld();
    await world.write('a', 'old bytes');
    await world.carryOut();
    await world.write('a', 'new bytes');
    expect(await world.read('a')).toBe('new bytes');
    expect(await world.read('a', { range: { start: 0, end: 2 } })).toBe('new');
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('new bytes');
  });

  test.each(['truncates', 'corrupts', 'lengthens'] as const)(
    'does not give what a replica that %s has',
    async (kind) => {
      await using world = await openWorld();
      await world.write('a', '0123456789');
      await world.carryOut();
      world.replicas[0]!.fault =
        kind === 'corrupts' ? { kind, at: 3 } : kind === 'truncates' ? { kind, after: 6 } : { kind };
      expect(await world.read('a')).toBe('0123456789');
      expect(['SUSPICIOUS', 'BAD']).toContain((await world.states('a'))['r0']);
      expect(await world.queued()).toEqual(['copy a to r0']);
    },
  );

  test.each(['truncates', 'lengthens'] as const)(
    'does not give a range of what a replica that %s has, though a range has no hash',
    async (kind) => {
      await using world = await openWorld();
      await world.write('a', '0123456789');
      await world.carryOut();
      world.replicas[0]!.fault = kind === 'truncates' ? { kind, after: 6 } : { kind };
      for (const bufferedBytesMax of [1024, 0])
        expect(await world.read('a', { range: { start: 3, end: 9 }, bufferedBytesMax })).toBe('3456789');
    },
  );

  test('does not give a range of a replica that says itself it has fewer bytes, though the range lies within them', async () => {
    await using world = await openWorld();
    await world.write('a', '0123456789');
    await world.carryOut();
    const replica = world.replicas[0]!;
    const get = replica.get.bind(replica);
    replica.get = async (key, options) => {
      const got = await get(key, options);
      return { ...got, head: { ...got.head, size: 6 } };
    };
    expect(await world.read('a', { range: { start: 0, end: 2 } })).toBe('012');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'SUSPICIOUS' });
    expect(await world.queued()).toEqual(['copy a to r0']);
  });

  test('does not give what somebody wrote into a replica, and has it replaced', async () => {
    await using world = await openWorld();
    await world.write('a', 'good');
    await world.carryOut();
    await put(world.replicas[0]!, 'a', 'evil');
    expect(await world.read('a')).toBe('good');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'SUSPICIOUS' });
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('good');
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
  });

  test('is served by replicas while the source is down', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    world.source.fault = { kind: 'down' };
    expect(await world.read('a')).toBe('hello');
  });

  test('waits for a hung replica once, not every time', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    world.replicas[0]!.fault = { kind: 'hangs' };
    const startedMs = world.clock.monotonicMs();
    expect(await world.read('a')).toBe('hello');
    expect(world.clock.monotonicMs() - startedMs).toBe(DEADLINE_MS);
    for (let again = 0; again < 10; again++) await world.read('a');
    expect(world.clock.monotonicMs() - startedMs).toBe(DEADLINE_MS);
  });

  test('comes back to a replica that answers again', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    world.replicas[0]!.fault = { kind: 'hangs' };
    await world.read('a');
    world.replicas[0]!.fault = { kind: 'none' };
    await world.clock.advance(60_000);
    world.source.requests.length = 0;
    await world.read('a');
    expect(world.source.requests).toEqual([]);
  });

  test('names every store and why when all fail', async () => {
    await using world = await openWorld({ replicas: 2 });
    await world.write('a', 'hello');
    await world.carryOut();
    for (const store of [world.source, ...world.replicas]) store.fault = { kind: 'down' };
    const error = await world.read('a').catch((error: unknown) => error);
    expect(error).toMatchObject({ kind: 'unavailable' });
    expect((error as Error).message).toMatch(/r0.*refused[\s\S]*r1.*refused[\s\S]*source.*refused/);
  });

  test('is given up when the caller gives up', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    world.source.fault = { kind: 'hangs' };
    const controller = new AbortController();
    const reading = failure(world.verbs.read({ scope: world.scope, name: 'a', signal: controller.signal }));
    await world.clock.advance(10);
    controller.abort();
    expect(await reading).toBe('aborted');
  });

  test('refuses names that could leave the store, as a write and a delete do, before any store is asked', async () => {
    await using world = await openWorld();
    for (const name of ['../secret', 'a/../../secret', '/secret', '.pando/staging/x']) {
      expect(await failure(world.read(name))).toBe('invalid-name');
      expect(await failure(world.write(name, 'x'))).toBe('invalid-name');
      expect(await failure(world.run(world.verbs.delete({ scope: world.scope, name })))).toBe('invalid-name');
    }
    for (const store of [world.source, ...world.replicas]) expect(store.requests).toEqual([]);
  });
});

describe('what is seen behind Pando’s back', () => {
  test('an object only the source has is met by one look, recorded, and verified by its first full read', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'found', { attributes: { contentType: 'text/x' } });
    expect(await world.read('a')).toBe('found');
    expect(world.source.requests).toEqual(
      ['head a', 'get a'].flatMap((one, at) => (at === 0 ? ['stage a', 'publish a', one] : [one])),
    );
    await world.run(world.verbs.settle());
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE' });
    const row = await world.catalog.readObject('data', 'a');
    expect(row?.current.content).toMatchObject({ contentType: 'text/x', size: 5 });
    expect(row?.replicas[0]?.verification).toBe('read-back');
  });

  test('a source touched without change keeps its version and gets the new token', async () => {
    await using world = await openWorld({ replicas: 0 });
    const version = await world.write('a', 'same');
    await put(world.source, 'a', 'same');
    expect(await world.read('a')).toBe('same');
    const row = await world.catalog.readObject('data', 'a');
    expect(row?.current.operation).toBe(version);
    world.source.requests.length = 0;
    await world.read('a');
    expect(world.source.requests).toEqual(['get a']);
  });

  test('a source that was overwritten gives a new version that follows the known one', async () => {
    await using world = await openWorld({ replicas: 0 });
    const version = await world.write('a', 'mine');
    await put(world.source, 'a', 'theirs');
    expect(await world.read('a')).toBe('theirs');
    const row = await world.catalog.readObject('data', 'a');
    expect(row?.current.operation).not.toBe(version);
    expect((await world.catalog.listEvents({ limit: 9 })).map(({ kind }) => kind)).toContain('source-changed');
  });

  test('a replica under another token with the same bytes is refreshed, not copied again', async () => {
    await using world = await openWorld();
    const version = await world.write('a', 'same');
    await world.carryOut();
    const { current } = (await world.catalog.readObject('data', 'a'))!;
    const sha256 = current.content.kind === 'object' ? current.content.sha256 : undefined;
    await put(world.replicas[0]!, 'a', 'same', { mark: { operation: version, sha256 } });
    await world.read('a');
    world.source.requests.length = 0;
    await world.carryOut();
    expect(world.source.requests).toEqual([]);
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE' });
  });

  test('a copy that vanished from a replica is fetched again', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    await world.replicas[0]!.delete('a');
    expect(await world.read('a')).toBe('hello');
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('a copy that vanished from the source is missing, and not a delete: replicas go on serving', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    await world.source.delete('a');
    world.replicas[0]!.fault = { kind: 'down' };
    expect(await failure(world.read('a'))).toBe('unavailable');
    world.replicas[0]!.fault = { kind: 'none' };
    expect(await world.read('a')).toBe('hello');
    expect(await world.states('a')).toEqual({ source: 'BAD', r0: 'AVAILABLE' });
  });

  test('bytes that rot at the only store under the same token are never given, nor made a version', async () => {
    await using world = await openWorld({ replicas: 0 });
    const version = await world.write('a', 'hello world');
    world.source.fault = { kind: 'corrupts', at: 2 };
    expect(await failure(world.read('a'))).toBe('corrupt');
    expect(await failure(world.read('a'))).toBe('corrupt');
    world.source.fault = { kind: 'none' };
    expect(await world.read('a')).toBe('hello world');
    expect((await world.catalog.readObject('data', 'a'))?.current.operation).toBe(version);
  });
});

describe('consistency', () => {
  test('validated may give the known version until somebody looks; current looks', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    await world.carryOut();
    await put(world.source, 'a', 'second');
    expect(await world.read('a')).toBe('first');
    expect(await world.read('a', { consistency: 'current' })).toBe('second');
    expect(await world.read('a')).toBe('second');
  });

  test('current fails while the source cannot be asked', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    world.source.fault = { kind: 'down' };
    expect(await failure(world.read('a', { consistency: 'current' }))).toBe('unavailable');
  });

  test('current finds an object gone from the source, and keeps its copies', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello');
    await world.carryOut();
    await world.source.delete('a');
    expect(await failure(world.read('a', { consistency: 'current' }))).toBe('not-found');
    expect(await world.read('a')).toBe('hello');
  });

  test('any takes an older version when nobody has the current one', async () => {
    await using world = await openWorld();
    await world.write('a', 'old bytes');
    await world.carryOut();
    await world.write('a', 'new bytes');
    world.source.fault = { kind: 'down' };
    expect(await failure(world.read('a'))).toBe('unavailable');
    expect(await world.read('a', { consistency: 'any' })).toBe('old bytes');
  });
});

describe('upload on miss', () => {
  test('fills the replicas before the hit, not those behind it', async () => {
    await using world = await openWorld({ replicas: 3 });
    await world.write('a', 'hello');
    await world.carryOut();
    const { id: versionId } = (await world.catalog.readObject('data', 'a'))!.current;
    const lost = [world.replicas[0]!, world.replicas[2]!];
    const replicas = lost.map(({ place: store }) => ({
      scope: 'data',
      name: 'a',
      versionId,
      store,
      to: 'drop' as const,
    }));
    await world.catalog.record({ replicas });
    expect(await world.read('a')).toBe('hello');
    expect(await world.queued()).toEqual(['copy a to r0']);
  });

  test('is queued once by many readers', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'hello');
    await world.run(Promise.all(Array.from({ length: 20 }, () => world.verbs.read({ scope: world.scope, name: 'a' }))));
    expect(await world.queued()).toEqual(['copy a to r0']);
  });

  test('takes content type and metadata along', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'hello', { attributes: { contentType: 'text/x', metadata: { k: 'v' } } });
    await world.read('a');
    await world.carryOut();
    const head = await world.replicas[0]!.head('a');
    expect(head.attributes).toMatchObject({ contentType: 'text/x', metadata: { k: 'v' } });
  });

  test('never takes the reader’s buffer', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'hello');
    using read = await world.run(world.verbs.read({ scope: world.scope, name: 'a' }));
    (read.body as Uint8Array).fill(0x21);
    await world.carryOut();
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });
});
