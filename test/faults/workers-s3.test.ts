import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, PART_BYTES, settingsOf } from '../storage/s3-stores.ts';
import { mirroredBucket, seeBucket } from '../sync/buckets.ts';
import { openSyncWorld } from '../sync/sync-world.ts';
import { readTree, write } from '../sync/trees.ts';
import { startSync } from './child.ts';
import { WorkerProcess } from './worker-process.ts';

const { rgw, client } = await useRgw();
const LARGE = 4;
const SMALL = 60;

test('a worker that is killed over uploads in parts: another one brings all to the bucket, and nothing is left behind', {
  timeout: 180_000,
}, async () => {
  const bucket = await makeBucket(rgw);
  const buckets = [settingsOf(rgw, bucket)];
  await using world = openSyncWorld({ targets: 0, buckets });
  for (let i = 0; i < LARGE; i++) write(world.source, `large/${i}`, Buffer.alloc(3 * PART_BYTES + i, `${i}`));
  for (let i = 0; i < SMALL; i++) write(world.source, `small/${i}`, `object ${i}`);
  await world.catalog();
  const more = `  there:
    storage_provider:
      type: s3
      options: {base_path: ${bucket}, endpoint_url: "${rgw.endpoint}", path_style: true, region: us-east-1, multipart_threshold: ${PART_BYTES}, part_size: ${PART_BYTES}}
    credentials_provider: {type: S3Credentials, options: {access_key: "${rgw.accessKey}", secret_key: "${rgw.secretKey}"}}
`;
  const catalog = `sqlite:${join(world.root, 'data/catalog.sqlite')}`;
  await using killed = await new WorkerProcess(world, catalog, { more }).ready();
  const run = { executionMode: 'workers', leaseMs: 4_000, noWorkerMs: 3_600_000 } as const;
  const sync = startSync({ at: world.root, targets: 0, buckets, run });
  for (;;) {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    if (Uploads.length > 0) break;
    await sleep(10);
  }
  expect(await killed.end('SIGKILL')).toBe('SIGKILL');
  await using worker = await new WorkerProcess(world, catalog, { more }).ready();
  const { result, errors } = await sync.ended;
  expect({ state: result?.state, failures: result?.failures, errors }).toEqual({
    state: 'done',
    failures: [],
    errors: '',
  });
  expect(result?.targets).toMatchObject([{ added: LARGE + SMALL, failed: 0 }]);
  expect(await worker.end('SIGINT')).toBe(0);
  const { objects, uploads } = await seeBucket(client, bucket);
  expect(uploads).toEqual([]);
  const found = await mirroredBucket(client, bucket, objects.keys());
  const tree = readTree(world.source);
  expect(Object.fromEntries(Object.entries(found).map(([key, { sha256 }]) => [key, sha256]))).toEqual(
    Object.fromEntries([...tree].map(([key, { sha256 }]) => [key, sha256])),
  );
  expect((await world.sync()).targets).toMatchObject([{ unchanged: LARGE + SMALL, added: 0, updated: 0 }]);
});
