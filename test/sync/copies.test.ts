import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { makeProfile } from '../../src/config/make-profile.ts';
import { type Body, type Storage, StorageError } from '../../src/ports/storage.ts';
import { alter, alterListing, failing } from './altered.ts';
import { openSyncWorld, SCOPE } from './sync-world.ts';
import { mirrored, setTime, texts, write, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

describe('what is left alone', () => {
  test('an excluded file is neither copied over nor deleted, at the source and at the target', async () => {
    await using world = openSyncWorld();
    const target = world.targets[0] as string;
    writeAll(world.source, { 'a.tmp': 'theirs', keep: '1' });
    writeAll(target, { 'a.tmp': 'mine', 'only-here.tmp': 'mine' });
    const rules = [{ kind: 'exclude' as const, matches: (key: string) => key.endsWith('.tmp') }];
    const result = await world.sync({ ...ALL, filter: { rules } });
    expect(result).toMatchObject({ state: 'done', source: { objects: 1, excluded: 1 } });
    expect(texts(target)).toEqual({ 'a.tmp': 'mine', keep: '1', 'only-here.tmp': 'mine' });
    write(target, 'a.tmp', 'written meanwhile');
    await world.sync({ ...ALL, filter: { rules } });
    expect(texts(target)).toMatchObject({ 'a.tmp': 'written meanwhile', 'only-here.tmp': 'mine' });
  });

  test('without deleting, what only the target has is counted and left', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1' });
    writeAll(world.targets[0] as string, { foreign: 'x' });
    expect((await world.sync()).targets[0]).toMatchObject({ added: 1, unmatched: 1, deleted: 0 });
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', foreign: 'x' });
  });
});

