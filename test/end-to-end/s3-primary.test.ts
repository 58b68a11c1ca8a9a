import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { useOwnRgw } from '../servers/use-rgw.ts';
import { makeBucket } from '../storage/s3-stores.ts';

const { rgw, client } = await useOwnRgw();

/** A profile `data` in one bucket; its replicas are the directory `near` and another bucket, `far`. */
async function openDataset(box: Sandbox): Promise<{ readonly source: string; readonly far: string }> {
  const [source, far] = [await makeBucket(rgw), await makeBucket(rgw)];
  const bucket = (name: string) => `
    storage_provider: {type: s3, options: {base_path: ${name}, endpoint_url: '${rgw.endpoint}'}}
    credentials_provider: {type: S3Credentials, options: {access_key: ${rgw.accessKey}, secret_key: ${rgw.secretKey}}}
    retry: {attempts: 2, delay: 10ms}`;
  box.write({
    'pando.yaml': `profiles:
  data:${bucket(source)}
    replicas: [{replica_profile: far, read_priority: 2}, {replica_profile: near, read_priority: 1}]
  near:
    storage_provider: {type: file, options: {base_path: near}}
  far:${bucket(far)}
`,
  });
  return { source, far };
}

test('content type and metadata go from a bucket to a directory and another bucket; with the primary down both lists and ranges are served', {
  timeout: 120_000,
}, async () => {
  using box = new Sandbox();
  const { source, far } = await openDataset(box);
  const told = { ContentType: 'text/csv; charset=utf-8', Metadata: { of: 'me' } };
  for (const [Key, Body] of Object.entries({ 'in/report.csv': 'a,b\n1,2\n', z: 'z' }))
    await client.send(new PutObjectCommand({ Bucket: source, Key, Body, ...told }));

  expect(await box.json('sync', 'data:')).toMatchObject({ state: 'done', targets: [{ added: 2 }, { added: 2 }] });
  expect(await client.send(new HeadObjectCommand({ Bucket: far, Key: 'in/report.csv' }))).toMatchObject({
    ContentType: told.ContentType,
    Metadata: told.Metadata,
  });
  const kept = { contentType: told.ContentType, metadata: told.Metadata };
  expect(await box.json('stat', 'near:in/report.csv')).toMatchObject(kept);

  rgw.signalGateway('SIGKILL');
  expect(await box.run(['ls', 'data:'])).toMatchObject({ code: 4, stdout: 'in/report.csv\nz\n' });
  expect(await box.run(['cat', 'data:in/report.csv', '--range', '4-6'])).toMatchObject({ code: 0, stdout: '1,2' });
  expect(await box.json('stat', 'data:in/report.csv')).toMatchObject(kept);
  await rgw.restartGateway();
  expect(await box.run(['ls', 'data:'])).toMatchObject({ code: 0, stdout: 'in/report.csv\nz\n' });
});
