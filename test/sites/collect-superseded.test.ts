import { expect, it } from 'vitest';
import { collectSuperseded } from '../../src/engine/sites/collect-superseded.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { SiteWorld, type TestSite } from './site-world.ts';

/** Looks once, and ends where it would wait. */
async function collectOnce({ catalog, store }: TestSite, undoMs: number): Promise<void> {
  const stop = new AbortController();
  const clock: Clock = {
    ...systemClock,
    alarm: () => {
      stop.abort();
      return () => undefined;
    },
  };
  await collectSuperseded({ catalog, clock, store }, undoMs, stop.signal);
}

it('keeps what a peer has replaced for as long as it can be brought back, and not longer', async () => {
  await using world = await SiteWorld.open(['a', 'b']);
  const { a, b } = world.sites;
  await world.connect('a', 'b');
  await a.put('s', 'x', 'one');
  await world.settle();
  const before = (await b.catalog.readObject('s', 'x'))?.replicas[0]?.place ?? '';
  await a.put('s', 'x', 'two');
  await world.settle();
  await collectOnce(b, 60_000);
  expect(await b.store.storage.head(before)).toMatchObject({ size: 3 });
  await collectOnce(b, 0);
  await expect(b.store.storage.head(before)).rejects.toMatchObject({ kind: 'not-found' });
  expect(await b.read('s', 'x')).toBe('two');
});
