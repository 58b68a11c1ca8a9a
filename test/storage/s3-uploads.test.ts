import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
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
import type { StageOptions } from '../../src/ports/storage.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { startedFile } from '../started-files.ts';
import { makeBucket, openStore, PART_BYTES, settingsOf } from './s3-stores.ts';

const { rgw, client } = await useRgw();

describe('S3 uploads in parts', { timeout: 120_000 }, () => {
  const parts = 6;
  const bytes = patternBytes(parts * PART_BYTES - 100, 8);
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'pando-s3-test-'));
  });
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  });

  it('are gone on with after kill -9: parts that are there are not sent again', async () => {
    const bucket = await makeBucket(rgw);
    const held = await killedMidway(bucket);
    await using proxy = await startCountingProxy(rgw);
    await using storage = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint });
    expect(await storage.clean(), 'an upload that may be gone on with is left alone').toBe(0);
    const mark = markOf(bytes);
    const staged = await storage.stage('big', inChunks(bytes), stageBytes());
    expect(partsSent(proxy)).toBeLessThanOrEqual(parts - held);
    const [published] = await storage.publish([{ staged, options: { mark } }]);
    expect(published).toMatchObject({ verification: 'store' });
    const got = await storage.get('big');
    expect(sha256Of(await readBody(got))).toBe(mark.sha256);
    const head = await storage.head('big');
    expect(head.mark).toEqual(mark);
    expect(head.attributes.metadata).toEqual({ kept: 'over the crash' });
    expect(await ownOf(bucket)).toEqual([expect.stringMatching(/^\.pando\/meta\//)]);
  });

  it.for([
    ['another state of the source', { resume: 'source 2' }],
    ['other metadata', { attributes: { metadata: { kept: 'not' } } }],
  ] as const)('are begun anew after kill -9 for %s, and the old one is ended', async ([, other]) => {
    const bucket = await makeBucket(rgw);
    await killedMidway(bucket);
    await using proxy = await startCountingProxy(rgw);
    await using storage = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint });
    const staged = await storage.stage('big', inChunks(bytes), { ...stageBytes(), ...other });
    expect(partsSent(proxy)).toBe(parts);
    expect(await uploadsOf(bucket)).toBe(1);
    await storage.publish([{ staged, options: { mark: markOf(bytes) } }]);
    expect(await uploadsOf(bucket)).toBe(0);
    expect(await ownOf(bucket)).toHaveLength(1);
  });

  it('are begun anew with parts of another size', async () => {
    const bucket = await makeBucket(rgw);
    await killedMidway(bucket);
    await using storage = await openStore({ ...settingsOf(rgw, bucket), partBytes: PART_BYTES + 1024 * 1024 });
    const staged = await storage.stage('big', inChunks(bytes), stageBytes());
    await storage.publish([{ staged, options: { mark: markOf(bytes) } }]);
    expect((await readBody(await storage.get('big'))).equals(bytes)).toBe(true);
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it('that a dead writer left are ended once their object is finished', async () => {
    const bucket = await makeBucket(rgw);
    await killedMidway(bucket);
    await using storage = await openStore(settingsOf(rgw, bucket));
    expect(await storage.clean({ isFinished: (key) => key !== 'big' })).toBe(0);
    expect(await storage.clean({ isFinished: (key) => key === 'big' })).toBe(1);
    expect(await uploadsOf(bucket)).toBe(0);
    expect(await ownOf(bucket)).toEqual([]);
  });

  it('that a writer has which lives are left to it: the other sends all parts', async () => {
    const bucket = await makeBucket(rgw);
    const { child, registered } = await startedUpload(bucket);
    await using storage = await openStore(settingsOf(rgw, bucket));
    const staged = await storage.stage('big', inChunks(bytes), stageBytes());
    expect(await ownOf(bucket)).toContain(registered);
    await storage.publish([{ staged, options: { mark: markOf(bytes) } }]);
    expect((await readBody(await storage.get('big'))).equals(bytes)).toBe(true);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await storage.clean({ isFinished: () => true });
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it('are left alone by a writer that was taken for dead, when it gives up', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket));
    const sleeper = await storage.stage('big', inChunks(bytes), stageBytes());
    const [entry] = (await ownOf(bucket)) as [string];
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: entry }));
    const upload = JSON.parse((await answer.Body?.transformToString()) ?? '') as { process: object };
    const taken = JSON.stringify({ ...upload, process: { ...upload.process, host: 'another' } });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: entry, Body: taken }));
    await storage.discard([sleeper]);
    expect(await uploadsOf(bucket)).toBe(1);
    expect(await ownOf(bucket)).toEqual([entry]);
  });

  it('whose beginning was answered to a dead writer are ended; others of that key are not', async () => {
    const bucket = await makeBucket(rgw);
    const begin = (Key: string) => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    const { UploadId: before } = await begin('a');
    await sleep(1100);
    const dead = { host: hostname(), pid: 2 ** 22 + 1, startedMs: 0 };
    const Body = JSON.stringify({ key: 'a', mark: 'm', process: dead });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: '.pando/uploads/m', Body }));
    await begin('a');
    await begin('ab');
    await using storage = await openStore(settingsOf(rgw, bucket));
    expect(await storage.clean()).toBe(1);
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads?.map(({ Key, UploadId }) => [Key, UploadId === before])).toEqual([
      ['a', true],
      ['ab', false],
    ]);
    expect(await ownOf(bucket)).toEqual([]);
  });

  it('are made without the right to look at uploads; what a dead writer left stays then', async () => {
    const bucket = await makeBucket(rgw);
    await killedMidway(bucket);
    await using proxy = await startCountingProxy(rgw);
    proxy.onRequest = ({ method, url }, response) => {
      const isRight = url.includes('uploadId=')
        ? method === 'GET' || method === 'DELETE'
        : /[?&]uploads(=|&|$)/.test(url);
      if (!isRight || method === 'POST') return 'pass';
      response.writeHead(403).end();
      return 'answered';
    };
    await using storage = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint });
    expect(await storage.clean()).toBe(0);
    const staged = await storage.stage('big', inChunks(bytes), stageBytes());
    await storage.publish([{ staged, options: { mark: markOf(bytes) } }]);
    expect(await storage.clean({ isFinished: () => true })).toBe(0);
    expect((await readBody(await storage.get('big'))).equals(bytes)).toBe(true);
    expect(await uploadsOf(bucket)).toBe(1);
  });

  it('begin anew when the bytes before were others, part by part', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket));
    await expectKind(storage.stage('a', breaking(bytes.subarray(0, 4 * PART_BYTES)), stageBytes()), 'aborted');
    expect(await uploadsOf(bucket)).toBe(1);
    const changed = bytes.slice();
    changed[PART_BYTES + 5] = (changed[PART_BYTES + 5] as number) ^ 1;
    const staged = await storage.stage('a', inChunks(changed), stageBytes());
    await storage.publish([{ staged, options: {} }]);
    const got = await storage.get('a');
    expect((await readBody(got)).equals(changed)).toBe(true);
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it('that are gone though they are registered begin anew', async () => {
    const bucket = await makeBucket(rgw);
    await killedMidway(bucket);
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    const { UploadId } = Uploads?.[0] ?? {};
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: 'big', UploadId }));
    await using storage = await openStore(settingsOf(rgw, bucket));
    const staged = await storage.stage('big', inChunks(bytes), stageBytes());
    await storage.publish([{ staged, options: { mark: markOf(bytes) } }]);
    expect((await readBody(await storage.get('big'))).equals(bytes)).toBe(true);
    expect(await ownOf(bucket)).toHaveLength(1);
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

  /** A replacement takes the mark beside what it replaces with it. */
  it('that replace one another leave one mark', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket));
    const { token } = await putObject(storage, 'a', inChunks(bytes));
    await putObject(storage, 'a', inChunks(patternBytes(bytes.length, 9)), { ifToken: token });
    expect(await ownOf(bucket)).toHaveLength(1);
    expect((await storage.head('a')).mark).toBeDefined();
  });

  function stageBytes(): StageOptions {
    const attributes = { metadata: { kept: 'over the crash' } };
    return { attributes, mark: { operation: 'second', sha256: undefined }, size: bytes.length, resume: 'source 1' };
  }

  /** A writer of its own that has brought two parts or more, and where it is registered. */
  async function startedUpload(bucket: string): Promise<{ child: ChildProcess; registered: string; held: number }> {
    const file = join(scratch, 'bytes');
    writeFileSync(file, bytes);
    const task = JSON.stringify({ settings: settingsOf(rgw, bucket), key: 'big', file });
    const script = startedFile(join(import.meta.dirname, 'upload-child.ts'));
    const child = spawn(process.execPath, [script, task], { stdio: 'inherit' });
    children.push(child);
    for (;;) {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      const input = { Bucket: bucket, Key: 'big', UploadId: Uploads?.[0]?.UploadId };
      const held = Uploads === undefined ? 0 : ((await client.send(new ListPartsCommand(input))).Parts?.length ?? 0);
      const [registered] = await ownOf(bucket);
      expect(child.exitCode).toBe(null);
      if (held >= 2 && registered !== undefined) return { child, registered, held };
      await sleep(10);
    }
  }

  /** The parts that were there before it was killed. */
  async function killedMidway(bucket: string): Promise<number> {
    const { child, held } = await startedUpload(bucket);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(held).toBeLessThan(parts);
    return held;
  }

  /** What lies below `.pando/`. */
  async function ownOf(bucket: string): Promise<string[]> {
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: '.pando/' }));
    return (Contents ?? []).map(({ Key }) => Key ?? '');
  }

  async function uploadsOf(bucket: string): Promise<number> {
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return (Uploads ?? []).length;
  }
});

function partsSent({ seen }: CountingProxy): number {
  return seen.filter(({ url }) => url.includes('partNumber=')).length;
}

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inChunks(bytes);
  await sleep(300);
  throw new Error('the source broke');
}
