import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ClientSession } from '../../src/client/client-session.ts';
import { PartFiles } from '../../src/client/part-files.ts';
import { StorageClient } from '../../src/client/storage-client.ts';
import { StorageClientConfig } from '../../src/client/storage-client-config.ts';
import { systemProcesses } from '../../src/system/system-processes.ts';
import { collect, failure, openElsewhere, openWorld, peek, put, type World } from '../engine/world.ts';

function clientOf(world: World, pid = 1, more: Partial<ClientSession> = {}): StorageClient {
  const { catalog, clock, scope } = world;
  const session: ClientSession = {
    scope,
    catalog,
    clock,
    objects: world.another(pid),
    parts: new PartFiles(systemProcesses),
    hasPlace: () => true,
    owner: `process ${pid}`,
    syncReplicas: () => Promise.reject(new Error('no sync in this test')),
    [Symbol.asyncDispose]: async () => {},
    ...more,
  };
  return new StorageClient(new StorageClientConfig(scope.name, async () => session));
}

async function openDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'pando-client-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe('a client', () => {
  test('reads, writes, copies, lists and deletes', async () => {
    await using world = await openWorld();
    await using client = clientOf(world);
    await client.write('files/my-file.txt', 'hello world', { contentType: 'text/plain' });
    expect((await client.read('files/my-file.txt')).toString()).toBe('hello world');
    expect((await client.read('files/my-file.txt', { range: { start: 6 } })).toString()).toBe('world');
    await client.copy('files/my-file.txt', 'files/my-file-copy.txt');
    expect(await client.info('files/my-file-copy.txt')).toMatchObject({
      content: { size: 11, contentType: 'text/plain' },
    });
    expect((await collect(await client.list('files/'))).map(({ name }) => name)).toEqual([
      'files/my-file-copy.txt',
      'files/my-file.txt',
    ]);
    expect((await collect(await client.glob('**/*-copy.txt'))).map(({ name }) => name)).toEqual([
      'files/my-file-copy.txt',
    ]);
    await client.delete('files/my-file.txt');
    expect(await client.exists('files/my-file.txt')).toBe(false);
    expect(await failure(client.read('files/my-file.txt'))).toBe('not-found');
  });

  test('fills the replicas in the background, and flush waits for it', async () => {
    await using world = await openWorld({ replicas: 2 });
    await put(world.source, 'a', 'hello');
    await using client = clientOf(world);
    await client.read('a');
    expect(await world.run(client.flush())).toEqual({ pending: [], missing: [], failed: [] });
    for (const replica of world.replicas) expect(await peek(replica, 'a')).toBe('hello');
  });

  test('tells in flush what could not be done, and why', async () => {
    await using world = await openWorld();
    await using client = clientOf(world);
    world.replicas[0]!.fault = { kind: 'denies' };
    await client.write('a', 'hello');
    const { failed } = await world.run(client.flush());
    expect(failed).toMatchObject([{ name: 'a', lastError: expect.stringMatching('access denied') }]);
  });

  test('carries out what a client before it left behind', async () => {
    await using world = await openWorld();
    const first = world.another(2);
    await first.write({ scope: world.scope, name: 'a', body: Buffer.from('hello') });
    await using client = clientOf(world);
    await client.exists('a');
    await world.run(client.flush());
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('loses nothing when it is closed in the middle', async () => {
    await using world = await openWorld();
    await put(world.source, 'a', 'hello');
    const client = clientOf(world);
    await client.read('a');
    await client.close();
    await world.clock.advance(120_000);
    await using next = clientOf(world, 2);
    await world.run(next.flush());
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
    await expect(client.read('a')).rejects.toThrow('closed');
  });

  test('streams chunks that stay the reader’s', async () => {
    await using world = await openWorld({ chunkBytes: 64 * 1024 });
    await using client = clientOf(world);
    const text = 'x'.repeat(9 * 1024 * 1024);
    await client.write('big', text);
    const chunks: Buffer[] = [];
    for await (const chunk of client.readStream('big')) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe(text);
  });

  test('ends a stream of wrong bytes with an error, without its end', async () => {
    await using world = await openWorld({ replicas: 0, chunkBytes: 64 * 1024 });
    await using client = clientOf(world);
    await client.write('big', 'x'.repeat(9 * 1024 * 1024));
    world.source.fault = { kind: 'corrupts', at: 5 };
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of client.readStream('big')) bytes += (chunk as Buffer).length;
    })();
    expect(await failure(reading)).toBe('corrupt');
    expect(bytes).toBeLessThan(9 * 1024 * 1024);
  });

  test('opens an object for random access', async () => {
    await using world = await openWorld();
    await using client = clientOf(world);
    await client.write('a', '0123456789', { metadata: { k: 'v' } });
    await using file = await client.open('a');
    expect(file.stat).toMatchObject({ size: 10, metadata: { k: 'v' } });
    expect((await file.read(3, 4)).toString()).toBe('3456');
    expect((await file.read(8, 100)).toString()).toBe('89');
    expect((await file.read(100, 5)).length).toBe(0);
    expect(Buffer.concat((await collect(file.createReadStream({ start: 7 }))) as Buffer[]).toString()).toBe('789');
  });

  test('refuses a range that is none as the caller’s mistake', async () => {
    await using world = await openWorld();
    await using client = clientOf(world);
    await client.write('a', '0123456789');
    await using file = await client.open('a');
    for (const [position, length] of [
      [-2, 5],
      [0.5, 1],
      [0, -1],
      [Number.NaN, 1],
    ] as const)
      await expect(file.read(position, length)).rejects.toThrow(RangeError);
    for (const range of [{ start: -1 }, { start: 5, end: 4 }])
      await expect(collect(file.createReadStream(range))).rejects.toThrow(RangeError);
  });

  test('hands bulk work to the sync', async () => {
    await using world = await openWorld();
    const asked: unknown[] = [];
    const syncReplicas: ClientSession['syncReplicas'] = async (options) => {
      asked.push(options);
      throw new Error('far enough');
    };
    await using client = clientOf(world, 1, { syncReplicas });
    await expect(client.syncReplicas({ sourcePath: '', numWorkerProcesses: 8 })).rejects.toThrow('far enough');
    expect(asked).toEqual([{ sourcePath: '', numWorkerProcesses: 8 }]);
  });

  test('of another machine reads what this one wrote', async () => {
    await using world = await openWorld();
    await using client = clientOf(world);
    await client.write('a', 'hello');
    await using elsewhere = await openElsewhere(world);
    await using other = clientOf(elsewhere);
    expect((await other.read('a')).toString()).toBe('hello');
  });
});

