import { describe, expect, it } from 'vitest';
import { withDeadline } from '../../src/storage/with-deadline.ts';
import { chunksOf, collect, put, simulatedStore, UNKNOWN } from './decorators.ts';

function timedStore() {
  const { clock, store } = simulatedStore();
  return { clock, store, storage: withDeadline(store, { clock, callMs: 1000, idleMs: 500 }) };
}

describe('withDeadline', () => {
  it('ends calls that hang with timeout, each verb after its time', async () => {
    const { clock, store, storage } = timedStore();
    await put(store, 'a', new Uint8Array(3));
    const staged = await storage.stage('b', new Uint8Array(3), UNKNOWN);
    store.faults = { hang: ['get', 'head', 'list', 'delete', 'stage', 'flush', 'publish', 'lease'] };
    const process = { host: 'h', pid: 1, startedMs: 0 };
    const calls: Promise<unknown>[] = [
      storage.get('a'),
      storage.head('a'),
      storage.delete('a'),
      Array.fromAsync(storage.list('')),
      storage.stage('b', new Uint8Array(3), UNKNOWN),
      storage.flush([staged]),
      storage.lease({ holder: 'h', process, leaseMs: 1, nowMs: 0 }),
    ];
    const outcomes = await clock.run(Promise.allSettled(calls));
    expect(outcomes).toMatchObject(calls.map(() => ({ status: 'rejected', reason: { kind: 'timeout' } })));
    expect(await clock.run(storage.publish([{ staged, options: {} }]))).toMatchObject([{ kind: 'timeout', key: 'b' }]);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(2000);
  });

  it('ends a body that stands still, and tells the store that nobody waits', async () => {
    const { clock, store, storage } = timedStore();
    await put(store, 'a', new Uint8Array(10_000));
    store.faults = { hangBodyAt: 4096 };
    const got = await storage.get('a');
    await expect(clock.run(collect(got.body))).rejects.toMatchObject({ kind: 'timeout' });
    expect(clock.monotonicMs()).toBe(500);
  });

  it('lets a reader take as long as it likes between chunks', async () => {
    const { clock, store, storage } = timedStore();
    await put(store, 'a', new Uint8Array(10_000));
    store.faults = { corruptBodyAt: 0 };
    const got = await storage.get('a');
    let read = 0;
    for await (const chunk of got.body as AsyncIterable<Uint8Array>) {
      read += chunk.length;
      await clock.advance(10_000);
    }
    expect(read).toBe(10_000);
    expect(clock.sleeping).toBe(0);
  });

  it('lets a source take as long as it likes while the store waits for it', async () => {
    const { clock, storage } = timedStore();
    const slow = (async function* () {
      yield new Uint8Array(10);
      await clock.sleep(60_000);
      yield new Uint8Array(10);
    })();
    const staged = await clock.run(storage.stage('a', slow, UNKNOWN));
    expect(staged.size).toBe(20);
  });

  it('says aborted, not timeout, when the caller gave up, at once', async () => {
    const { clock, store, storage } = timedStore();
    store.faults = { hang: ['head'] };
    const aborter = new AbortController();
    const head = expect(storage.head('a', { signal: aborter.signal })).rejects.toMatchObject({ kind: 'aborted' });
    await clock.advance(10);
    aborter.abort();
    await head;
    expect(clock.sleeping).toBe(0);
  });

  it('leaves no sleeper behind', async () => {
    const { clock, store, storage } = timedStore();
    await put(storage, 'a', new Uint8Array(3));
    const staged = await storage.stage('b', chunksOf(new Uint8Array(3)), UNKNOWN);
    await storage.discard([staged]);
    await collect((await storage.get('a')).body);
    store.faults = { extendBody: new Uint8Array(2) };
    const unread = (await storage.get('a')).body as AsyncIterable<Uint8Array>;
    await unread[Symbol.asyncIterator]().return?.();
    for await (const page of storage.list('')) expect(page.objects.length).toBe(1);
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });
});
