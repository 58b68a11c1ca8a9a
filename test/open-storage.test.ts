import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openStorage } from '../src/open-storage.ts';
import type { Storage } from '../src/ports/storage.ts';
import { configure } from './config/configure.ts';

/** The store of a profile as a file says it, with these keys of the profile. */
function open(provider: string, keys = '', workers = 1): Promise<Storage> {
  const { profiles } = configure(`profiles:\n  data:\n    storage_provider: ${provider}\n${keys}`);
  return openStorage(profiles['data']!, { place: 'test', blocking: false, symlinks: 'follow', workers });
}

describe('a store of type s3 does what its profile says:', () => {
  const seen: IncomingMessage[] = [];
  let answer: (response: ServerResponse) => void;
  let atOnce = 0;
  let atOnceMax = 0;
  const server = createServer((request, response) => {
    seen.push(request);
    atOnceMax = Math.max(atOnceMax, ++atOnce);
    response.once('close', () => atOnce--);
    answer(response);
  });
  let host: string;
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    seen.length = 0;
    atOnceMax = 0;
    answer = (response) => response.writeHead(200, { etag: '"t"', 'content-length': 3 }).end();
  });
  const KEYS = '    credentials_provider: {type: S3Credentials, options: {access_key: AKEY, secret_key: SKEY}}\n';
  const bucket = (options = '') =>
    `{type: s3, options: {base_path: bucket/prefix, endpoint_url: 'http://${host}'${options}}}`;

  test('base_path, endpoint_url, region and credentials are those of each request', async () => {
    await using storage = await open(bucket(', region: there'), KEYS);
    await storage.head('a');
    expect(seen[0]).toMatchObject({ method: 'HEAD', url: '/bucket/prefix/a', headers: { host } });
    expect(seen[0]?.headers.authorization).toMatch(/Credential=AKEY\/\d{8}\/there\/s3\//);
  });

  test('retry.attempts is how often it is asked in all, and retry.delay how long it may wait in between', async () => {
    answer = (response) => response.writeHead(503).end();
    await using storage = await open(bucket(), `${KEYS}    retry: {attempts: 20, delay: 0s}\n`);
    const startedMs = performance.now();
    await expect(storage.head('a')).rejects.toMatchObject({ kind: expect.stringMatching(/throttled|unavailable/) });
    expect(seen).toHaveLength(20);
    // With any delay that doubles so often it would be minutes.
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  });

  test('deadline is how long one attempt may take', async () => {
    answer = () => undefined;
    await using storage = await open(bucket(), `${KEYS}    deadline: 150ms\n    retry: {attempts: 1}\n`);
    const startedMs = performance.now();
    await expect(storage.head('a')).rejects.toMatchObject({ kind: 'timeout' });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(seen).toHaveLength(1);
  });

  test('concurrency is how many requests are under way at once, shared by all workers', async () => {
    answer = (response) =>
      void sleep(20).then(() => response.writeHead(200, { etag: '"t"', 'content-length': 3 }).end());
    await using storage = await open(bucket(), `${KEYS}    concurrency: 4\n`, 2);
    await Promise.all(Array.from({ length: 12 }, (_, i) => storage.head(`${i}`)));
    expect(atOnceMax).toBe(2);
  });
});

describe('a store of type file does what its profile says:', () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-open-storage-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const directory = `{type: file, options: {base_path: ${root}}}`;

  test('bandwidth is how many bytes it gives in a second', async () => {
    writeFileSync(join(root, 'a'), Buffer.alloc(60_000));
    await using storage = await open(directory, '    bandwidth: 100kB/s\n');
    const startedMs = performance.now();
    for (let round = 0; round < 2; round++) {
      const { body } = await storage.get('a');
      if (!(body instanceof Uint8Array)) for await (const _ of body);
    }
    expect(performance.now() - startedMs).toBeGreaterThan(500);
  });

  test('durability says whether what it is given is flushed', async () => {
    await using strict = await open(directory);
    await using relaxed = await open(directory, '    durability: relaxed\n');
    expect([strict.capabilities.soft, relaxed.capabilities.soft]).toEqual([false, true]);
  });
});
