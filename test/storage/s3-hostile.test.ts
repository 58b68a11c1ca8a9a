import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage, StorageErrorKind } from '../../src/ports/storage.ts';
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

const { rgw, client } = await useRgw();

type Headers = Readonly<Record<string, string>>;

describe('S3 answered by something that lies, or is no S3', { timeout: 60_000 }, () => {
  const timeouts = { connectMs: 500, requestMs: 1500, idleMs: 500 };
  const large = patternBytes(2 * PART_BYTES + 1000, 3);
  let proxy: CountingProxy;
  let bucket: string;
  let storage: Storage;

  beforeEach(async () => {
    proxy = await startCountingProxy(rgw);
    bucket = await makeBucket(rgw);
    storage = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint }, { timeouts });
    await putObject(storage, 'a', patternBytes(1000));
  });
  afterEach(async () => {
    await storage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  function answer(
    status: number,
    headers: Headers,
    body: string | Uint8Array,
    isMeant?: (request: string) => boolean,
  ): void {
    proxy.onRequest = ({ method, url }, response) => {
      if (isMeant?.(`${method} ${url}`) === false) return 'pass';
      response.writeHead(status, headers).end(body);
      return 'answered';
    };
  }

  function answerXml(xml: string, isMeant?: (request: string) => boolean): void {
    answer(200, { 'content-type': 'application/xml' }, xml, isMeant);
  }

  const readA = async (options: Parameters<Storage['get']>[1] = {}): Promise<Uint8Array> =>
    readBody(await storage.get('a', options));

  it.each<[string, number, Headers]>([
    ['begins later', 206, { etag: '"x"', 'content-range': 'bytes 300-399/1000' }],
    ['ends earlier', 206, { etag: '"x"', 'content-range': 'bytes 200-299/1000' }],
    ['is not named', 206, { etag: '"x"' }],
    ['is of an object of unknown size', 206, { etag: '"x"', 'content-range': 'bytes 200-399/*' }],
  ])('a range that %s is not taken for the one asked for', async (_, status, headers) => {
    answer(status, headers, patternBytes(200));
    await expectKind(readA({ span: { start: 200, end: 400 } }), 'unavailable');
  });

  it.each<[string, number, Headers]>([
    ['does not say how long the object is', 200, { etag: '"x"', 'transfer-encoding': 'chunked' }],
    ['has no ETag', 200, { 'content-length': '1000' }],
    ['is a range nobody asked for', 206, { etag: '"x"', 'content-range': 'bytes 0-999/1000' }],
    ['is the page of a proxy', 200, { 'content-type': 'text/html' }],
  ])('an answer that %s is no object', async (_, status, headers) => {
    answer(status, headers, patternBytes(1000));
    await expectKind(readA(), 'unavailable');
    await expectKind(storage.head('a'), 'unavailable');
  });

  it('an object with another token than asked for is refused, also where the server does not know If-Match', async () => {
    answer(200, { etag: '"y"', 'content-length': '1000' }, patternBytes(1000));
    await expectKind(readA({ ifToken: 'x' }), 'precondition-failed');
  });

  it('a 404 that is not of S3 says nothing of the object', async () => {
    answer(404, {}, '<html>default backend</html>');
    await expectKind(readA(), 'unavailable');
  });

  it('a write that something else answers with 200 has failed', async () => {
    answer(200, { 'content-type': 'text/html' }, '<html>please log in</html>');
    await expectKind(putObject(storage, 'b', patternBytes(10)), 'unavailable');
    await expectKind(putObject(storage, 'b', large), 'unavailable');
  });

  it('an upload that is begun without an id, or completed by a page, has failed', async () => {
    answerXml('<InitiateMultipartUploadResult/>', (request) => /^POST .*uploads/.test(request));
    await expectKind(putObject(storage, 'b', large), 'unavailable');
    for (const page of ['<html/>', '', '<CompleteMultipartUploadResult><ETag>']) {
      answerXml(page, (request) => /^POST .*uploadId/.test(request));
      await expectKind(putObject(storage, 'b', large), 'unavailable');
    }
    proxy.onRequest = undefined;
    await expectKind(storage.head('b'), 'not-found');
  });

  it.each([
    ['the page of a proxy', '<html><body>please log in</body></html>'],
    ['nothing', ''],
    ['text', 'please log in'],
    ['a listing that is cut', '<ListBucketResult><Contents><Key>a</Key>'],
    ['a listing that does not say whether it goes on', '<ListBucketResult><Name>b</Name></ListBucketResult>'],
  ])('%s is not a listing with nothing in it', async (_, page) => {
    answerXml(page);
    await expectKind(listAll(storage, ''), 'unavailable');
  });

  it.each<[string, string]>([
    ['of an entry without a key', '<IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>'],
    ['of an entry without a size', '<IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>'],
    [
      'of an entry with no number for a size',
      '<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>x</Size></Contents>',
    ],
    ['that stands still', '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'],
    [
      'that stands still at what is reserved',
      '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><Contents><Key>.pando/x</Key><Size>1</Size></Contents>',
    ],
  ])('a listing %s is corrupt', async (_, xml) => {
    answerXml(`<ListBucketResult>${xml}</ListBucketResult>`);
    await expectKind(listAll(storage, ''), 'corrupt');
  });

  it('keys of a listing are decoded only if the server encoded them, and none is cut where its prefix is missing', async () => {
    await using below = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint, prefix: 'p/' });
    const keys = ['other', 'p/x%20y+z'].map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('');
    answerXml(`<ListBucketResult><IsTruncated>false</IsTruncated>${keys}</ListBucketResult>`);
    const [page] = await Array.fromAsync(below.list(''));
    expect(page?.objects.map(({ key }) => key)).toEqual(['x%20y+z']);
    expect(page?.failures).toMatchObject([{ shown: 'other', protects: '' }]);
  });

  it.each<[string, string, StorageErrorKind]>([
    ['refusal', 'HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n<Error>', 'unavailable'],
    [
      'switch to another protocol',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'unavailable',
    ],
  ])('a %s that hangs ends every request', async (_, head, kind) => {
    proxy.onRequest = (__, response) => {
      response.socket?.write(head);
      return 'hang';
    };
    await expectKind(readA(), kind);
    await expectKind(putObject(storage, 'b', patternBytes(10)), kind);
  });

  it('a listing that hangs in the middle times out', async () => {
    proxy.onRequest = (_, response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<ListBucketResult>');
      return 'hang';
    };
    await expectKind(listAll(storage, ''), 'timeout');
  });

  it('what a server says is shown on one line without control characters', async () => {
    answer(403, {}, '<Error><Code>Access\u001b[31mDenied</Code><Message>a\u001b[2J\nb</Message></Error>');
    await expect(storage.get('a')).rejects.toThrow('a [2J b');
    await expect(storage.get('a')).rejects.not.toThrow('\u001b');
  });

  it('a timeout while the server is asked what it enforces is not taken for an answer', async () => {
    await using fresh = await openStore({ ...settingsOf(rgw, bucket), endpointUrl: proxy.endpoint }, { timeouts });
    answer(400, {}, '<Error><Code>RequestTimeout</Code></Error>');
    await expectKind(putObject(fresh, 'b', patternBytes(10)), 'timeout');
    proxy.onRequest = undefined;
    await putObject(fresh, 'b', patternBytes(10));
    expect(fresh.capabilities).toMatchObject({ conditionalPut: 'enforced', checksPut: true });
  });

  it('an object of the same size that came between an upload and the look at it is not taken for the upload', async () => {
    const other = patternBytes(large.length, 9);
    proxy.onRequest = ({ method, url }, response) => {
      if (method !== 'HEAD' || !url.includes('/b')) return 'pass';
      proxy.onRequest = undefined;
      void (async () => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'b', Body: other }));
        const { token, size } = await storage.head('b');
        response.writeHead(200, { etag: `"${token}"`, 'content-length': size }).end();
      })();
      return 'answered';
    };
    await expectKind(putObject(storage, 'b', large), 'changed');
    expect(sha256Of(await readBody(await storage.get('b')))).toBe(sha256Of(other));
  });
});