describe('failures', () => {
  test('a delete that fails is reported, and the run with it', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2', c: '3' });
    await world.sync();
    for (const name of ['a', 'b']) fs.rmSync(join(world.source, name));
    const result = await world.sync({
      ...ALL,
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          delete: async (key, options) => {
            if (key === 'a') throw failing('denied');
            await inner.delete(key, options);
          },
        })),
    });
    expect(result.state).toBe('failed');
    expect(result.targets[0]).toMatchObject({ deleted: 1, failed: 1 });
    expect(result.failures).toMatchObject([{ key: 'a', target: 'target0', kind: 'denied' }]);
    expect(texts(world.targets[0] as string)).toEqual({ a: '1', c: '3' });
    const catalog = await world.catalog();
    const [, target] = await world.places();
    const left = await Promise.all(['a', 'b'].map(async (name) => (await catalog.readObject(SCOPE, name))?.replicas));
    expect(left).toMatchObject([[{ store: target, state: 'BEING_DELETED' }], []]);
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ deleted: 1 }] });
    expect(texts(world.targets[0] as string)).toEqual({ c: '3' });
    expect(await catalog.readObject(SCOPE, 'a')).toMatchObject({ replicas: [] });
  });

  test('an object that cannot be read is one failure, of the source, whatever the number of targets', async () => {
    await using world = openSyncWorld({ targets: 2 });
    write(world.source, 'small', '1');
    write(world.source, 'large', Buffer.alloc(3_000_000, 'x'));
    write(world.source, 'well', '2');
    const refuse = (store: string, key: string) => new StorageError('denied', { store, key }, 'permission denied');
    const result = await world.sync({
      wrapSource: (storage) =>
        alter(storage, (inner) => ({
          get: async (key, options) => {
            if (key === 'small') throw refuse(inner.name, key);
            const got = await inner.get(key, options);
            return key === 'large' ? { ...got, body: breakOff(got.body, refuse(inner.name, key)) } : got;
          },
        })),
    });
    expect(result).toMatchObject({ state: 'failed', source: { failed: 2 }, targets: [{ failed: 0 }, { failed: 0 }] });
    const failures = result.failures.map(({ key, target, kind }) => ({ key, target, kind }));
    expect(failures.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: 'large', target: undefined, kind: 'denied' },
      { key: 'small', target: undefined, kind: 'denied' },
    ]);
    for (const target of world.targets) expect(Object.keys(texts(target))).toEqual(['well']);
  });

  test.each(['list', 'lease', 'clean', 'stage', 'flush', 'publish'] as const)(
    'a first target that fails at %s stops no other',
    async (verb) => {
      await using world = openSyncWorld({ targets: 2 });
      write(world.source, 'small', '1');
      write(world.source, 'large', Buffer.alloc(3_000_000, 'x'));
      writeAll(world.targets[0] as string, { foreign: 'x' });
      writeAll(world.targets[1] as string, { foreign: 'x' });
      const result = await world.sync({
        ...ALL,
        wrapTarget: (storage, index) => (index === 0 ? breakVerb(storage, verb) : storage),
      });
      expect(result.state).toBe('failed');
      expect(result.targets[0]?.failed).toBeGreaterThan(0);
      expect(result.targets[1]).toMatchObject({ added: 2, deleted: 1, failed: 0 });
      expect(mirrored(world.targets[1] as string)).toEqual(mirrored(world.source));
      expect(await world.sync(ALL)).toMatchObject({ state: 'done' });
      expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
    },
  );

  function breakVerb(storage: Storage, verb: 'list' | 'lease' | 'clean' | 'stage' | 'flush' | 'publish') {
    return alter(storage, () => ({
      [verb]:
        verb === 'list'
          ? () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failing('unavailable')) }) })
          : async () => {
              throw failing('unavailable');
            },
    }));
  }

  test.each([
    ['whole', (bytes: Buffer) => bytes],
    [
      'in chunks',
      async function* (bytes: Buffer) {
        yield bytes.subarray(0, 2);
        yield bytes.subarray(2);
      },
    ],
  ])('a source that gives fewer bytes than it has (%s) is not copied: no replica is truncated', async (_, give) => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '12345', b: '2' });
    const result = await world.sync({
      wrapSource: (storage) =>
        alter(storage, (inner) => ({
          get: async (key, options) => {
            const got = await inner.get(key, options);
            return key === 'a' ? { ...got, body: give(Buffer.from('1234')) } : got;
          },
        })),
    });
    expect(result).toMatchObject({ state: 'failed', failures: [{ key: 'a' }] });
    expect(texts(world.targets[0] as string)).toEqual({ b: '2' });
    expect(await world.states('a')).toBe('unknown');
  });

  test('an object that cannot be read back fails alone', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2', c: '3' });
    const result = await world.sync({
      readBack: true,
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          get: async (key, options) => {
            if (key === 'a') throw failing('unavailable');
            return inner.get(key, options);
          },
        })),
    });
    expect(result.failures.map(({ key }) => key)).toEqual(['a']);
    expect(result.targets[0]).toMatchObject({ added: 2, failed: 1, verification: 'read-back' });
    expect(await world.states('b')).toEqual({ source: 'AVAILABLE', target0: 'AVAILABLE' });
  });

  test('an object that reads back differently fails, and does not stay', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: '1', b: '2' });
    const result = await world.sync({
      readBack: true,
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          get: async (key, options) => {
            const got = await inner.get(key, options);
            return key === 'a' ? { ...got, body: Buffer.from('0') } : got;
          },
        })),
    });
    expect(result.failures).toMatchObject([{ key: 'a', kind: 'corrupt', target: 'target0' }]);
    expect(texts(world.targets[0] as string)).toEqual({ b: '2' });
    expect(await world.states('a')).not.toHaveProperty('target0');
  });
});

