import { describe, expect, it } from 'vitest';
import { overStorage } from '../../src/storage/over-storage.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { chunksOf, collect, put, simulatedStore, UNKNOWN } from './decorators.ts';

/** A store that takes 100 ms for a head, and tells how many it did at once. */
function slowStore() {
  const { clock, store } = simulatedStore();
  const seen = { atOnce: 0, most: 0 };
  const slow = overStorage(store, {
    async head(key, options) {
      seen.most = Math.max(seen.most, ++seen.atOnce);
      await clock.sleep(100);
      seen.atOnce--;
      return store.head(key, options);
    },
  });
  return { clock, store, slow, seen };
}

describe('withLimit', () => {
  it('does so many requests at once, and all of them', async () => {
    const { clock, store, slow, seen } = slowStore();
    await put(store, 'a', new Uint8Array(1));
    const storage = withLimit(slow, { clock, concurrency: 3 });
    const heads = await clock.run(Promise.all(Array.from({ length: 10 }, () => storage.head('a'))));
    expect(heads.length).toBe(10);
    expect(seen.most).toBe(3);
    expect(clock.monotonicMs()).toBe(400);
  });

  it('fails as throttled what finds the queue full', async () => {
    const { clock, store, slow } = slowStore();
    await put(store, 'a', new Uint8Array(1));
    const storage = withLimit(slow, { clock, concurrency: 1, queueMax: 2 });
    const outcomes = await clock.run(Promise.allSettled(Array.from({ length: 5 }, () => storage.head('a'))));
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : outcome.reason.kind))).toEqual([
      'ok',
      'ok',
      'ok',
      'throttled',
      'throttled',
    ]);
  });

  it('keeps the slot of a get until its body has ended, was returned or broke', async () => {
    const { clock, store } = simulatedStore();
    const storage = withLimit(store, { clock, concurrency: 1 });
    await put(storage, 'a', new Uint8Array(5000));
    store.faults = { corruptBodyAt: 0 };
    for (const end of ['read', 'return', 'break']) {
      if (end === 'break') store.faults = { breakBodyAt: 100 };
      const { body } = await storage.get('a');
      let isAnswered = false;
      const next = (async () => {
        await storage.head('a');
        isAnswered = true;
      })();
      await clock.advance(10);
      expect(isAnswered).toBe(false);
      if (end === 'read') await collect(body);
      if (end === 'return') await (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
      if (end === 'break') await expect(collect(body)).rejects.toMatchObject({ kind: 'unavailable' });
      await next;
    }
  });

  it('lets a copy within a store read and write at once', async () => {
    const { clock, store } = simulatedStore();
    const storage = withLimit(store, { clock, concurrency: 1 });
    await put(storage, 'a', new Uint8Array(5000));
    store.faults = { corruptBodyAt: 0 };
    const { body } = await storage.get('a');
    const staged = await storage.stage('b', body, UNKNOWN);
    await storage.publish([{ staged, options: {} }]);
    expect((await storage.head('b')).size).toBe(5000);
  });

  it('leaves the queue when the signal aborts', async () => {
    const { clock, store, slow } = slowStore();
    await put(store, 'a', new Uint8Array(1));
    const storage = withLimit(slow, { clock, concurrency: 1 });
    const first = storage.head('a');
    const aborter = new AbortController();
    const second = expect(storage.head('a', { signal: aborter.signal })).rejects.toMatchObject({ kind: 'aborted' });
    const third = storage.head('a');
    aborter.abort();
    await second;
    await clock.run(Promise.all([first, third]));
    expect(clock.monotonicMs()).toBe(200);
  });

  it('lets pass so many bytes a second, in both directions together', async () => {
    const { clock, store } = simulatedStore();
    const storage = withLimit(store, { clock, concurrency: 4, bandwidth: 10_000 });
    const write = async (key: string) => {
      const staged = await storage.stage(key, chunksOf(new Uint8Array(5000), new Uint8Array(5000)), UNKNOWN);
      await storage.publish([{ staged, options: {} }]);
    };
    await clock.run(Promise.all([write('a'), write('b')]));
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(1900);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(2000);
    await clock.run(storage.get('a'));
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(2900);
  });
});
