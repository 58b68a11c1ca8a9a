import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectKind,
  inChunks,
  markOf,
  patternBytes,
  putObject,
  readBody,
  sha256Of,
} from '../../src/testing/storage-contract/harness.ts';
import { startCountingProxy } from '../servers/counting-proxy.ts';
import { type RgwServer, startRgw } from '../servers/rgw.ts';
import { bareClient, makeBucket, openStore, PART_BYTES, settingsOf } from './s3-stores.ts';

let rgw: RgwServer;
let client: S3Client;
beforeAll(async () => {
  rgw = await startRgw();
  client = bareClient(rgw);
}, 120_000);
afterAll(async () => {
  client?.destroy();
  await rgw?.[Symbol.asyncDispose]();
});

describe('S3 uploads in parts', { timeout: 120_000 }, () => {
  const parts = 6;
  const bytes = patternBytes(parts * PART_BYTES - 100, 8);
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'pando-s3-test-'));
  });
  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  it('are gone on with after kill -9: parts that are there are not sent again', async () => {
    const bucket = await makeBucket(rgw);
    const file = join(scratch, 'bytes');
    const state = join(scratch, 'state');
    writeFileSync(file, bytes);
    const task = JSON.stringify({ settings: settingsOf(rgw, bucket), key: 'big', file, state });
    const child = spawn(process.execPath, [fileURLToPath(new URL('./upload-child.ts', import.meta.url)), task], {
      stdio: 'inherit',
    });
    const partsHeld = (): number =>
      existsSync(state) ? (JSON.parse(readFileSync(state, 'utf8')).partsHeld as number) : 0;
    while (partsHeld() < 2 && child.exitCode === null) await sleep(10);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const held = partsHeld();
    expect(held).toBeGreaterThanOrEqual(2);
    expect(held).toBeLessThan(parts);

    await using proxy = await startCountingProxy(rgw);
    await using storage = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint });
    expect(await storage.clean(), 'an upload that may be gone on with is left alone').toBe(0);
    const mark = markOf(bytes);
    const saved: string[] = [];
    const staged = await storage.stage('big', inChunks(bytes), {
      attributes: { metadata: { kept: 'over the crash' } },
      mark: { ...mark, sha256: undefined },
      size: bytes.length,
      resume: { state: readFileSync(state, 'utf8'), save: async (text) => void saved.push(text) },
    });
    const sent = proxy.seen.filter(({ url }) => url.includes('partNumber=')).length;
    expect(sent).toBeLessThanOrEqual(parts - held);
    const [published] = await storage.publish([{ staged, options: { mark } }]);
    expect(published).toMatchObject({ verification: 'store' });
    const got = await storage.get('big');
    expect(sha256Of(await readBody(got))).toBe(mark.sha256);
    const head = await storage.head('big');
    expect(head.mark).toEqual(mark);
    expect(head.attributes.metadata).toEqual({ kept: 'over the crash' });
    expect(JSON.parse(saved.at(-1) as string).partsHeld).toBe(parts);
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it('begin anew when the bytes before were others, part by part', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket));
    let state: string | undefined;
    const save = async (text: string): Promise<void> => {
      state = text;
    };
    const options = { attributes: {}, size: bytes.length, mark: { operation: 'o', sha256: undefined } };
    await expectKind(
      storage.stage('a', breaking(bytes.subarray(0, 4 * PART_BYTES)), { ...options, resume: { state, save } }),
      'aborted',
    );
    expect(await uploadsOf(bucket)).toBe(1);
    const changed = bytes.slice();
    changed[PART_BYTES + 5] = (changed[PART_BYTES + 5] as number) ^ 1;
    const staged = await storage.stage('a', inChunks(changed), { ...options, resume: { state, save } });
    await storage.publish([{ staged, options: {} }]);
    const got = await storage.get('a');
    expect((await readBody(got)).equals(changed)).toBe(true);
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it('whose state names an upload that is gone begin anew', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket));
    const save = async (): Promise<void> => {};
    for (const state of [
      '',
      'null',
      '{"v":1}',
      '{"v":1,"uploadId":"2~x","id":"i","key":"a","partBytes":5242880,"fingerprint":"f"}',
    ]) {
      const staged = await storage.stage('a', inChunks(bytes), {
        attributes: {},
        size: bytes.length,
        mark: { operation: 'o', sha256: undefined },
        resume: { state, save },
      });
      await storage.discard([staged]);
    }
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it('of a writer that was killed are cleaned up, those of others are not', async () => {
    const bucket = await makeBucket(rgw);
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'foreign' }));
    const code = `
      import { openStore } from ${JSON.stringify(join(import.meta.dirname, 's3-stores.ts'))};
      const storage = await openStore(${JSON.stringify(settingsOf(rgw, bucket))});
      await storage.stage('a', new Uint8Array(${PART_BYTES + 1}), { attributes: {}, mark: { operation: 'o', sha256: undefined } });
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], { stdio: 'inherit' });
    await new Promise((resolve) => child.once('exit', resolve));
    expect(await uploadsOf(bucket)).toBe(2);
    await using storage = await openStore(settingsOf(rgw, bucket));
    expect(await storage.clean()).toBe(1);
    expect(await storage.clean()).toBe(0);
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads?.map(({ Key }) => Key)).toEqual(['foreign']);
  });

  it('leave no mark beside an object that was not published', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket));
    await putObject(storage, 'a', patternBytes(3));
    await expectKind(putObject(storage, 'a', inChunks(bytes), { ifAbsent: true }), 'precondition-failed');
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: '.pando/meta/' }));
    expect(Contents ?? []).toEqual([]);
    const { token } = await putObject(storage, 'b', inChunks(bytes));
    await storage.delete('b', { ifToken: token });
    const after = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: '.pando/meta/' }));
    expect(after.Contents ?? []).toEqual([]);
  });

  async function uploadsOf(bucket: string): Promise<number> {
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return (Uploads ?? []).length;
  }
});

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes);
  await sleep(300);
  throw new Error('the source broke');
}
