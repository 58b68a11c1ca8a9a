import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Storage, StorageError } from '../../src/ports/storage.ts';
import {
  expectKind,
  listAll,
  patternBytes,
  putObject,
  readBody,
  sha256Of,
} from '../../src/testing/storage-contract/harness.ts';
import { type CountingProxy, startCountingProxy } from '../servers/counting-proxy.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, PART_BYTES, settingsOf } from './s3-stores.ts';

const { rgw } = await useRgw();

describe('S3 on the wire', { timeout: 60_000 }, () => {
  let proxy: CountingProxy;
  let bucket: string;
  let storage: Storage;
  const large = patternBytes(2 * PART_BYTES + 1000, 3);

  beforeEach(async () => {
    proxy = await startCountingProxy(rgw);
    bucket = await makeBucket(rgw);
    storage = await openStore(
      { ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint },
      {
        timeouts: { connectMs: 500, requestMs: 1500, idleMs: 500 },
      },
    );
  });
  afterEach(async () => {
    await storage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  it('asks nothing when it is opened, and what the server enforces before the first write only', async () => {
    expect(proxy.take()).toEqual([]);
    expect(storage.capabilities).toMatchObject({ conditionalPut: 'none', checksPut: false });
    await putObject(storage, 'a', patternBytes(10));
    expect(proxy.take().length).toBeLessThanOrEqual(6);
    expect(storage.capabilities).toMatchObject({ conditionalPut: 'enforced', checksPut: true });
    await putObject(storage, 'b', patternBytes(10));
    expect(proxy.take()).toEqual(['PUT']);
  });

  it('needs one request for a known hit, for a range, and for a miss', async () => {
    const { token } = await putObject(storage, 'a', patternBytes(100_000));
    proxy.take();
    await readBody(await storage.get('a', { ifToken: token }));
    expect(proxy.take()).toEqual(['GET']);
    await readBody(await storage.get('a', { ifToken: token, span: { start: 10, end: 20 } }));
    expect(proxy.take()).toEqual(['GET']);
    await expectKind(storage.get('absent', { ifToken: token }), 'not-found');
    expect(proxy.take()).toEqual(['GET']);
    await expectKind(storage.get('a', { ifToken: 'another' }), 'precondition-failed');
    expect(proxy.take()).toEqual(['GET']);
    await storage.head('a');
    expect(proxy.take()).toEqual(['HEAD']);
  });

  it('needs one request for a small object, also on a condition', async () => {
    const { token } = await putObject(storage, 'a', patternBytes(10, 1));
    await putObject(storage, 'a', patternBytes(10, 2), { ifToken: token });
    proxy.take();
    await putObject(storage, 'b', patternBytes(10), { ifAbsent: true });
    expect(proxy.take()).toEqual(['PUT']);
    const second = await storage.head('a');
    proxy.take();
    await putObject(storage, 'a', patternBytes(10, 3), { ifToken: second.token });
    expect(proxy.take()).toEqual(['PUT']);
  });

  it('signs a small object with the hash its mark names', async () => {
    await putObject(storage, 'a', patternBytes(10));
    const bytes = patternBytes(5000, 5);
    await putObject(storage, 'b', bytes);
    expect(proxy.seen.at(-1)?.headers['x-amz-content-sha256']).toBe(sha256Of(bytes));
  });

  it('keeps connections, and does not wait for 100-continue', async () => {
    await putObject(storage, 'large', large);
    expect(proxy.seen.every(({ headers }) => headers.expect === undefined)).toBe(true);
    expect(proxy.seen.every(({ headers }) => headers.connection === 'keep-alive')).toBe(true);
  });

  it('times out on a server that hangs, at each request', async () => {
    await putObject(storage, 'a', patternBytes(10));
    proxy.onRequest = () => 'hang';
    const started = performance.now();
    const calls = [storage.get('a'), storage.head('a'), storage.delete('a')];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes).toMatchObject(calls.map(() => ({ status: 'rejected', reason: { kind: 'timeout' } })));
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('times out on a body that stands still', async () => {
    await putObject(storage, 'a', large);
    proxy.stallAnswersAt = 1_000_000;
    const got = await storage.get('a');
    await expectKind(readBody(got), 'timeout');
  });

  it('says unavailable of a body whose connection breaks, however small', async () => {
    await putObject(storage, 'a', large);
    await putObject(storage, 'small', patternBytes(100_000));
    proxy.cutAnswersAt = 1000;
    const got = await storage.get('a');
    await expectKind(readBody(got), 'unavailable');
    await expectKind(storage.get('small'), 'unavailable');
  });

  it('gives no byte more than asked for by a server that ignores ranges', async () => {
    const bytes = patternBytes(400_000, 9);
    await putObject(storage, 'a', bytes);
    proxy.onRequest = ({ method }, response) => {
      if (method !== 'GET') return 'pass';
      response.writeHead(200, { etag: '"x"', 'content-length': bytes.length });
      response.end(bytes);
      return 'answered';
    };
    for (const [start, end] of [
      [100, 300_000],
      [399_999, 400_010],
    ] as const) {
      const got = await storage.get('a', { span: { start, end } });
      expect((await readBody(got)).equals(bytes.subarray(start, end))).toBe(true);
    }
  });

  it('sends again what was refused for a moment, and finds its own write when only the answer was lost', async () => {
    await putObject(storage, 'warm', patternBytes(10));
    let refusals = 2;
    proxy.onRequest = (_, response) => {
      if (refusals-- <= 0) return 'pass';
      response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
      return 'answered';
    };
    await putObject(storage, 'a', patternBytes(10), { ifAbsent: true });
    expect((await storage.head('a')).size).toBe(10);

    proxy.onRequest = undefined;
    proxy.cutAnswersAt = undefined;
    let lost = false;
    proxy.onRequest = ({ method, url }, response) => {
      if (method === 'PUT' && url.includes('/b') && !lost) {
        lost = true;
        response.on('pipe', () => {});
        const { writeHead } = response;
        response.writeHead = ((...args: Parameters<typeof writeHead>) => {
          response.socket?.destroy();
          return Reflect.apply(writeHead, response, args);
        }) as typeof writeHead;
      }
      return 'pass';
    };
    const bytes = patternBytes(20, 4);
    const published = await putObject(storage, 'b', bytes, { ifAbsent: true });
    expect(lost).toBe(true);
    expect(published.token).toBe((await storage.head('b')).token);
  });

  it('fails as throttled when refusals do not end, and as full, denied or unavailable by what was said', async () => {
    await putObject(storage, 'warm', patternBytes(10));
    const said: [number, string, string][] = [
      [503, 'SlowDown', 'throttled'],
      [429, '', 'throttled'],
      [403, 'QuotaExceeded', 'full'],
      [507, '', 'full'],
      [403, 'AccessDenied', 'denied'],
      [500, 'InternalError', 'unavailable'],
      [502, '', 'unavailable'],
      [400, 'MetadataTooLarge', 'unsupported'],
    ];
    for (const [status, code, kind] of said) {
      proxy.onRequest = (_, response) => {
        response.writeHead(status).end(code === '' ? '<html>' : `<Error><Code>${code}</Code></Error>`);
        return 'answered';
      };
      await expectKind(putObject(storage, 'a', patternBytes(10)), kind as StorageError['kind']);
    }
  });

  it('lists a page a request, and goes past its own documents without reading them', async () => {
    await putObject(storage, 'z', patternBytes(10));
    proxy.take();
    await listAll(storage, '');
    expect(proxy.take()).toEqual(['GET']);
  });

  it('reads listings with every kind of escape', async () => {
    proxy.onRequest = (_, response) => {
      const contents = ['a+b', 'a%2Bc', 'd%FFe', 'dir/%FE', 'e/', 'f//g', '.pando/x', '%F0%9F%98%80']
        .map(
          (key) =>
            `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
        )
        .join('');
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(
        `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`,
      );
      return 'answered';
    };
    const [page] = await Array.fromAsync(storage.list(''));
    expect(page?.objects.map(({ key }) => key)).toEqual(['a b', 'a+c', '\u{1f600}']);
    expect(page?.markers).toBe(1);
    expect(page?.failures).toMatchObject([
      { kind: 'not-utf8', shown: 'd\\xffe', protects: '' },
      { kind: 'not-utf8', shown: 'dir/\\xfe', protects: 'dir/' },
      { kind: 'invalid-key', protects: 'f//g' },
    ]);
  });

  it('fails as corrupt on a listing that is not in order', async () => {
    proxy.onRequest = (_, response) => {
      const contents = ['b', 'a']
        .map((key) => `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`)
        .join('');
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
      return 'answered';
    };
    await expectKind(listAll(storage, ''), 'corrupt');
  });
});
