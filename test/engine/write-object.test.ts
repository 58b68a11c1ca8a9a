import { describe, expect, test } from 'vitest';
import { OperationIds } from '../../src/engine/operation-ids.ts';
import type { Intent } from '../../src/ports/catalog.ts';
import { StorageError } from '../../src/ports/storage.ts';
import { failure, openWorld, peek, put, type World } from './world.ts';

async function* inChunks(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const HELLO_SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

function newId(world: World): string {
  return new OperationIds(world.clock, { bytes: () => crypto.getRandomValues(new Uint8Array(10)) }).next();
}

describe('a write', () => {
  test('makes a version with a hash, a mark at the source, and requests for every replica', async () => {
    await using world = await openWorld({ replicas: 2 });
    const { scope, verbs } = world;
    const attributes = { contentType: 'text/x', metadata: { k: 'v' } };
    const result = await world.run(verbs.write({ scope, name: 'a', body: inChunks('hello ', 'world'), attributes }));
    expect(result).toMatchObject({ size: 11, isRepeat: false, verification: 'store' });
    const head = await world.source.head('a');
    expect(head.mark).toEqual({ operation: result.version, sha256: result.sha256 });
    expect(head.attributes).toMatchObject(attributes);
    expect(await world.queued()).toEqual(['copy a to r0', 'copy a to r1']);
    expect(await world.catalog.listIntents()).toEqual([]);
    await world.carryOut();
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', r0: 'AVAILABLE', r1: 'AVAILABLE' });
  });

  test('leaves nothing behind when its body fails', async () => {
    await using world = await openWorld();
    const { scope, verbs } = world;
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('disk on fire');
    }
    await expect(world.run(verbs.write({ scope, name: 'a', body: failing() }))).rejects.toThrow('disk on fire');
    expect(await peek(world.source, 'a')).toBeUndefined();
    expect(await world.catalog.readObject('data', 'a')).toBeUndefined();
    expect(await world.catalog.listIntents()).toEqual([]);
  });

  test('with ifAbsent refuses an object that only the source has', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'theirs');
    const writing = world.verbs.write({ scope: world.scope, name: 'a', body: Buffer.from('mine'), ifAbsent: true });
    expect(await world.run(failure(writing))).toBe('condition');
    expect(await peek(world.source, 'a')).toBe('theirs');
  });

  test('with ifVersion replaces that version and no other', async () => {
    await using world = await openWorld();
    const { scope, verbs } = world;
    const first = await world.write('a', 'first');
    await world.run(verbs.write({ scope, name: 'a', body: Buffer.from('second'), ifVersion: first }));
    expect(
      await failure(world.run(verbs.write({ scope, name: 'a', body: Buffer.from('third'), ifVersion: first }))),
    ).toBe('condition');
    expect(await world.read('a')).toBe('second');
  });

  test('with ifVersion sees that the source changed behind Pando’s back', async () => {
    await using world = await openWorld();
    const first = await world.write('a', 'first');
    await put(world.source, 'a', 'theirs');
    const writing = world.verbs.write({ scope: world.scope, name: 'a', body: Buffer.from('mine'), ifVersion: first });
    expect(await failure(world.run(writing))).toBe('condition');
    expect(await world.read('a')).toBe('theirs');
  });

  test('never overwrites what others wrote between its look and its publish', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    world.source.beforePublish = async () => {
      world.source.beforePublish = async () => {};
      await put(world.source, 'a', 'theirs');
    };
    expect(await failure(world.write('a', 'mine'))).toBe('changed');
    expect(await peek(world.source, 'a')).toBe('theirs');
    expect(await world.catalog.listIntents()).toEqual([]);
    await world.write('a', 'mine');
    expect(await world.read('a')).toBe('mine');
  });

  test('of two at once makes two versions, one after the other, and the last one is at the source', async () => {
    await using world = await openWorld();
    const { scope } = world;
    const other = world.another(2);
    await world.run(
      Promise.all([
        world.verbs.write({ scope, name: 'a', body: Buffer.from('one') }),
        other.write({ scope, name: 'a', body: Buffer.from('two') }),
      ]),
    );
    const row = await world.catalog.readObject('data', 'a');
    expect((await world.source.head('a')).mark?.operation).toBe(row?.current.operation);
    expect(row?.replicas.filter(({ store }) => store === world.source.place)).toHaveLength(1);
  });

  test('after a delete makes the object anew', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    await world.carryOut();
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    await world.write('a', 'second');
    await world.carryOut();
    expect(await world.read('a')).toBe('second');
    expect(await peek(world.replicas[0]!, 'a')).toBe('second');
  });
});

describe('the same operation id', () => {
  test('with the same content has the effect of one write', async () => {
    await using world = await openWorld();
    const { scope, verbs } = world;
    const operation = newId(world);
    const first = await world.run(verbs.write({ scope, name: 'a', body: Buffer.from('hello'), operation }));
    await world.write('a', 'newer');
    const again = await world.run(verbs.write({ scope, name: 'a', body: inChunks('hel', 'lo'), operation }));
    expect(again).toMatchObject({ version: first.version, sha256: first.sha256, isRepeat: true });
    expect(await world.read('a')).toBe('newer');
  });

  test('with other content is refused', async () => {
    await using world = await openWorld();
    const { scope, verbs } = world;
    const operation = newId(world);
    await world.run(verbs.write({ scope, name: 'a', body: Buffer.from('hello'), operation }));
    expect(await failure(world.run(verbs.write({ scope, name: 'a', body: Buffer.from('other'), operation })))).toBe(
      'refused',
    );
    expect(await world.read('a')).toBe('hello');
  });

  test('twice at once is one write', async () => {
    await using world = await openWorld();
    const { scope, verbs } = world;
    const operation = newId(world);
    const write = () => verbs.write({ scope, name: 'a', body: Buffer.from('hello'), operation });
    const results = await world.run(Promise.all([write(), write()]));
    expect(results.filter(({ isRepeat }) => isRepeat)).toHaveLength(1);
  });

  test('of eight days ago is refused as expired', async () => {
    await using world = await openWorld();
    const operation = newId(world);
    await world.clock.advance(8 * 24 * 3600_000);
    const writing = world.verbs.write({ scope: world.scope, name: 'a', body: Buffer.from('hello'), operation });
    expect(await failure(world.run(writing))).toBe('refused');
  });
});