/** Passes connections on to a server, or answers what comes over them without reading it. */
class DeafServer implements AsyncDisposable {
  answer: string | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      const { answer } = this;
      if (answer === undefined) {
        const onwards = connect(port, '127.0.0.1').on('error', () => socket.destroy());
        socket.pipe(onwards).pipe(socket);
      } else socket.once('data', () => socket.pause().write(answer));
    });
  }

  static async start(target: { readonly port: number }): Promise<DeafServer> {
    const one = new DeafServer(target.port);
    one.#server.listen(0, '127.0.0.1');
    await once(one.#server, 'listening');
    return one;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many its clients hold; for that it must read in the end. */
  async countConnections(): Promise<number> {
    for (const socket of this.#sockets) socket.resume();
    for (let i = 0; i < 100 && this.#sockets.size > 0; i++) await delay(50);
    return this.#sockets.size;
  }

  async disconnect(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await delay(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
    this.#server.close();
  }
}

describe('S3 that answers before it has the bytes', { timeout: 60_000 }, () => {
  it.each([
    ['refuses', 'HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n', 'precondition-failed'],
    ['accepts', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nEtag: "x"\r\n\r\n', 'unavailable'],
  ] as const)('and %s them has not taken them, and keeps no connection', async (_, said, kind) => {
    await using server = await DeafServer.start(rgw);
    const settings = { ...settingsOf(rgw, await makeBucket(rgw)), endpointUrl: server.endpoint };
    await using storage = await openStore(
      { ...settings, multipartThreshold: 8 * PART_BYTES },
      { timeouts: { requestMs: 1500 }, retry: { attemptsMax: 1, delayMs: 1 }, concurrency: 2 },
    );
    await putObject(storage, 'a', patternBytes(10));
    await server.disconnect();
    server.answer = said;
    const bytes = patternBytes(4 * PART_BYTES);
    for (let i = 0; i < 4; i++) await expectKind(putObject(storage, 'a', bytes), kind);
    expect(await server.countConnections()).toBe(0);
  });
});
