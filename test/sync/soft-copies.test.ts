import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyReplicas } from '../../src/engine/verify/verify-replicas.ts';
import { EVERYTHING, makeKeyFilter } from '../../src/domain/transfer/key-filter.ts';
import { makeProfile } from '../../src/config/make-profile.ts';
import { alter, failing } from './altered.ts';
import { openSyncWorld, SCOPE, type SyncWorld } from './sync-world.ts';
import { setTime, texts, writeAll } from './trees.ts';

const TIME_MS = 1_700_000_000_000;

interface SoftWorld extends SyncWorld {
  readonly target: string;
}

/** A world in which `a` and `b` were copied without a flush. */
async function openSoft(): Promise<SoftWorld> {
  const world = openSyncWorld();
  writeAll(world.source, { a: 'one', b: 'two' });
  for (const name of ['a', 'b']) setTime(join(world.source, name), TIME_MS);
  await world.sync({ relaxed: true });
  return Object.assign(world, { target: world.targets[0] as string });
}

/** What some file systems leave of a file that was not flushed: its size and time, and zeros. */
function loseBytes(root: string, name: string): void {
  const path = join(root, name);
  fs.writeFileSync(path, Buffer.alloc(fs.statSync(path).size), { flag: 'r+' });
  setTime(path, TIME_MS);
}

async function softAt(world: SoftWorld, name: string): Promise<boolean> {
  const [, target] = await world.places();
  const row = await (await world.catalog()).readObject(SCOPE, name);
  return row?.replicas.find(({ store }) => store === target)?.soft === true;
}

async function verify(world: SoftWorld) {
  const { pando, source, target } = world;
  return verifyReplicas(await pando.syncPorts({}), {
    scope: SCOPE,
    source: await pando.openStore(makeProfile('source', { type: 'file', basePath: source })),
    sourceTitle: 'source',
    targets: [
      { title: 'target', storage: await pando.openStore(makeProfile('target', { type: 'file', basePath: target })) },
    ],
    prefix: '',
    filter: makeKeyFilter(EVERYTHING),
    listeners: {},
    signal: new AbortController().signal,
  });
}

describe('copies that were not flushed', () => {
  test('are available and soft, and counted apart', async () => {
    await using world = await openSoft();
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', target0: 'AVAILABLE' });
    expect(await softAt(world, 'a')).toBe(true);
    const { replicas } = await (await world.catalog()).status();
    const [source, target] = await world.places();
    expect(replicas.find(({ store }) => store === source)).toMatchObject({ soft: false, count: 2 });
    expect(replicas.find(({ store }) => store === target)).toMatchObject({ soft: true, count: 2 });
    expect(replicas).toHaveLength(2);
  });

  test('are none where the store is flushed', async () => {
    await using world = await openSoft();
    fs.writeFileSync(join(world.source, 'c'), 'three');
    await world.sync();
    expect(await softAt(world, 'c')).toBe(false);
  });

  test.each([false, true])('become durable with the next sync, by one flush (relaxed: %s)', async (relaxed) => {
    await using world = await openSoft();
    let flushes = 0;
    const wrapTarget = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, (inner) => ({
        flushAll: async () => {
          flushes++;
          await inner.flushAll();
        },
      }));
    await world.sync({ relaxed, wrapTarget });
    expect(await softAt(world, 'a')).toBe(false);
    await world.sync({ relaxed, wrapTarget });
    expect(flushes).toBe(1);
    await world.restart();
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', target0: 'AVAILABLE' });
  });

  test('become durable when they are verified', async () => {
    await using world = await openSoft();
    expect(await verify(world)).toMatchObject({ state: 'intact' });
    expect(await softAt(world, 'a')).toBe(false);
  });

  test('stay soft where the system has no such flush', async () => {
    await using world = await openSoft();
    const wrapTarget = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, () => ({ flushAll: () => Promise.reject(failing('unsupported')) }));
    await world.sync({ wrapTarget });
    expect(await softAt(world, 'a')).toBe(true);
  });

  test('are read again when the flush fails, and that is told', async () => {
    await using world = await openSoft();
    loseBytes(world.target, 'a');
    const wrapTarget = (storage: Parameters<typeof alter>[0]) =>
      alter(storage, () => ({ flushAll: () => Promise.reject(failing('unavailable', 'input/output error')) }));
    expect(await world.sync({ wrapTarget })).toMatchObject({ state: 'done', targets: [{ updated: 1, unchanged: 1 }] });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
    const events = await (await world.catalog()).listEvents({ limit: 10 });
    expect(events).toMatchObject([{ kind: 'flush-failed', scope: SCOPE }]);
  });
});

describe('after another start of the machine', () => {
  test('a sync reads soft copies again, replaces what was lost, and keeps the others', async () => {
    await using world = await openSoft();
    loseBytes(world.target, 'a');
    await world.restart();
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', target0: 'SUSPICIOUS' });
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ updated: 1, unchanged: 1 }] });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
    for (const name of ['a', 'b']) {
      expect(await world.states(name)).toEqual({ source: 'AVAILABLE', target0: 'AVAILABLE' });
      expect(await softAt(world, name)).toBe(false);
    }
  });

  test('not even a sync by size and time takes them for what they look like', async () => {
    await using world = await openSoft();
    loseBytes(world.target, 'a');
    await world.restart();
    await world.sync({ comparison: 'size-mtime' });
    expect(texts(world.target)).toEqual({ a: 'one', b: 'two' });
  });

  test('verify tells which were lost', async () => {
    await using world = await openSoft();
    loseBytes(world.target, 'a');
    await world.restart();
    expect(await verify(world)).toMatchObject({
      state: 'differs',
      targets: [{ intact: 1, corrupt: 1 }],
      findings: [{ name: 'a', kind: 'corrupt' }],
    });
    expect(await world.states('a')).toEqual({ source: 'AVAILABLE', target0: 'BAD' });
    expect(await world.states('b')).toEqual({ source: 'AVAILABLE', target0: 'AVAILABLE' });
  });

  test.each([
    ['small', 'one'],
    ['streamed', 'x'.repeat(9_000_000)],
  ])('what a source lost does not take the place of good copies (%s)', async (_, text) => {
    await using world = openSyncWorld();
    writeAll(world.source, { a: text });
    setTime(join(world.source, 'a'), TIME_MS);
    await world.sync();
    const [source] = await world.places();
    const catalog = await world.catalog();
    const row = await catalog.readObject(SCOPE, 'a');
    const atSource = row?.replicas.find(({ store }) => store === source);
    const { versionId, store, ...to } = atSource as NonNullable<typeof atSource>;
    // As `pando put` to a relaxed source would have left it.
    await catalog.record({ soft: [store], replicas: [{ scope: SCOPE, name: 'a', versionId, store, to }] });
    loseBytes(world.source, 'a');
    await world.restart();
    expect(await world.states('a')).toEqual({ source: 'SUSPICIOUS', target0: 'AVAILABLE' });

    expect(await world.sync()).toMatchObject({ state: 'failed', source: { failed: 1 }, targets: [{ updated: 0 }] });
    expect(texts(world.targets[0] as string)).toEqual({ a: text });
    expect(await verify(Object.assign(world, { target: world.targets[0] as string }))).toMatchObject({
      source: { corrupt: 1 },
      targets: [{ intact: 1 }],
    });
    // Found bad, it is not copied either.
    expect(await world.sync()).toMatchObject({ state: 'failed' });
    expect(texts(world.targets[0] as string)).toEqual({ a: text });
  });
});
