import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket } from '../storage/s3-stores.ts';

const examples = resolve(import.meta.dirname, '../../examples');
const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
const { rgw, client } = await useRgw();

test('the workflows of the example run on three directories and an S3 server', { timeout: 180_000 }, async () => {
  using box = new Sandbox();
  const bucket = await makeBucket(rgw);
  for (const store of ['lyon', 'berlin', 'tape']) mkdirSync(box.path('stores', store), { recursive: true });
  copyFileSync(resolve(examples, 'replica-workflows.yaml'), box.path('replica-workflows.yaml'));
  box.write({ 'test.file.1': 'the first', 'test.file.2': 'the second' });
  mkdirSync(box.path('bin'));
  writeFileSync(box.path('bin/pando'), `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
  chmodSync(box.path('bin/pando'), 0o755);
  const { stdout } = await promisify(execFile)('sh', [resolve(examples, 'replica-workflows.sh')], {
    cwd: box.root,
    env: {
      PATH: `${box.path('bin')}${delimiter}${process.env['PATH']}`,
      HOME: box.root,
      PANDO_DATA: box.state,
      PANDO_CONFIG: box.path('replica-workflows.yaml'),
      WORKFLOW_BUCKET: bucket,
      WORKFLOW_ENDPOINT: rgw.endpoint,
      WORKFLOW_ACCESS_KEY: rgw.accessKey,
      WORKFLOW_SECRET_KEY: rgw.secretKey,
    },
  });
  const path = '07/7c/user.jdoe/test.file.1';
  expect(stdout).toContain(`user.jdoe:test.file.1  uploaded  file://${box.path('stores/lyon')}/${path}\n`);
  expect(stdout).toContain('objects in it: 2 (19 B)');
  expect(stdout).toMatch(/6 done, 0 not needed any more, 0 to be tried again, 0 failed/);
  expect(box.read('stores/lyon', path)).toBe('the first');
  expect(box.read('stores/berlin/test/user.jdoe/file.1')).toBe('the first');
  expect(box.read('stores/tape/user.jdoe/test.dataset/user.jdoe/test.file.2')).toBe('the second');
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(Contents.map(({ Key }) => Key).filter((key) => key?.startsWith('.pando/') !== true)).toEqual([
    path,
    '63/ac/user.jdoe/test.file.2',
  ]);
  expect(box.read('downloaded/test.file.2')).toBe('the second');
});
