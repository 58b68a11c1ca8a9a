import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MemoryContents } from '../../src/storage/memory/memory-contents.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { UnflushedKeys, withPowerLoss } from '../../src/testing/power-loss-storage.ts';
import { SimulatedProcess } from '../../src/testing/simulated-process.ts';
import { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import { SimulatedTimeline } from '../../src/testing/simulated-timeline.ts';

test('things happen in the order of their times, and of their planning', async () => {
  const timeline = new SimulatedTimeline();
  const random = new SimulatedRandom(1);
  const planned = Array.from({ length: 100 }, (_, order) => ({ order, ms: random.below(20) }));
  const happened: typeof planned = [];
  for (const one of planned) timeline.after(one.ms, () => happened.push(one));
  timeline.after(5, () => happened.push({ order: -1, ms: 5 }))();
  while (await timeline.step(100));
  expect(happened).toEqual(planned.toSorted((a, b) => a.ms - b.ms || a.order - b.order));
  expect(timeline.elapsedMs).toBe(100);
});

test('a simulation that waits for the world outside is told so', async () => {
  const timeline = new SimulatedTimeline();
  const stop = new AbortController();
  timeline.after(1, () => void setTimeout(60_000, undefined, { signal: stop.signal }).catch(() => undefined));
  await expect(timeline.step(1)).rejects.toThrow('waits for the world outside: Timeout');
  stop.abort();
});

test.each([
  ['before', 1],
  ['after', 2],
] as const)('a process that dies %s its second call has changed the world %i times', async (moment, changes) => {
  const timeline = new SimulatedTimeline();
  const process = new SimulatedProcess({ timeline, latencyMs: () => 1 });
  let changed = 0;
  const port = process.guard({
    change: () => {
      changed++;
      return Promise.resolve();
    },
  });
  process.death = { atCall: 2, moment };
  let answered = 0;
  void port
    .change()
    .then(() => answered++)
    .then(() => port.change())
    .then(() => answered++);
  while (await timeline.step(100));
  expect([changed, answered, process.isAlive]).toEqual([changes, 1, false]);
});

test('what was published without a flush is lost with the power', async () => {
  const contents = new MemoryContents();
  const keys = new UnflushedKeys();
  const memory = openMemoryStorage({ name: 'memory', clock: new SimulatedTimeline().clock(), contents });
  const storage = withPowerLoss(memory, keys);
  for (const [key, isFlushed] of [
    ['flushed', true],
    ['not', false],
  ] as const) {
    const mark = { operation: key, sha256: undefined };
    const staged = await storage.stage(key, Buffer.from(key), { attributes: {}, mark });
    if (isFlushed) await storage.flush([staged]);
    await storage.publish([{ staged, options: {} }]);
  }
  expect(keys.take()).toEqual(['not']);
  expect(keys.take()).toEqual([]);
});
