import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StoreHealth } from '../../src/engine/store-health.ts';
import { StoreReturns } from '../../src/engine/stores/store-returns.ts';
import { systemClock } from '../../src/catalog/system.ts';
import { RuleWorld } from './rule-world.ts';

test('what is stuck on a store that came back is tried within a minute, and once', async () => {
  await using world = new RuleWorld({ data: '', ch: '', us: '' });
  const stores = world.pando.stores();
  const placeOf = (wanted: string) => [...stores.values()].find(({ name }) => name === wanted)?.place ?? '';
  let failing: readonly string[] = [];
  const told: unknown[] = [];
  let nowMs = 0;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const returns = new StoreReturns({
    catalog: {
      listFailingStores: () => Promise.resolve(failing),
      hasten: (change) => Promise.resolve(told.push(change)),
    },
    clock,
    health: new StoreHealth(clock),
    stores,
    clientSite: undefined,
  });
  const look = async () => {
    nowMs += 60_000;
    return returns.look();
  };
  expect(await look()).toBe(0);
  const move = (from: string, to: string) => renameSync(join(world.root, from), join(world.root, to));
  move('ch', 'away');
  failing = [placeOf('ch'), 'file:///nobody/knows/this/'];
  expect(await look()).toBe(0);
  move('away', 'ch');
  nowMs += 59_000;
  expect(await returns.look()).toBe(0);
  expect(await look()).toBe(1);
  expect(told).toEqual([{ fact: 'store-returned', store: placeOf('ch') }]);
  // It answers, and fails copies all the same: the growing pauses hold.
  expect(await look()).toBe(0);
  move('ch', 'away');
  expect(await look()).toBe(0);
  move('away', 'ch');
  expect(await look()).toBe(2);
  // Back before anybody saw it away.
  failing = [placeOf('ch'), placeOf('us')];
  expect(await look()).toBe(3);
  expect(told[2]).toEqual({ fact: 'store-returned', store: placeOf('us') });
});
