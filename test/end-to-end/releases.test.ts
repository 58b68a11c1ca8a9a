import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deleteReleased } from '../../src/engine/releases/delete-released.ts';
import { ReleaseLooks } from '../../src/engine/releases/release-looks.ts';
import { RuleWorld } from './rule-world.ts';

const MIB = 2 ** 20;
const STORES = {
  data: '',
  plain: '',
  roomy: 'limits: {min_free_space: 1MiB}',
  short: 'limits: {min_free_space: 9PB}',
  greedy: 'greedy: true',
};

/** Objects at `data` and, by a rule that ends, at `ch`: what is released there goes at once. */
async function openReleased(names: readonly string[]) {
  const world = new RuleWorld({ data: '', ch: '' });
  for (const name of names) await world.put('data', name, `bytes of ${name}`);
  const rule = await world.rule('data:*', { copies: 1, stores: 'ch', purge: true });
  await world.work();
  await (await world.rules()).remove(rule);
  const catalog = await world.pando.catalog();
  const statesOf = async (name: string): Promise<readonly string[]> => {
    const object = await catalog.readObject('data', name);
    const places = new Map([...world.pando.stores().values()].map((store) => [store.place, store.name]));
    return (object?.replicas ?? []).map(({ store, state }) => `${places.get(store)} ${state}`).toSorted();
  };
  return { world, statesOf, catalog };
}

test('a released copy stays where the other one is not there any more, which is told', async () => {
  const { world, statesOf, catalog } = await openReleased(['kept', 'lost', 'changed']);
  await using _ = world;
  rmSync(join(world.root, 'data', 'lost'));
  writeFileSync(join(world.root, 'data', 'changed'), 'other bytes, of nobody');
  await world.work();
  expect([...world.filesAt('ch')].toSorted()).toEqual(['changed', 'lost']);
  expect(await statesOf('kept')).toEqual(['data AVAILABLE']);
  expect(await statesOf('lost')).toEqual(['ch AVAILABLE']);
  expect(await statesOf('changed')).toEqual(['ch AVAILABLE', 'data SUSPICIOUS']);
  const events = await catalog.listEvents({ limit: 100 });
  expect(events.map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual([
    'authority-moved lost',
    'replica-found-changed changed',
    'replica-found-missing lost',
  ]);
});

test('a released copy stays while the store of the other one does not answer, or may not be read', async () => {
  const { world, statesOf } = await openReleased(['a', 'b', 'c']);
  await using _ = world;
  const source = join(world.root, 'data');
  renameSync(source, `${source}.away`);
  await world.work();
  expect(world.filesAt('ch')).toHaveLength(3);
  renameSync(`${source}.away`, source);
  expect(await statesOf('a')).toEqual(['ch AVAILABLE', 'data AVAILABLE']);
  // As a new process: this one does not ask a store again at once that has just not answered.
  await world.reopen({ data: '', ch: '' });
  const catalog = await world.pando.catalog();
  const place = [...world.pando.stores().values()].find(({ name }) => name === 'data')?.place ?? '';
  await catalog.setStore(place, { availability: { read: false } });
  await world.work();
  expect(world.filesAt('ch')).toHaveLength(3);
  await catalog.setStore(place, { availability: null });
  await world.work();
  expect(world.filesAt('ch')).toEqual([]);
});

test('copies that have to stay keep nobody behind them waiting', { timeout: 120_000 }, async () => {
  const names = Array.from({ length: 1_020 }, (_, at) => String(at).padStart(4, '0'));
  const { world } = await openReleased(names);
  await using _ = world;
  // More than one page of those that go first.
  for (const name of names.slice(0, 1_010)) rmSync(join(world.root, 'data', name));
  const catalog = await world.pando.catalog();
  const first = names.slice(0, 1_010);
  // It is known before that they are the last ones: no other store is asked about them.
  for (const name of first) {
    const lost = (await catalog.readObject('data', name))?.replicas.find(({ store }) => store.endsWith('/data/'));
    if (lost === undefined) throw new Error(`${name} is not at its source`);
    const { versionId, store } = lost;
    await catalog.record({ replicas: [{ scope: 'data', name, versionId, store, to: 'drop' }] });
  }
  await world.work();
  expect(world.filesAt('ch').toSorted()).toEqual(first);
});

/** Copies at these stores, by a rule for each that ends without purge. */
async function release(world: RuleWorld, stores: readonly string[]): Promise<void> {
  const rules = await world.rules();
  const ids: number[] = [];
  for (const store of stores) ids.push(await world.rule('data:*', { copies: 1, stores: store }));
  await world.workHere();
  for (const store of stores) expect(world.filesAt(store)).not.toEqual([]);
  for (const id of ids) await rules.remove(id);
}

test('what is released without purge goes from a store short of space and from a greedy one, and from no other', async () => {
  await using world = new RuleWorld(STORES);
  await world.put('data', 'x', 'bytes of x');
  const stores = Object.keys(STORES).filter((store) => store !== 'data');
  await release(world, stores);
  await world.workHere();
  expect(stores.filter((store) => world.filesAt(store).length > 0)).toEqual(['plain', 'roomy']);
});

test('the last good copy stays, even where space is short and in a greedy store', async () => {
  await using world = new RuleWorld(STORES);
  await world.put('data', 'x', 'bytes of x');
  await release(world, ['short', 'greedy']);
  rmSync(join(world.root, 'data', 'x'));
  const catalog = await world.pando.catalog();
  const { current, replicas = [] } = (await catalog.readObject('data', 'x')) ?? {};
  const { store = '' } = replicas.find((one) => world.pando.stores().get(one.store)?.name === 'data') ?? {};
  await catalog.record({ replicas: [{ scope: 'data', name: 'x', versionId: current?.id ?? 0, store, to: 'drop' }] });
  for (let turns = 0; turns < 2; turns++) await world.workHere();
  expect([...world.filesAt('short'), ...world.filesAt('greedy')]).toEqual(['x']);
});

test('as many go as space is short of, those used longest ago first', async () => {
  await using world = new RuleWorld(STORES);
  for (const name of ['a', 'b', 'c', 'd']) await world.put('data', name, '10 bytes!!');
  await release(world, ['roomy']);
  const catalog = await world.pando.catalog();
  const ports = await world.ports();
  const atOnce = (freeBytes: number) =>
    deleteReleased(
      { ...ports, looks: new ReleaseLooks(ports.clock), freeBytes: () => Promise.resolve(freeBytes) },
      new AbortController().signal,
    );
  // Released while there was space enough.
  await world.workHere();
  const place = [...world.pando.stores().values()].find(({ name }) => name === 'roomy')?.place ?? '';
  const first = (await catalog.listReleased(place, { limit: 10 })).filter(({ name }) => name === 'a');
  await ports.clock.sleep(5);
  await catalog.touch(first);
  expect(await atOnce(MIB)).toBe(0);
  expect(await atOnce(MIB - 15)).toBe(2);
  // What is on its way out is as good as free.
  expect(await atOnce(MIB - 15)).toBe(0);
  await world.workHere();
  expect(world.filesAt('roomy').toSorted()).toEqual(['a', 'd']);
});
