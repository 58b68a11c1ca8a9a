import { createHash } from 'node:crypto';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { resolve } from '../../src/client/explain.ts';
import { declareBad, listReplicas } from '../../src/client/replicas.ts';
import { cancelRequests, retryRequests } from '../../src/client/request-desk.ts';
import { setStore } from '../../src/client/store-use.ts';
import { RuleWorld } from './rule-world.ts';

const STORES = { data: 'site: home', ch: 'site: CERN', us: 'site: BNL' };

async function open(top?: string): Promise<RuleWorld> {
  const world = new RuleWorld(STORES, top);
  await world.put('data', 'x', 'bytes');
  return world;
}

async function declare(world: RuleWorld, store: string): Promise<boolean> {
  const { pando, actor } = world;
  for await (const one of declareBad(pando, { store, objects: ['data:x'], scope: undefined, actor })) return one.isLost;
  throw new Error('nothing was declared');
}

/** Of the file of this name, somewhere below. */
function pathOf(root: string, name: string): string {
  const found = readdirSync(root, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && entry.name === name && !entry.parentPath.includes('.pando'),
  );
  return join(found?.parentPath ?? '', name);
}

const statesOf = async (world: RuleWorld) =>
  (await listReplicas(world.pando, 'data:x', undefined)).map(({ store, state }) => `${store} ${state}`);

test('a pattern declares bad what lies at the store of what it matches', async () => {
  await using world = await open();
  const { pando, actor } = world;
  for (const name of ['raw/1', 'raw/2']) await world.put('data', name, 'bytes');
  await world.rule('data:raw/1', { copies: 1, stores: 'ch' });
  await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.work();
  const bad = async (objects: readonly string[]): Promise<readonly string[]> => {
    const said: string[] = [];
    for await (const one of declareBad(pando, { store: 'ch', objects, scope: undefined, actor })) said.push(one.object);
    return said;
  };
  expect(await bad(['data:raw/**'])).toEqual(['data:raw/1']);
  expect(await statesOf(world)).toContain('ch AVAILABLE');
  await expect(bad(['data:no/**'])).rejects.toThrow('ch has no copy of anything that "data:no/**" matches');
});

test('a copy goes where its object has a path', async () => {
  const names = ['x', 'raw.run1.f1', 'y', 'raw.run2.f2', 'z'];
  await using world = new RuleWorld({ data: 'site: home', ch: 'paths: {algorithm: naming}', us: '' });
  for (const name of names) await world.put('data', name, 'bytes');
  await world.rule('data:*', { copies: 1, stores: 'ch|us', grouping: 'none' });
  await world.work();
  const rule = await world.rule('data:*', { copies: 2, stores: 'ch|us', grouping: 'none' });
  await world.work();
  expect(await (await world.pando.catalog()).readRule(rule)).toMatchObject({
    missingCopies: 3,
    missingWhy: expect.stringContaining('without a path for it: ch'),
  });
  expect(world.filesAt('us').length).toBe(5);
});

test('who found no room is looked at again when some is freed', async () => {
  await using world = new RuleWorld({ data: 'site: home', ch: 'limits: {max_space: 1MiB}' });
  for (const name of ['x', 'y']) await world.put('data', name, name.repeat(700_000));
  const first = await world.rule('data:x', { copies: 1, stores: 'ch', purge: true });
  await world.work();
  const second = await world.rule('data:y', { copies: 1, stores: 'ch' });
  await world.work();
  const catalog = await world.pando.catalog();
  const leftMs = async () => ((await catalog.readRule(second))?.nextLookMs ?? 0) - Date.now();
  expect(await leftMs()).toBeGreaterThan(120_000);
  await (await world.rules()).remove(first);
  await world.work();
  expect(world.filesAt('ch')).toEqual([]);
  expect(await leftMs()).toBeLessThan(61_000);
});

test('a protocol that shows other bytes is not held against a source whose other protocol gives them', async () => {
  const own = '{read: 2, write: 0, delete: 0}';
  const protocols = `domains: {wan: ${own}, lan: ${own}}
protocols:
  - {name: second, storage_provider: {type: file, options: {base_path: ./shown}}, domains: {wan: {read: 1}, lan: {read: 1}}}`;
  await using world = new RuleWorld({ data: 'site: home', ch: protocols, us: '' });
  await world.put('data', 'x', 'bytes');
  await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.work();
  cpSync(join(world.root, 'ch'), join(world.root, 'shown'), { recursive: true });
  const [path = ''] = world.filesAt('shown').map((name) => pathOf(join(world.root, 'shown'), name));
  writeFileSync(path, 'other');
  await world.rule('data:x', { copies: 1, stores: 'us', source: 'ch' });
  await world.work();
  expect(await statesOf(world)).toEqual(['data AVAILABLE', 'ch AVAILABLE', 'us AVAILABLE']);
});

