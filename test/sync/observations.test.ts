import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alter, alterListing, failing } from './altered.ts';
import { openSyncWorld, SCOPE, type SyncWorld } from './sync-world.ts';
import { mirrored, readTree, setTime, texts, write, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;
const BOTH = { source: 'AVAILABLE', target0: 'AVAILABLE' };

async function versionOf(world: SyncWorld, name: string): Promise<number | undefined> {
  return (await (await world.catalog()).readObject(SCOPE, name))?.current.id;
}

/** A world in which `a` and `b` were copied and recorded. */
async function openSynced(): Promise<SyncWorld & { readonly target: string }> {
  const world = openSyncWorld();
  writeAll(world.source, { a: 'one', b: 'two' });
  await world.sync();
  expect(await world.states('a')).toEqual(BOTH);
  return Object.assign(world, { target: world.targets[0] as string });
}

describe('seen at the source', () => {
  test('another token and the same bytes: the token is refreshed, nothing is copied, no version is made', async () => {
    await using world = await openSynced();
    const before = { version: await versionOf(world, 'a'), leaf: readTree(world.target).get('a') };
    setTime(join(world.source, 'a'), 1_750_000_000_000);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ unchanged: 2, added: 0, updated: 0 }] });
    expect({ version: await versionOf(world, 'a'), leaf: readTree(world.target).get('a') }).toEqual(before);
    expect(await world.states('a')).toEqual(BOTH);
    // Refreshed: the next run does not even read it.
    const reads: string[] = [];
    const wrapSource = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        get: async (key, options) => {
          reads.push(key);
          return inner.get(key, options);
        },
      }));
    await world.sync({ wrapSource });
    expect(reads).toEqual([]);
  });

  test('another token and other bytes: a new version that follows the known one, on both sides', async () => {
    await using world = await openSynced();
    const before = await versionOf(world, 'a');
    write(world.source, 'a', 'eno');
    setTime(join(world.source, 'a'), 1_750_000_000_000);
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 1, unchanged: 1 }] });
    expect(await versionOf(world, 'a')).toBeGreaterThan(before as number);
    expect(await world.states('a')).toEqual(BOTH);
    expect(texts(world.target)).toEqual({ a: 'eno', b: 'two' });
    const row = await (await world.catalog()).readObject(SCOPE, 'a');
    expect(row?.replicas).toHaveLength(2);
  });

  test('other bytes: the version before is forgotten once no store holds it any more', async () => {
    await using world = openSyncWorld({ targets: 2 });
    const versions = async () => (await (await world.catalog()).status()).versions;
    write(world.source, 'a', 'one');
    await world.sync();
    write(world.source, 'a', 'three');
    await world.sync({ only: [0] });
    expect(await versions()).toBe(2);
    await world.sync();
    expect(await versions()).toBe(1);
  });

  test('nothing, in a run that was not told to delete: the replica is gone and the object stays', async () => {
    await using world = await openSynced();
    fs.rmSync(join(world.source, 'a'));
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ unmatched: 1, deleted: 0 }] });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
    expect(await world.states('a')).toEqual({ target0: 'AVAILABLE' });
    // It is back: the bytes are the same, so it is the same version.
    const before = await versionOf(world, 'a');
    write(world.source, 'a', 'one');
    await world.sync();
    expect(await versionOf(world, 'a')).toBe(before);
    expect(await world.states('a')).toEqual(BOTH);
  });

  test('nothing, in a run that was told to delete: a tombstone, and no replica is left', async () => {
    await using world = await openSynced();
    fs.rmSync(join(world.source, 'a'));
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ deleted: 1 }] });
    expect(texts(world.target)).toEqual({ b: 'two' });
    const catalog = await world.catalog();
    const row = await catalog.readObject(SCOPE, 'a');
    expect(row?.current.content.kind).toBe('tombstone');
    expect(row?.replicas).toEqual([]);
    expect(await catalog.listRequests({ state: 'QUEUED', limit: 10 })).toEqual([]);
    // Written again it is a new object.
    write(world.source, 'a', 'anew');
    expect(await world.sync(ALL)).toMatchObject({ state: 'done', targets: [{ added: 1 }] });
    expect(await world.states('a')).toEqual(BOTH);
  });

  test('an object whose bytes still wait to be deleted does not come back by being listed', async () => {
    await using world = await openSynced();
    const catalog = await world.catalog();
    const current = await catalog.readObject(SCOPE, 'a');
    await catalog.record({
      changes: [
        {
          scope: SCOPE,
          name: 'a',
          follows: current?.current.id,
          content: { kind: 'tombstone' },
          operation: '01890000-0000-7000-8000-000000000001',
          replicas: [],
        },
      ],
    });
    fs.rmSync(join(world.target, 'a'));
    await world.sync();
    expect(texts(world.target)).toEqual({ b: 'two' });
    expect(await world.states('a')).toBe('deleted');
    // Other bytes under the name are another object.
    write(world.source, 'a', 'another', { modifiedMs: 1_750_000_000_000 });
    await world.sync();
    expect(texts(world.target)).toEqual({ a: 'another', b: 'two' });
    expect(await world.states('a')).toEqual(BOTH);
  });
});

