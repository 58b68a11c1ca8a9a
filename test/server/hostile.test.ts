import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchangeRaw, ServerProcess } from './server-process.ts';

const MIB = 1024 * 1024;

describe('a hostile or broken client', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });
  const raw = (parts: readonly (string | Buffer)[], options = {}) => exchangeRaw(server.port, parts, options);
  const statusesOf = (said: string) => [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

  it.each([
    ['a segment that climbs', '/h/a/../b'],
    ['one whose slash is encoded', '/h/..%2fb'],
    ['one that is encoded', '/h/%2e%2e/b'],
    ['one encoded twice is a name, and decoded once', '/h/%252e%252e/b'],
    ['NUL', '/h/a%00b'],
    ['a line break', '/h/a%0d%0aX-Evil:%201'],
    ['bytes that are no UTF-8', '/h/%ff%fe'],
    ['a surrogate', '/h/%ed%a0%80'],
    ['a half percent', '/h/a%2'],
    ['a raw byte', '/h/\u00e9'],
    ['a fragment', '/h/a#b'],
    ['a scope with a slash in it', '/h%2fx/a'],
    ['a scope that is a directory', '/../a'],
    ['Pando’s own directory', '/h/.pando/staging'],
    ['a name that is a directory', '/h/a/'],
    ['an empty segment', '/h/a//b'],
    ['an absolute address', 'http://elsewhere/h/a'],
    ['a query nobody knows', '/h/a?uploads'],
    ['a query said twice', '/h?prefix=a&prefix=b'],
  ])('is told 400 for %s', async (what, path) => {
    const said = await raw([`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`]);
    expect(statusesOf(said)).toEqual([what.includes('twice is a name') ? 404 : 400]);
    expect(said.slice(0, said.indexOf('\r\n\r\n'))).not.toMatch(/x-evil/i);
    const body = JSON.parse(said.slice(said.indexOf('\r\n\r\n'))) as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(['code', 'message']);
  });

  it('cannot hide a request in another', async () => {
    const hidden = 'PUT /h/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';
    const attempts = [
      `PUT /h/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `PUT /h/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `PUT /h/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
      `PUT /h/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `GET /h/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `PUT /h/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello${hidden}`,
    ];
    for (const attempt of attempts) expect(statusesOf(await raw([attempt]))).toEqual([400]);
    expect(await server.text('/h/smuggled')).toBeUndefined();
    expect(await server.text('/h/a')).toBeUndefined();
  });

  it('that breaks off, or sends more or less than it said, makes no object', async () => {
    const head = (more: string) => `PUT /h/torn HTTP/1.1\r\nHost: localhost\r\n${more}\r\n\r\n`;
    await raw([head('Content-Length: 100'), 'only this'], { endAfter: true });
    await raw([head(`Content-Length: ${4 * MIB}`), Buffer.alloc(2 * MIB)], { pauseMs: 100, endAfter: true });
    await raw([head('Transfer-Encoding: chunked'), '5\r\nhello\r\n'], { pauseMs: 50, endAfter: true });
    await raw([head('Transfer-Encoding: chunked'), '5\r\nhello\r\nzz\r\n'], { pauseMs: 50 });
    expect((await server.fetch('/h/torn')).status).toBe(404);
    const more = await raw([head('Content-Length: 5'), 'hello and more']);
    expect(statusesOf(more)).toEqual([200, 400]);
    expect(await server.text('/h/torn')).toBe('hello');
  });

  it('with too many or too large headers, or without a host, is refused', async () => {
    expect(statusesOf(await raw([`GET /h/a HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`]))).toEqual(
      [431],
    );
    expect(statusesOf(await raw([`GET /h/${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`]))).toEqual([431]);
    expect(statusesOf(await raw(['GET /h/a HTTP/1.1\r\n\r\n']))).toEqual([400]);
    expect(statusesOf(await raw(['\u0016\u0003\u0001 hello\r\n\r\n']))).toEqual([400]);
    const metadata = await server.put('/h/a', 'x', { 'x-amz-meta-a': 'm'.repeat(3000) });
    expect(metadata.status).toBe(400);
  });

  it('with a hundred thousand lines of headers is refused, and no line is lost among many', async () => {
    await server.put('/h/many', 'kept');
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `h${at}: x\r\n`).join('');
    const put = (path: string, count: number) =>
      `${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n${lines(count)}If-None-Match: *\r\nConnection: close\r\n\r\nx`;
    for (const [count, expected] of [
      [90, 412],
      [150, 431],
      [100_000, 431],
    ] as const) {
      expect(statusesOf(await raw([put('PUT /h/many', count)])), `${count}`).toEqual([expected]);
      if (expected === 431) expect(statusesOf(await raw([put('POST /_peer/v1/hello', count)]))).toEqual([431]);
    }
    expect(await server.text('/h/many')).toBe('kept');
  });

  it('puts no header into an answer, and no line into another', async () => {
    const head = (line: string) =>
      `PUT /h/injected HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n${line}\r\n\r\nx`;
    for (const line of [
      'x-amz-meta-a: b\nX-Evil: 1',
      'x-amz-meta-a: b\rX-Evil: 1',
      'x-amz-meta-a: b\0X-Evil: 1',
      'Content-Type: text/x\r\n X-Evil: 1',
      'x-amz-meta-a b: 1',
      ': 1',
    ])
      expect(statusesOf(await raw([head(line)])), JSON.stringify(line)).toEqual([400]);
    expect(await server.text('/h/injected')).toBeUndefined();
    // As text it is a value like any other.
    expect(statusesOf(await raw([head('x-amz-meta-a: %0d%0aX-Evil: 1')]))).toEqual([200]);
    const told = await server.fetch('/h/injected', { headers: { 'x-request-id': 'a%0d%0aX-Evil: 1' } });
    expect([told.headers.get('x-amz-meta-a'), told.headers.has('x-evil')]).toEqual(['%0d%0aX-Evil: 1', false]);
  });

  it('asks for what a header would have changed, and is told that it is not understood', async () => {
    for (const header of [
      { 'content-range': 'bytes 0-0/2' },
      { 'x-amz-copy-source': '/b/k' },
      { 'content-encoding': 'gzip' },
    ])
      expect((await server.put('/h/not', 'x', header as Record<string, string>)).status).toBe(501);
    expect(await server.text('/h/not')).toBeUndefined();
    const method = await server.fetch('/h/a', { method: 'PATCH' });
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, DELETE']);
    expect((await server.fetch('/admin/nothing')).status).toBe(404);
    expect((await server.put('/metrics/a', 'x')).status).toBe(404);
  });

  it('that waits for leave to send a body gets it, or the answer in its place', async () => {
    const head = (name: string, more = '') =>
      `PUT /h/${name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n${more}\r\n`;
    const taken = await raw([head('leave'), 'hello'], { pauseMs: 300 });
    expect(statusesOf(taken)).toEqual([100, 200]);
    const refused = await raw([head('leave', 'If-None-Match: *\r\n')]);
    expect(statusesOf(refused)).toEqual([412]);
    expect(statusesOf(await raw([head('leave/')]))).toEqual([400]);
    expect(await server.text('/h/leave')).toBe('hello');
  });

  it('that sends a large body to what refuses it sees the refusal', async () => {
    await server.put('/h/there', 'x');
    const head = `PUT /h/there HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${64 * MIB}\r\nIf-None-Match: *\r\n\r\n`;
    expect(statusesOf(await raw([head, Buffer.alloc(4 * MIB)]))).toEqual([412]);
    expect(await server.text('/h/there')).toBe('x');
  });

  it('that trickles keeps nobody else waiting', async () => {
    const slow = Array.from({ length: 50 }, () =>
      exchangeRaw(server.port, ['GET /h/a HT', 'TP/1.1\r\nA'], { pauseMs: 500 }),
    );
    const startedMs = Date.now();
    expect((await server.put('/h/quick', 'quick')).status).toBe(200);
    expect(Date.now() - startedMs).toBeLessThan(3_000);
    await Promise.all(slow);
  });

  it('that pipelines gets its answers in order', async () => {
    const puts = ['one', 'two'].map(
      (text) => `PUT /h/pipe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n${text}`,
    );
    const said = await raw([`${puts.join('')}GET /h/pipe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`]);
    expect(statusesOf(said)).toEqual([200, 200, 200]);
    expect(said.endsWith('two')).toBe(true);
    expect(said).toContain(createHash('md5').update('two').digest('hex'));
  });
});