describe('what a copy keeps', () => {
  test('mode, time to the nanosecond, also before 1970, and read-only files', async () => {
    await using world = openSyncWorld();
    write(world.source, 'script', '#!', { mode: 0o755 });
    write(world.source, 'read-only', 'x', { mode: 0o444 });
    write(world.source, 'large read-only', Buffer.alloc(2_500_000, 7), { mode: 0o400 });
    write(world.source, 'old', 'x', { modifiedMs: -86_400_123 });
    write(world.source, 'empty', '');
    expect((await world.sync()).state).toBe('done');
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });

  test('content type and user metadata, from one store to the next', async () => {
    await using world = openSyncWorld();
    write(world.source, 'a', '1');
    const attributes = { contentType: 'text/x-test', metadata: { Ключ: 'значение 😀' } };
    const wrapSource = (storage: Storage) =>
      alter(storage, (inner) => ({
        get: async (key, options) => {
          const got = await inner.get(key, options);
          return { ...got, head: { ...got.head, attributes: { ...got.head.attributes, ...attributes } } };
        },
      }));
    await world.sync({ wrapSource });
    const basePath = world.targets[0] as string;
    const target = await world.pando.openStore(makeProfile('target0', { type: 'file', basePath }));
    expect((await target.head('a')).attributes).toMatchObject(attributes);
    const row = await (await world.catalog()).readObject(SCOPE, 'a');
    expect(row?.current.content).toMatchObject(attributes);
  });

  test('a file changed to the same size within the same second is copied again', async () => {
    await using world = openSyncWorld();
    const path = write(world.source, 'a', 'one');
    // A second that is not over when the sync reads the file, however long it takes to come to it.
    const second = Math.trunc(Date.now() / 1000) * 1000 + 60_000;
    setTime(path, second);
    await world.sync();
    fs.writeFileSync(path, 'two');
    setTime(path, second);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 1 }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: 'two' });
  });

  test('a file changed within the second it was read in is copied again, however late the copy was recorded', async () => {
    await using world = openSyncWorld();
    const path = write(world.source, 'a', 'one');
    // So far ahead that the file is read within its second, and what follows, on a busy machine, too.
    const second = Math.trunc(Date.now() / 1000) * 1000 + 3_000;
    setTime(path, second);
    await world.sync({
      wrapTarget: (storage) =>
        alter(storage, (inner) => ({
          flush: async (staged) => {
            await inner.flush(staged);
            if (staged.length > 0) await sleep(second + 2_500 - Date.now());
          },
        })),
    });
    fs.writeFileSync(path, 'two');
    setTime(path, second);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 1 }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: 'two' });
  });

  test.each(['just now', 'long ago'])(
    'a file changed to the same size with its time of %s set back is copied again',
    async (when) => {
      await using world = openSyncWorld();
      const path = write(world.source, 'a', 'one', when === 'just now' ? { modifiedMs: Date.now() } : {});
      const { mtime } = fs.statSync(path);
      await world.sync();
      fs.renameSync(write(world.source, 'b', 'two'), path);
      fs.utimesSync(path, mtime, mtime);
      expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 1 }] });
      expect(texts(world.targets[0] as string)).toEqual({ a: 'two' });
    },
  );

  test('an older time with other bytes is copied, and a target that is newer is made equal', async () => {
    await using world = openSyncWorld();
    write(world.source, 'a', 'one');
    await world.sync();
    write(world.source, 'a', 'old', { modifiedMs: 1_000_000_000_000 });
    await world.sync();
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
    write(world.targets[0] as string, 'a', 'new', { modifiedMs: 1_800_000_000_000 });
    expect(await world.sync()).toMatchObject({ targets: [{ updated: 1 }] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
  });
});

describe('a second attempt', () => {
  const fullAtFirst = (onSecond: () => void) => {
    let attempts = 0;
    return (storage: Storage) =>
      alter(storage, (inner) => ({
        stage: async (key, body, options) => {
          if (key !== 'large') return inner.stage(key, body, options);
          if (attempts++ === 0) throw failing('full');
          onSecond();
          return inner.stage(key, body, options);
        },
      }));
  };

  test('hears of a stop like the first one', async () => {
    await using world = openSyncWorld();
    write(world.source, 'large', Buffer.alloc(30_000_000, 1));
    const stop = new AbortController();
    let stoppedMs = Number.POSITIVE_INFINITY;
    const wrapTarget = fullAtFirst(() => {
      stoppedMs = performance.now();
      stop.abort();
    });
    const result = await world.sync({ bandwidth: 3_000_000, signal: stop.signal, wrapTarget });
    expect(result).toMatchObject({ state: 'interrupted', targets: [{ added: 0 }] });
    // A third of what the file would take.
    expect(performance.now() - stoppedMs).toBeLessThan(3000);
  });

  test('that a broken source prevents leaves the failure of the first to be told', async () => {
    await using world = openSyncWorld();
    write(world.source, 'large', Buffer.alloc(2_000_000, 1));
    const result = await world.sync({
      wrapTarget: fullAtFirst(() => undefined),
      wrapSource: (storage) =>
        alterListing(storage, (page) => {
          if (page === undefined) throw failing('unavailable');
          return page;
        }),
    });
    expect(result).toMatchObject({ state: 'failed', targets: [{ added: 0, failed: 1 }] });
    expect(result.failures).toContainEqual(expect.objectContaining({ key: 'large', target: 'target0', kind: 'full' }));
  });
});

/** A body that fails after its first chunk. */
async function* breakOff(body: Body, error: Error): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body.subarray(0, 1);
  else
    for await (const chunk of body) {
      yield chunk;
      break;
    }
  throw error;
}