test('a copy that is declared bad is brought anew from another one', async () => {
  await using world = await open();
  await world.rule('data:x', { copies: 1, stores: 'ch' });
  await world.work();
  // Behind Pando's back.
  const root = join(world.root, 'ch');
  for (const name of readdirSync(root)) if (name !== '.pando') rmSync(join(root, name), { recursive: true });
  expect(world.filesAt('ch')).toEqual([]);
  expect(await declare(world, 'ch')).toBe(false);
  expect(await statesOf(world)).toEqual(['data AVAILABLE', 'ch BAD']);
  await world.work();
  expect(await statesOf(world)).toEqual(['data AVAILABLE', 'ch AVAILABLE']);
  expect(world.filesAt('ch')).toEqual(['x']);
});

test('without a good copy the object is lost: told by an event, by explain and by status, until a copy reappears', async () => {
  await using world = await open();
  const catalog = await world.pando.catalog();
  const rule = await world.rule('data:x', { copies: 2, stores: 'ch|us' });
  await setStore(world.pando, 'us', { write: false });
  await world.work();
  expect(await declare(world, 'ch')).toBe(false);
  expect(await declare(world, 'data')).toBe(true);
  expect(await world.explain('data:x')).toMatchObject({ isLost: true });
  expect((await catalog.status()).lost).toEqual({ count: 1, some: [{ scope: 'data', name: 'x' }] });
  expect(await catalog.listEvents({ limit: 10 })).toMatchObject([
    { kind: 'replica-declared-bad' },
    { kind: 'replica-declared-bad' },
    { kind: 'object-lost', scope: 'data', name: 'x' },
  ]);
  await world.work();
  const lost = await world.explain('data:x');
  expect(lost).toMatchObject({
    isLost: true,
    copies: [{ store: 'ch', lock: 'STUCK', why: 'no store can give it (data: its bytes were found wrong or gone)' }],
  });

  // Somebody reads the source in full, and finds it right.
  const row = await catalog.readObject('data', 'x');
  const source = row?.replicas.find(({ store }) => store.endsWith('/data/'));
  if (row === undefined || source === undefined) throw new Error('the source is gone');
  const to = { ...source, state: 'AVAILABLE', verification: 'read-back' } as const;
  await catalog.record({
    replicas: [{ scope: 'data', name: 'x', versionId: source.versionId, store: source.store, to }],
  });
  expect((await catalog.status()).lost.count).toBe(0);
  await setStore(world.pando, 'us', { write: true });
  await world.work();
  expect((await catalog.readRule(rule))?.state).toBe('OK');
  expect(await world.explain('data:x')).toMatchObject({ isLost: false, copies: [] });
});

test('resolve tells good copies only, near ones first, with the URL of each way', async () => {
  await using world = await open('site: BNL\n');
  await world.rule('data:x', { copies: 2, stores: 'ch|us' });
  await world.work();
  const resolved = await resolve(world.pando, 'data:x', undefined);
  expect(resolved.replicas).toMatchObject([
    {
      store: 'us',
      isNear: true,
      distance: 0,
      urls: [{ protocol: 'file', url: expect.stringMatching(/^file:\/\/.*\/us\/.*x$/) }],
    },
    { store: 'ch', isNear: false, distance: 1 },
    { store: 'data', isNear: false, distance: 1 },
  ]);
  await declare(world, 'us');
  expect(await resolve(world.pando, 'data:x', undefined)).toMatchObject({
    replicas: [{ store: 'ch' }, { store: 'data' }],
    passedOver: [{ store: 'us', why: 'it is BAD' }],
  });
});

test('a request of a rule is tried when somebody asks, and not cancelled while the rule wants it', async () => {
  await using world = await open();
  const catalog = await world.pando.catalog();
  const rule = await world.rule('data:x', { copies: 1, stores: 'ch' });
  await setStore(world.pando, 'data', { read: false });
  await world.work();
  const [request] = await catalog.listRequests({ limit: 10 });
  expect(request).toMatchObject({ state: 'NO_SOURCES' });
  const id = request?.id ?? 0;
  expect(await cancelRequests(world.pando, [id, 99])).toEqual({
    asked: [
      { id, why: 'a rule wants the copy: pando rule suspend or pando rule rm' },
      { id: 99, why: 'there is none that is not over' },
    ],
    others: 0,
  });
  // It is tried again, and its attempts are told as of an earlier turn.
  expect(await retryRequests(world.pando, { ids: [id] })).toEqual({ asked: [{ id, why: undefined }], others: 0 });
  await world.work();
  expect(await catalog.readAttempts([id])).toMatchObject([{ isEarlier: true }, { isEarlier: false }]);
  expect(await retryRequests(world.pando, { ids: [], rule })).toMatchObject({ others: 1 });
  await catalog.setStore((await catalog.readStoreUse()).find(({ title }) => title === 'data')?.store ?? '', {
    availability: { read: true },
  });
  await world.work();
  expect((await catalog.readRule(rule))?.state).toBe('OK');
});

