import { hostname } from 'node:os';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';
import type { Storage, StoreLease } from '../../src/ports/storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { patternBytes, putObject } from '../../src/testing/storage-contract/harness.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, settingsOf } from './s3-stores.ts';

const LEASE_MS = 30_000;
const T0 = 1_800_000_000_000;

const { rgw, client } = await useRgw();
let proxy: CountingProxy;
beforeAll(async () => {
  proxy = await startCountingProxy(rgw);
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
});

describe('what S3 stores keep for themselves', { timeout: 60_000 }, () => {
  let bucket: string;
  let storage: Storage;
  /** The store's clock is so far ahead. */
  let sleptMs: number;
  beforeEach(async () => {
    bucket = await makeBucket(rgw);
    sleptMs = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + sleptMs };
    storage = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint }, { clock });
  });
  afterEach(async () => {
    proxy.onRequest = undefined;
    await storage[Symbol.asyncDispose]();
  });

  it('a probe is gone when the server has answered, one of a dead process with the next cleaning', async () => {
    await putObject(storage, 'a', patternBytes(3));
    expect(await own()).toEqual([]);
    const host = encodeURIComponent(hostname()).replaceAll('.', '%2e');
    for (const name of [`${host}.${2 ** 22 + 1}.a`, `${host}.${process.pid}.b`, `elsewhere.1.c`])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `.pando/probe/${name}`, Body: 'x' }));
    expect(await storage.clean()).toBe(1);
    expect(await own()).toEqual([`.pando/probe/${host}.${process.pid}.b`, '.pando/probe/elsewhere.1.c'].toSorted());
  });

  it('of several who ask at once what the server enforces each gets the same answer', async () => {
    const stores = await Promise.all(
      Array.from({ length: 8 }, () => openStore(settingsOf(rgw, bucket), { probe: true })),
    );
    for (const store of stores) {
      expect(store.capabilities).toMatchObject({ conditionalPut: 'enforced', checksPut: true });
      await store[Symbol.asyncDispose]();
    }
    expect(await own()).toEqual([]);
  });

  it('a lease is gone when it is released', async () => {
    await (await take('first')).release();
    expect(await own()).toEqual([]);
    await (await take('second')).release();
    expect(await own()).toEqual([]);
  });

  it('a lease released late is ended and not deleted, because others may have begun to look at it', async () => {
    const lease = await take('sleeper');
    sleptMs = LEASE_MS / 2;
    await lease.release();
    expect(await own()).toEqual(['.pando/lease']);
    await (await take('next')).release();
    expect(await own(), 'gone with the next one').toEqual([]);
  });

  it('a lease that cannot be deleted is ended', async () => {
    const lease = await take('first');
    proxy.onRequest = ({ method }, response) => {
      if (method !== 'DELETE') return 'pass';
      response.writeHead(403).end();
      return 'answered';
    };
    await lease.release();
    expect(await own()).toEqual(['.pando/lease']);
    await take('next');
  });

  it('a lease that is gone is not made again by its release', async () => {
    const lease = await take('first');
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: '.pando/lease' }));
    await lease.release();
    expect(await own()).toEqual([]);
  });

  async function take(holder: string): Promise<StoreLease> {
    const claim = { holder, process: { host: hostname(), pid: process.pid, startedMs: T0 }, leaseMs: LEASE_MS };
    const lease = await storage.lease({ ...claim, nowMs: T0 });
    expect(lease).toHaveProperty('release');
    return lease as StoreLease;
  }

  async function own(): Promise<string[]> {
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: '.pando/' }));
    return (Contents ?? []).map(({ Key }) => Key ?? '');
  }
});
