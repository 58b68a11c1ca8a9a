import { describe, expect, it } from 'vitest';
import { StorageMeter, withMeter } from '../../src/storage/with-meter.ts';
import { collect, put, simulatedStore } from './decorators.ts';

describe('withMeter', () => {
  it('counts calls, bytes, objects and failures by verb', async () => {
    const { store } = simulatedStore();
    const meter = new StorageMeter();
    const storage = withMeter(store, meter);
    await put(storage, 'a', new Uint8Array(3000));
    await put(storage, 'b', new Uint8Array(100));
    await collect((await storage.get('a')).body);
    await expect(storage.head('absent')).rejects.toMatchObject({ kind: 'not-found' });
    for await (const page of storage.list('')) expect(page.objects.length).toBe(2);
    store.faults = { breakBodyAt: 1024 };
    await expect(collect((await storage.get('a')).body)).rejects.toMatchObject({ kind: 'unavailable' });
    store.faults = { fail: { kind: 'full', verbs: ['publish'] } };
    await expect(put(storage, 'c', new Uint8Array(1))).rejects.toMatchObject({ kind: 'full' });

    expect(meter.snapshot()).toMatchObject({
      bytesRead: 3000 + 1024,
      bytesWritten: 3101,
      objectsListed: 2,
      verbs: {
        get: { calls: 2, failures: { unavailable: 1 } },
        head: { calls: 1, failures: { 'not-found': 1 } },
        list: { calls: 1, failures: {} },
        stage: { calls: 3 },
        publish: { calls: 3, failures: { full: 1 } },
      },
    });
  });

  it('adds what another meter of the store has counted', async () => {
    const { store } = simulatedStore();
    const [ours, theirs] = [new StorageMeter(), new StorageMeter()];
    await put(withMeter(store, ours), 'a', new Uint8Array(10));
    await put(withMeter(store, theirs), 'b', new Uint8Array(5));
    await expect(withMeter(store, theirs).head('absent')).rejects.toMatchObject({ kind: 'not-found' });
    ours.add(theirs.snapshot());
    expect(ours.snapshot()).toMatchObject({
      bytesWritten: 15,
      verbs: { publish: { calls: 2 }, head: { calls: 1, failures: { 'not-found': 1 } } },
    });
  });

  it('gives a snapshot that later calls do not change', async () => {
    const { store } = simulatedStore();
    const meter = new StorageMeter();
    const storage = withMeter(store, meter);
    const before = meter.snapshot();
    await put(storage, 'a', new Uint8Array(1));
    expect(before.verbs.publish.calls).toBe(0);
    expect(meter.snapshot().verbs.publish.calls).toBe(1);
  });
});