/** The object is another file now, put there by others and seen by its name, size and time. */
async function forgetHash(world: RuleWorld): Promise<void> {
  const profile = world.pando.profile('data');
  if (profile === undefined) throw new Error('there is no profile data');
  const objects = await world.pando.objects();
  const scope = await world.pando.openScope(profile);
  await objects.delete({ scope, name: 'x' });
  writeFileSync(join(world.root, 'data/x'), 'bytes, only seen');
  const catalog = await world.pando.catalog();
  const current = (await catalog.readObject('data', 'x'))?.current;
  const head = await scope.source.head('x');
  const { changes } = await catalog.record({
    changes: [
      {
        scope: 'data',
        name: 'x',
        follows: current?.id,
        content: { kind: 'object', size: head.size, sha256: undefined },
        operation: '01920000-0000-7000-8000-000000000001',
        replicas: [
          { store: scope.source.place, state: 'UNVERIFIED', place: 'x', token: head.token, verification: 'none' },
        ],
      },
    ],
  });
  expect(changes).toMatchObject([{ kind: 'recorded' }]);
}

describe('a copy that was published by a worker that died before it could tell', () => {
  /** The copy lies at `ch`, and nobody knows. */
  async function openUntold(isListedOnly = false): Promise<{ world: RuleWorld; rule: number }> {
    const world = await open();
    if (isListedOnly) await forgetHash(world);
    const rule = await world.rule('data:x', { copies: 1, stores: 'ch' });
    const catalog = await world.pando.catalog();
    const { settleTransfers } = catalog;
    catalog.settleTransfers = () => Promise.reject(new Error('the worker died'));
    await world.work();
    catalog.settleTransfers = settleTransfers;
    expect(world.filesAt('ch')).toEqual(['x']);
    expect(await statesOf(world)).toEqual([isListedOnly ? 'data UNVERIFIED' : 'data AVAILABLE', 'ch COPYING']);
    return { world, rule };
  }

  test('is found there by the next one, once the lease has run out', async () => {
    const { world, rule } = await openUntold();
    await using _ = world;
    const catalog = await world.pando.catalog();
    expect(await catalog.endClaims(['test'])).toBe(1);
    await world.work();
    expect(await statesOf(world)).toEqual(['data AVAILABLE', 'ch AVAILABLE']);
    expect((await catalog.readRule(rule))?.state).toBe('OK');
  });

  test('is found there as well where nobody had read the object before', async () => {
    const { world, rule } = await openUntold(true);
    await using _ = world;
    const catalog = await world.pando.catalog();
    await catalog.endClaims(['test']);
    await world.work();
    expect((await catalog.readRule(rule))?.state).toBe('OK');
    const content = (await catalog.readObject('data', 'x'))?.current.content;
    expect(content).toMatchObject({ sha256: createHash('sha256').update('bytes, only seen').digest('hex') });
  });

  test('goes when its rule ends, and nothing dark is left', async () => {
    const { world, rule } = await openUntold();
    await using _ = world;
    await (await world.rules()).remove(rule);
    // Who may still publish is waited for: until he is known to be dead.
    await world.work();
    expect(await statesOf(world)).toEqual(['data AVAILABLE', 'ch BEING_DELETED']);
    await (await world.pando.catalog()).endClaims(['test']);
    await vi.waitFor(async () => {
      await world.work();
      expect(await statesOf(world)).toEqual(['data AVAILABLE']);
    }, 20_000);
    expect(world.filesAt('ch')).toEqual([]);
  });

  test('makes room for the next version where the object was written again', async () => {
    const { world, rule } = await openUntold();
    await using _ = world;
    await world.put('data', 'x', 'other bytes');
    await vi.waitFor(async () => {
      await world.work();
      expect((await (await world.pando.catalog()).readRule(rule))?.state).toBe('OK');
    }, 20_000);
    expect(await statesOf(world)).toEqual(['data AVAILABLE', 'ch AVAILABLE']);
    expect(world.filesAt('ch')).toEqual(['x']);
  });
});
