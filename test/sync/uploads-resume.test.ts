import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { patternBytes } from '../../src/testing/storage-contract/harness.ts';
import { startSync } from '../faults/child.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, PART_BYTES, settingsOf } from '../storage/s3-stores.ts';
import { markBesideOf, mirroredBucket, seeBucket } from './buckets.ts';
import { openSyncWorld, type SyncWorld } from './sync-world.ts';
import { readTree, write } from './trees.ts';

const PARTS = 8;
const BYTES = patternBytes(PARTS * PART_BYTES - 1000, 4);
const HELD = 3;

const { rgw, client } = await useRgw();

/** A world whose sync was killed when its one large upload had `HELD` parts at the server. */
async function killedMidway(): Promise<AsyncDisposable & { world: SyncWorld; proxy: CountingProxy; bucket: string }> {
  const bucket = await makeBucket(rgw);
  const proxy = await startCountingProxy(rgw);
  const buckets = [{ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint }];
  const world = openSyncWorld({ targets: 0, buckets });
  write(world.source, 'large', BYTES);
  const child = startSync({ at: world.root, targets: 0, buckets, run: {} });
  let asked = 0;
  proxy.onRequest = ({ url }) => (url.includes('partNumber=') && ++asked > HELD ? 'hang' : 'pass');
  await expect.poll(() => partsHeld(bucket), { timeout: 30_000 }).toBe(HELD);
  child.process.kill('SIGKILL');
  expect((await child.ended).signal).toBe('SIGKILL');
  proxy.onRequest = undefined;
  proxy.seen.length = 0;
  return {
    world,
    proxy,
    bucket,
    [Symbol.asyncDispose]: async () => {
      await world[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

async function partsHeld(bucket: string): Promise<number> {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  if (Uploads?.[0] === undefined) return 0;
  const { Key, UploadId } = Uploads[0];
  return (await client.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))).Parts?.length ?? 0;
}

function partsSent(proxy: CountingProxy): number {
  return proxy.seen.filter(({ url }) => url.includes('partNumber=')).length;
}

async function expectMirrored(world: SyncWorld, bucket: string): Promise<void> {
  const { objects, own, uploads } = await seeBucket(client, bucket);
  const found = await mirroredBucket(client, bucket, objects.keys());
  const tree = readTree(world.source);
  expect(Object.keys(found)).toEqual([...tree.keys()]);
  for (const [name, { sha256 }] of tree) expect(found[name]?.sha256).toBe(sha256);
  expect(uploads).toEqual([]);
  expect(own).toEqual(tree.has('large') ? [await markBesideOf(client, bucket, 'large')] : []);
}

describe('a sync killed in the middle of a large upload', { timeout: 120_000 }, () => {
  test.each(['', ' by a run that has another catalog'])(
    'is gone on with%s: only missing parts are sent',
    async (how) => {
      await using killed = await killedMidway();
      const { world, proxy, bucket } = killed;
      if (how !== '') {
        rmSync(join(world.root, 'data'), { recursive: true });
        await world.reopen();
      }
      const result = await world.sync();
      expect(result).toMatchObject({ state: 'done', failures: [], targets: [{ added: 1, verification: 'store' }] });
      expect(partsSent(proxy)).toBe(PARTS - HELD);
      await expectMirrored(world, bucket);
      expect((await world.sync()).targets).toMatchObject([{ unchanged: 1, added: 0, updated: 0 }]);
    },
  );

  test('sends all parts of a source that changed since, and mixes nothing', async () => {
    await using killed = await killedMidway();
    const { world, proxy, bucket } = killed;
    const changed = BYTES.slice();
    changed[7] = (changed[7] as number) ^ 1;
    write(world.source, 'large', changed, { modifiedMs: 1_700_000_001_000 });
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 1 }] });
    expect(partsSent(proxy)).toBe(PARTS);
    await expectMirrored(world, bucket);
  });

  test('leaves nothing when the source is gone since', async () => {
    await using killed = await killedMidway();
    const { world, bucket } = killed;
    rmSync(join(world.source, 'large'));
    write(world.source, 'small', 'x');
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 1 }] });
    await expectMirrored(world, bucket);
  });

  test('keeps its parts while a run that leaves the object out goes by', async () => {
    await using killed = await killedMidway();
    const { world, proxy } = killed;
    write(world.source, 'small', 'x');
    const rules = [{ kind: 'exclude' as const, matches: (key: string) => key === 'large' }];
    expect(await world.sync({ filter: { rules } })).toMatchObject({ state: 'done', targets: [{ added: 1 }] });
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 1 }] });
    expect(partsSent(proxy)).toBe(PARTS - HELD);
  });
});

test('after a sync a bucket holds the objects, and nothing of Pando but the marks of large ones', async () => {
  const bucket = await makeBucket(rgw);
  await using world = openSyncWorld({ targets: 0, buckets: [settingsOf(rgw, bucket)] });
  for (let i = 0; i < 20; i++) write(world.source, `small${i}`, `${i}`);
  write(world.source, 'large', BYTES.subarray(0, PART_BYTES + 1));
  expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 21 }] });
  await expectMirrored(world, bucket);
});