describe('seen at a replica', () => {
  test.each<[string, (path: string) => void]>([
    ['the same size and time', (path) => replace(path, 'eno', 1_700_000_000_000)],
    ['the same size and a later time', (path) => replace(path, 'eno', 1_750_000_000_000)],
    ['another size', (path) => fs.writeFileSync(path, 'something longer')],
    ['a half of it', (path) => fs.truncateSync(path, 1)],
    ['nothing at all in it', (path) => fs.truncateSync(path, 0)],
  ])('other bytes (%s) are found and put right', async (_, damage) => {
    await using world = await openSynced();
    const before = await versionOf(world, 'a');
    damage(join(world.target, 'a'));
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 1, unchanged: 1 }] });
    expect(mirrored(world.target)).toEqual(mirrored(world.source));
    expect(await versionOf(world, 'a')).toBe(before);
    expect(await world.states('a')).toEqual(BOTH);
  });

  test('another token and the same bytes: the token is refreshed, nothing is copied', async () => {
    await using world = await openSynced();
    const path = join(world.target, 'a');
    replace(path, 'one', 1_750_000_000_000);
    const leaf = readTree(world.target).get('a');
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ unchanged: 2, updated: 0 }] });
    expect(readTree(world.target).get('a')).toEqual(leaf);
    expect(await world.states('a')).toEqual(BOTH);
  });

  test('nothing: it is copied again', async () => {
    await using world = await openSynced();
    fs.rmSync(join(world.target, 'a'));
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 1, unchanged: 1 }] });
    expect(mirrored(world.target)).toEqual(mirrored(world.source));
    expect(await world.states('a')).toEqual(BOTH);
  });

  test('only in a listing, right in size and time: it is unverified, and a checksum run reads it', async () => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: 'one' });
    writeAll(world.targets[0] as string, { a: 'eno' });
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ unchanged: 1, verification: undefined }] });
    expect(await world.states('a')).toEqual({ source: 'UNVERIFIED', target0: 'UNVERIFIED' });
    expect(await world.sync({ comparison: 'checksum' })).toMatchObject({ targets: [{ updated: 1 }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: 'one' });
    expect(await world.states('a')).toEqual(BOTH);
  });

  test('bytes that changed in place under the same token are found by a checksum run', async () => {
    await using world = await openSynced();
    const path = join(world.target, 'a');
    const { atime, mtime } = fs.statSync(path);
    const fd = fs.openSync(path, 'r+');
    fs.writeSync(fd, 'ONE');
    fs.closeSync(fd);
    fs.utimesSync(path, atime, mtime);
    expect(await world.sync()).toMatchObject({ targets: [{ unchanged: 2 }] });
    expect(await world.sync({ comparison: 'checksum' })).toMatchObject({ targets: [{ updated: 1 }] });
    expect(mirrored(world.target)).toEqual(mirrored(world.source));
  });
});

describe('directly before a delete the source is asked again', () => {
  test('and what is back by then is not deleted', async () => {
    await using world = await openSynced();
    const path = join(world.source, 'a');
    fs.renameSync(path, `${path}.away`);
    const wrapSource = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        head: async (key, options) => {
          if (key === 'a') fs.renameSync(`${path}.away`, path);
          return inner.head(key, options);
        },
      }));
    const rules = [{ kind: 'exclude' as const, matches: (key: string) => key.endsWith('.away') }];
    expect(await world.sync({ ...ALL, wrapSource, filter: { rules } })).toMatchObject({ targets: [{ deleted: 0 }] });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
    expect(await world.states('a')).toEqual(BOTH);
  });

  test.each(['unavailable', 'denied', 'timeout', 'throttled'] as const)(
    'and a source that answers %s keeps the copy, and is reported',
    async (kind) => {
      await using world = await openSynced();
      fs.rmSync(join(world.source, 'a'));
      const wrapSource = (storage: Parameters<typeof alter>[0]) =>
        alter(storage, () => ({
          head: async () => {
            throw failing(kind);
          },
        }));
      const result = await world.sync({ ...ALL, wrapSource });
      expect(result).toMatchObject({ state: 'failed', targets: [{ deleted: 0, failed: 1 }] });
      expect(result.failures).toMatchObject([
        { key: 'a', kind, message: expect.stringContaining('not deleted') as string },
      ]);
      expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
    },
  );

  test('and a version that came meanwhile keeps the copy', async () => {
    await using world = await openSynced();
    fs.rmSync(join(world.source, 'a'));
    const catalog = await world.catalog();
    const current = await catalog.readObject(SCOPE, 'a');
    const wrapSource = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        head: async (key, options) => {
          if (key === 'a') {
            const content = { kind: 'object' as const, size: 3, sha256: undefined };
            const operation = '01890000-0000-7000-8000-000000000002';
            const follows = current?.current.id;
            await catalog.record({ changes: [{ scope: SCOPE, name: 'a', follows, content, operation, replicas: [] }] });
          }
          return inner.head(key, options);
        },
      }));
    expect(await world.sync({ ...ALL, wrapSource })).toMatchObject({ targets: [{ deleted: 0 }] });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
  });

  test('and a copy that was changed since it was listed is left', async () => {
    await using world = await openSynced();
    fs.rmSync(join(world.source, 'a'));
    const wrapTarget = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        delete: async (key, options) => {
          write(world.target, 'a', 'just written');
          await inner.delete(key, options);
        },
      }));
    expect(await world.sync({ ...ALL, wrapTarget })).toMatchObject({ state: 'failed', targets: [{ deleted: 0 }] });
    expect(texts(world.target)).toEqual({ a: 'just written', b: 'two' });
  });
});