describe('a writer that died', () => {
  const intentOf = (world: World, more: Partial<Intent> = {}): Intent => ({
    operation: newId(world),
    scope: 'data',
    name: 'a',
    store: world.source.place,
    key: 'a',
    oldToken: undefined,
    follows: undefined,
    content: { kind: 'object', size: 5, sha256: HELLO_SHA256 },
    holder: { host: 'here', pid: 7, startedMs: 1 },
    createdMs: world.clock.nowMs(),
    ...more,
  });

  test('after publishing has its write carried forward', async () => {
    await using world = await openWorld();
    const intent = intentOf(world);
    await world.catalog.addIntent(intent);
    await put(world.source, 'a', 'hello', { mark: { operation: intent.operation, sha256: HELLO_SHA256 } });
    world.dead.add(7);
    expect(await world.run(world.verbs.recover([world.scope]))).toEqual({ carriedForward: 1, forgotten: 0, open: 0 });
    expect((await world.catalog.readObject('data', 'a'))?.current.operation).toBe(intent.operation);
    expect(await world.queued()).toEqual(['copy a to r0']);
    expect(await world.catalog.listIntents()).toEqual([]);
  });

  test('before publishing is forgotten, and the next write goes on', async () => {
    await using world = await openWorld();
    await world.catalog.addIntent(intentOf(world));
    world.dead.add(7);
    await world.write('a', 'mine');
    expect(await world.read('a')).toBe('mine');
  });

  test('is not forgotten while the store cannot be asked', async () => {
    await using world = await openWorld();
    await world.catalog.addIntent(intentOf(world));
    world.dead.add(7);
    world.source.fault = { kind: 'down' };
    expect(await world.run(world.verbs.recover([world.scope]))).toMatchObject({ open: 1 });
    expect(await world.catalog.listIntents()).toHaveLength(1);
  });

  test('does not undo a delete that came after it', async () => {
    await using world = await openWorld();
    await world.write('a', 'first');
    const { current } = (await world.catalog.readObject('data', 'a'))!;
    const intent = intentOf(world, { follows: current.id });
    await world.run(world.verbs.delete({ scope: world.scope, name: 'a' }));
    await put(world.source, 'a', 'hello', { mark: { operation: intent.operation, sha256: HELLO_SHA256 } });
    await world.catalog.addIntent(intent);
    world.dead.add(7);
    expect(await world.run(world.verbs.recover([world.scope]))).toMatchObject({ forgotten: 1 });
    expect(await failure(world.read('a'))).toBe('not-found');
    expect(await peek(world.source, 'a')).toBeUndefined();
  });

  test('is waited for while it may live', async () => {
    await using world = await openWorld();
    const intent = intentOf(world);
    await world.catalog.addIntent(intent);
    const writing = world.verbs.write({ scope: world.scope, name: 'a', body: Buffer.from('mine') });
    await world.clock.advance(5_000);
    expect((await world.catalog.listIntents()).map(({ operation }) => operation)).toEqual([intent.operation]);
    await world.catalog.removeIntent(intent.operation);
    expect(await world.run(writing)).toMatchObject({ size: 4 });
  });
});

describe('a write that the store neither confirmed nor denied', () => {
  test('and did carry out succeeds', async () => {
    await using world = await openWorld();
    const publish = world.source.publish.bind(world.source);
    world.source.publish = async (requests) => {
      await publish(requests);
      return [new StorageError('timeout', { store: 'source', key: 'a' }, 'no answer')];
    };
    const version = await world.write('a', 'hello');
    expect((await world.catalog.readObject('data', 'a'))?.current.operation).toBe(version);
  });

  test('and did not carry out fails, and leaves the old version', async () => {
    await using world = await openWorld();
    await world.write('a', 'old');
    world.source.publish = async () => [new StorageError('timeout', { store: 'source', key: 'a' }, 'no answer')];
    expect(await failure(world.write('a', 'new'))).toBe('unavailable');
    expect(await world.read('a')).toBe('old');
    expect(await world.catalog.listIntents()).toEqual([]);
  });

  test('stays open while the store cannot be asked, and is settled later', async () => {
    await using world = await openWorld();
    const publish = world.source.publish.bind(world.source);
    world.source.publish = async (requests) => {
      await publish(requests);
      world.source.fault = { kind: 'down' };
      return [new StorageError('timeout', { store: 'source', key: 'a' }, 'no answer')];
    };
    expect(await failure(world.write('a', 'hello'))).toBe('outcome-unknown');
    world.source.fault = { kind: 'none' };
    world.dead.add(1);
    await world.run(world.another(2).recover([world.scope]));
    expect(await world.read('a')).toBe('hello');
  });
});

describe('a copy to another name', () => {
  test('takes one version with what belongs to it', async () => {
    await using world = await openWorld();
    await world.write('a', 'hello', { contentType: 'text/x' });
    const to = { scope: world.scope, name: 'b' };
    await world.run(world.verbs.copy({ from: { scope: world.scope, name: 'a' }, to }));
    expect(await world.read('b')).toBe('hello');
    expect((await world.source.head('b')).attributes.contentType).toBe('text/x');
  });
});
