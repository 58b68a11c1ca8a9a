import { describe, expect, it } from 'vitest';
import { isRetryable, mayRetry, RETRY_DELAY_MS_MAX, retryDelayMs } from '../../src/domain/transfer/retry.ts';
import { type StorageErrorKind } from '../../src/ports/storage.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { chunksOf, collect, evenRandom, put, simulatedStore, UNKNOWN } from './decorators.ts';

const policy = { attemptsMax: 4, delayMs: 200 };

describe('the retry table', () => {
  it('tries again only what may pass by itself', () => {
    const kinds: StorageErrorKind[] = [
      'not-found',
      'precondition-failed',
      'throttled',
      'denied',
      'unavailable',
      'timeout',
      'corrupt',
      'changed',
      'full',
      'read-only',
      'invalid-key',
      'unsupported',
      'aborted',
    ];
    expect(kinds.filter(isRetryable)).toEqual(['throttled', 'unavailable', 'timeout']);
  });

  it('ends with the last attempt', () => {
    expect([1, 2, 3, 4, 5].map((attempt) => mayRetry('timeout', attempt, policy))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('waits up to twice as long each time, never beyond the limit', () => {
    expect([1, 2, 3].map((attempt) => retryDelayMs(attempt, policy, 0.5))).toEqual([100, 200, 400]);
    expect(retryDelayMs(1, policy, 0)).toBe(0);
    expect(retryDelayMs(1000, policy, 0.999_999)).toBeLessThan(RETRY_DELAY_MS_MAX);
  });
});

describe('withRetry', () => {
  it('succeeds when the store recovers before the last attempt', async () => {
    const { clock, store } = simulatedStore();
    const retries: string[] = [];
    const storage = withRetry(store, {
      policy,
      clock,
      random: evenRandom,
      onRetry: (failure, attempt) => retries.push(`${failure.kind} ${attempt} at ${clock.monotonicMs()}`),
    });
    await put(store, 'a', new Uint8Array(3));
    store.faults = { fail: { kind: 'unavailable', times: 3 } };
    expect((await clock.run(storage.head('a'))).size).toBe(3);
    expect(retries).toEqual(['unavailable 2 at 100', 'unavailable 3 at 300', 'unavailable 4 at 700']);
  });

  it('gives the last failure when it does not', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    store.faults = { fail: { kind: 'throttled' } };
    await expect(clock.run(storage.get('a'))).rejects.toMatchObject({ kind: 'throttled' });
    expect(store.calls.get).toBe(4);
  });

  it('does not repeat an answer', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    await expect(storage.head('absent')).rejects.toMatchObject({ kind: 'not-found' });
    store.faults = { fail: { kind: 'denied' } };
    await expect(storage.delete('a')).rejects.toMatchObject({ kind: 'denied' });
    expect(store.calls).toMatchObject({ head: 1, delete: 1 });
  });

  it('does not repeat a body that was begun', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    await put(store, 'a', new Uint8Array(5000));
    store.faults = { breakBodyAt: 2000 };
    const got = await storage.get('a');
    await expect(collect(got.body)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(store.calls.get).toBe(1);
  });

  it('repeats a stage of bytes in memory, and not one of chunks', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    store.faults = { fail: { kind: 'unavailable', verbs: ['stage'], times: 1 } };
    await clock.run(storage.stage('a', new Uint8Array(3), UNKNOWN));
    expect(store.calls.stage).toBe(2);
    store.faults = { fail: { kind: 'unavailable', verbs: ['stage'], times: 1 } };
    await expect(storage.stage('a', chunksOf(new Uint8Array(3)), UNKNOWN)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect(store.calls.stage).toBe(3);
  });

  it('does not repeat a publish, whose outcome may be unknown', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    const staged = await storage.stage('a', new Uint8Array(3), UNKNOWN);
    store.faults = { fail: { kind: 'timeout', verbs: ['publish'] } };
    expect(await storage.publish([{ staged, options: {} }])).toMatchObject([{ kind: 'timeout' }]);
    expect(store.calls.publish).toBe(1);
  });

  it('repeats the beginning of a listing, and not what comes after its first page', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    for (const key of ['a', 'b', 'c']) await put(store, key, new Uint8Array(1));
    store.faults = { fail: { kind: 'unavailable', verbs: ['list'], times: 2 } };
    expect((await clock.run(Array.fromAsync(storage.list(''))))[0]?.objects.length).toBe(3);
    store.faults = { breakListingAfter: 2 };
    await expect(clock.run(Array.fromAsync(storage.list('')))).rejects.toMatchObject({ kind: 'unavailable' });
    expect(store.calls.list).toBe(4);
  });

  it('gives up its pause when the signal aborts', async () => {
    const { clock, store } = simulatedStore();
    const storage = withRetry(store, { policy, clock, random: evenRandom });
    store.faults = { fail: { kind: 'unavailable' } };
    const aborter = new AbortController();
    const head = expect(storage.head('a', { signal: aborter.signal })).rejects.toMatchObject({ kind: 'unavailable' });
    await clock.advance(50);
    aborter.abort();
    await head;
    expect(store.calls.head).toBe(1);
  });
});