describe('in the middle of a run', () => {
  test('a source file that is rewritten while it is read is never published mixed', async () => {
    await using world = openSyncWorld({ targets: 2 });
    const size = 6_000_000;
    const path = write(world.source, 'a', Buffer.alloc(size, 'A'));
    let times = 0;
    const wrapSource = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        get: async (key, options) => {
          const got = await inner.get(key, options);
          const body = got.body as AsyncIterable<Uint8Array>;
          return {
            head: got.head,
            body: (async function* () {
              let at = 0;
              for await (const chunk of body) {
                yield chunk;
                if (at++ === 2 && times++ < 2) fs.writeFileSync(path, Buffer.alloc(size, 'B'));
              }
            })(),
          };
        },
      }));
    const published: number[] = [];
    const wrapTarget = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        publish: async (requests) => {
          published.push(requests.length);
          return inner.publish(requests);
        },
      }));
    expect(await world.sync({ wrapSource, wrapTarget })).toMatchObject({ state: 'done' });
    expect(published).toEqual([1, 1]);
    for (const target of world.targets)
      expect(fs.readFileSync(join(target, 'a')).equals(Buffer.alloc(size, 'B'))).toBe(true);
  });

  test('a source file that never stands still fails, and the old copy stays', async () => {
    await using world = openSyncWorld();
    const path = write(world.source, 'a', 'old');
    await world.sync();
    fs.writeFileSync(path, Buffer.alloc(3_000_000));
    const wrapSource = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        get: async (key, options) => {
          const got = await inner.get(key, options);
          fs.appendFileSync(path, 'more');
          return got;
        },
      }));
    const result = await world.sync({ wrapSource });
    expect(result).toMatchObject({ state: 'failed', failures: [{ key: 'a', kind: 'changed' }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: 'old' });
  });

  test('a source file that vanishes is a failure, its old copy stays and the others arrive', async () => {
    await using world = await openSynced();
    write(world.source, 'a', 'changed');
    write(world.source, 'c', 'three');
    const wrapSource = (storage: Parameters<typeof alter>[0]) =>
      alterListing(storage, (page) => {
        if (page !== undefined) fs.rmSync(join(world.source, 'a'), { force: true });
        return page;
      });
    const result = await world.sync({ ...ALL, wrapSource });
    expect(result).toMatchObject({ state: 'failed', failures: [{ key: 'a', kind: 'not-found' }] });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two', c: 'three' });
  });

  test.each([
    ['a file', 'a directory', { x: '1' }, { 'x/1': '1', 'x/2': '2' }],
    ['a directory', 'a file', { 'x/1': '1', 'x/y/2': '2' }, { x: '1' }],
  ])('%s that became %s is mirrored when deletes are allowed, and reported when not', async (_, __, before, after) => {
    await using world = openSyncWorld();
    writeAll(world.source, { ...before, other: 'o' });
    await world.sync();
    fs.rmSync(join(world.source, 'x'), { recursive: true });
    writeAll(world.source, after);
    const refused = await world.sync();
    expect(refused.state).toBe('failed');
    expect(refused.failures.map(({ key }) => key)).toEqual(Object.keys(after));
    expect(texts(world.targets[0] as string)).toEqual({ ...before, other: 'o' });

    expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
    for (const name of Object.keys(after)) expect(await world.states(name)).toEqual(BOTH);
    for (const name of Object.keys(before)) expect(await world.states(name)).toBe('deleted');
  });
});

function replace(path: string, text: string, modifiedMs: number): void {
  fs.writeFileSync(`${path}.new`, text);
  setTime(`${path}.new`, modifiedMs);
  fs.renameSync(`${path}.new`, path);
}