describe('local files', () => {
  test('are downloaded whole or not at all, with their time', async () => {
    await using world = await openWorld({ replicas: 0 });
    await using directory = await openDirectory();
    await using client = clientOf(world);
    await writeFile(join(directory.path, 'in'), 'hello');
    await utimes(join(directory.path, 'in'), 1_600_000_000, 1_600_000_000);
    await client.uploadFile('a', join(directory.path, 'in'));
    await client.downloadFile('a', join(directory.path, 'out'));
    expect(await readFile(join(directory.path, 'out'), 'utf8')).toBe('hello');
    expect((await stat(join(directory.path, 'out'))).mtimeMs).toBe(1_600_000_000_000);
    world.source.fault = { kind: 'corrupts', at: 1 };
    expect(await failure(client.downloadFile('a', join(directory.path, 'bad')))).toBe('corrupt');
    expect((await readdir(directory.path)).toSorted()).toEqual(['in', 'out']);
  });

  test('are left alone by a download that must not replace any', async () => {
    await using world = await openWorld({ replicas: 0 });
    await using directory = await openDirectory();
    await using client = clientOf(world);
    await put(world.source, 'a', 'hello');
    const out = join(directory.path, 'out');
    await client.downloadFile('a', out, { ifAbsent: true });
    await writeFile(out, 'mine');
    await expect(client.downloadFile('a', out, { ifAbsent: true })).rejects.toMatchObject({
      code: 'EEXIST',
      path: out,
    });
    expect(await readFile(out, 'utf8')).toBe('mine');
    expect(await readdir(directory.path)).toEqual(['out']);
    await client.downloadFile('a', out);
    expect(await readFile(out, 'utf8')).toBe('hello');
  });

  test('are uploaded with what is said of them, which replicas have too', async () => {
    await using world = await openWorld();
    await using directory = await openDirectory();
    await using client = clientOf(world);
    await writeFile(join(directory.path, 'in'), 'hello');
    const said = { contentType: 'text/x', metadata: { k: 'v' } };
    await client.uploadFile('a', join(directory.path, 'in'), said);
    expect(await client.info('a')).toMatchObject({ content: said });
    await world.run(client.flush());
    expect((await world.replicas[0]!.head('a')).attributes).toMatchObject(said);
  });

  test('edited after a download never become what replicas hold', async () => {
    await using world = await openWorld();
    await using directory = await openDirectory();
    await using client = clientOf(world);
    await put(world.source, 'a', 'hello');
    await client.downloadFile('a', join(directory.path, 'a'));
    await writeFile(join(directory.path, 'a'), 'edited');
    await world.run(client.flush());
    expect(await peek(world.replicas[0]!, 'a')).toBe('hello');
  });

  test('that change while they are uploaded are refused', async () => {
    await using world = await openWorld();
    await using directory = await openDirectory();
    await using client = clientOf(world);
    const path = join(directory.path, 'in');
    await writeFile(path, 'x'.repeat(300_000));
    const stage = world.source.stage.bind(world.source);
    world.source.stage = async (...args) => {
      await utimes(path, 1, 1);
      return stage(...args);
    };
    await expect(client.uploadFile('a', path)).rejects.toThrow('changed while it was being read');
    expect(await peek(world.source, 'a')).toBeUndefined();
  });
});
