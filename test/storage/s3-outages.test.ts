import { describe, expect, it } from 'vitest';
import { expectKind, patternBytes, putObject } from '../../src/testing/storage-contract/harness.ts';
import { useOwnRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, PART_BYTES, settingsOf } from './s3-stores.ts';

const { rgw } = await useOwnRgw();

describe('S3 when the server fails', { timeout: 120_000 }, () => {
  it('a gateway that stands still times out, and its lease is not lost', async () => {
    const bucket = await makeBucket(rgw);
    const timeouts = { connectMs: 300, requestMs: 500, idleMs: 300 };
    await using storage = await openStore(settingsOf(rgw, bucket), {
      timeouts,
      retry: { attemptsMax: 2, delayMs: 10 },
    });
    const process = { host: 'h', pid: 1, startedMs: 0 };
    const lease = await storage.lease({ holder: 'h', process, leaseMs: 60_000, nowMs: 1000 });
    if (!('renew' in lease)) throw new Error('not taken');
    try {
      await rgw.haltGateway();
      await expectKind(storage.get('a'), 'timeout');
      // Longer than what the system takes for a server that reads nothing.
      await expectKind(putObject(storage, 'b', patternBytes(4 * PART_BYTES)), 'timeout');
      await expectKind(lease.renew(2000), 'timeout');
    } finally {
      rgw.signalGateway('SIGCONT');
    }
    await lease.renew(3000);
    await lease.release();
  });

  /** The last one: for half a minute after it the server waits for the dead gateway whenever a bucket is made. */
  it('a gateway killed in the middle of a body is unavailable, and works again after its restart', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket), { retry: { attemptsMax: 1, delayMs: 1 } });
    const bytes = patternBytes(8 * PART_BYTES, 2);
    await putObject(storage, 'a', bytes);
    const got = await storage.get('a');
    const chunks = (got.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await chunks.next();
    rgw.signalGateway('SIGKILL');
    const rest = (async () => {
      while ((await chunks.next()).done !== true);
    })();
    await expectKind(rest, 'unavailable');
    await expectKind(storage.head('a'), 'unavailable');
    await expectKind(putObject(storage, 'b', patternBytes(10)), 'unavailable');
    await rgw.restartGateway();
    expect((await storage.head('a')).size).toBe(bytes.length);
  });
});
