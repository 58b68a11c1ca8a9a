import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchangeRaw, ServerProcess } from './server-process.ts';

const md5 = (bytes: string | Uint8Array): string => createHash('md5').update(bytes).digest('hex');

describe('objects over HTTP', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('are what was put, with type, metadata, ETag and version', async () => {
    const headers = { 'content-type': 'text/x-poem', 'x-amz-meta-Author': 'anon' };
    const put = await server.put('/s/dir/a%20b%2Fc', 'hello', headers);
    expect([put.status, put.headers.get('etag')]).toEqual([200, `"${md5('hello')}"`]);
    const got = await server.fetch('/s/dir/a%20b/c');
    expect(await got.text()).toBe('hello');
    const told = Object.fromEntries(got.headers);
    expect(told).toMatchObject({
      etag: `"${md5('hello')}"`,
      'content-type': 'text/x-poem',
      'content-length': '5',
      'x-amz-meta-author': 'anon',
      'x-pando-version': put.headers.get('x-pando-version'),
      'accept-ranges': 'bytes',
    });
    expect(Date.parse(told['last-modified'] ?? '')).toBeGreaterThan(Date.now() - 60_000);
    const head = await server.fetch('/s/dir/a%20b/c', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
    expect(head.headers.get('etag')).toBe(`"${md5('hello')}"`);
  });

  it('of no bytes are objects', async () => {
    expect((await server.put('/s/empty', '')).status).toBe(200);
    const got = await server.fetch('/s/empty');
    expect([got.status, got.headers.get('content-length'), await got.text()]).toEqual([200, '0', '']);
  });

  it('are overwritten, and deleted, and one that is not there is deleted, too', async () => {
    await server.put('/s/changing', 'one');
    await server.put('/s/changing', 'two');
    expect(await server.text('/s/changing')).toBe('two');
    const gone = await server.fetch('/s/changing', { method: 'DELETE' });
    expect([gone.status, gone.headers.has('x-pando-version')]).toEqual([204, true]);
    const missing = await server.fetch('/s/changing');
    expect([missing.status, ((await missing.json()) as { code: string }).code]).toEqual([404, 'not-found']);
    const again = await server.fetch('/s/changing', { method: 'DELETE' });
    expect([again.status, again.headers.has('x-pando-version')]).toEqual([204, false]);
  });

  it('have names of up to 1,024 bytes in any script', async () => {
    const name = `${'é'.repeat(500)}/${'ж'.repeat(11)}x`;
    expect(Buffer.byteLength(name)).toBe(1024);
    expect((await server.put(`/s/${encodeURI(name)}`, 'far')).status).toBe(200);
    expect(await server.text(`/s/${encodeURIComponent(name)}`)).toBe('far');
    const longer = await server.put(`/s/${encodeURI(name)}y`, 'far');
    expect([longer.status, ((await longer.json()) as { code: string }).code]).toEqual([400, 'invalid-name']);
  });

  it('are read in ranges', async () => {
    await server.put('/s/ranged', '0123456789');
    const range = async (text: string) => {
      const got = await server.fetch('/s/ranged', { headers: { range: text } });
      return [got.status, got.headers.get('content-range'), got.status === 416 ? '' : await got.text()];
    };
    expect(await range('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await range('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=5-100')).toEqual([206, 'bytes 5-9/10', '56789']);
    expect(await range('bytes=10-')).toEqual([416, 'bytes */10', '']);
    expect(await range('bytes=-0')).toEqual([416, 'bytes */10', '']);
    expect(await range('bytes=4-2')).toEqual([200, null, '0123456789']);
    expect(await range('bytes=0-1,3-4')).toEqual([200, null, '0123456789']);
    const etag = `"${md5('0123456789')}"`;
    const ifRange = (tag: string) =>
      server.fetch('/s/ranged', { headers: { range: 'bytes=0-1', 'if-range': tag } }).then(({ status }) => status);
    expect([await ifRange(etag), await ifRange('"other"')]).toEqual([206, 200]);
  });

  it('of many megabytes stream in both directions in flat memory', async () => {
    const chunk = randomBytes(1024 * 1024);
    const chunks = 96;
    const hash = createHash('md5');
    const residentMib = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
    const before = residentMib();
    const status = await new Promise<number>((done, fail) => {
      const { port } = server;
      const request = http.request({ port, method: 'PUT', path: '/s/large' }, (response) => {
        response.resume();
        done(response.statusCode ?? 0);
      });
      request.on('error', fail);
      void (async () => {
        for (let sent = 0; sent < chunks; sent++) {
          hash.update(chunk);
          if (!request.write(chunk)) await new Promise((drained) => request.once('drain', drained));
        }
        request.end();
      })();
    });
    expect(status).toBe(200);
    const got = await server.fetch('/s/large');
    const back = createHash('md5');
    for await (const part of got.body as unknown as AsyncIterable<Uint8Array>) back.update(part);
    const sum = hash.digest('hex');
    expect(back.digest('hex')).toBe(sum);
    expect(got.headers.get('etag')).toBe(`"${sum}"`);
    expect(residentMib() - before).toBeLessThan(90);
  });

  it('are listed by prefix, delimiter and page', async () => {
    const names = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'é'];
    for (const name of names) await server.put(`/listed/${encodeURI(name)}`, name);
    interface Listing {
      readonly objects: readonly { readonly name: string; readonly size: number; readonly etag: string }[];
      readonly prefixes: readonly string[];
      readonly isTruncated: boolean;
      readonly nextStartAfter?: string;
    }
    const list = async (query: string) => (await (await server.fetch(`/listed${query}`)).json()) as Listing;
    const namesOf = ({ objects }: Listing) => objects.map(({ name }) => name);
    const all = await list('');
    expect(namesOf(all)).toEqual(names);
    expect(all.objects[1]).toMatchObject({ name: 'b/1', size: 3, etag: `"${md5('b/1')}"` });
    const top = await list('/?delimiter=/');
    expect([namesOf(top), top.prefixes]).toEqual([['a', 'd', 'é'], ['b/']]);
    const below = await list('?prefix=b%2F&delimiter=%2F');
    expect([namesOf(below), below.prefixes]).toEqual([['b/1', 'b/2'], ['b/c/']]);
    const seen: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Listing = await list(`?delimiter=/&max-keys=1&start-after=${encodeURIComponent(after)}`);
      expect(page.objects.length + page.prefixes.length).toBeLessThanOrEqual(1);
      seen.push(...namesOf(page), ...page.prefixes);
      expect(page.isTruncated).toBe(page.nextStartAfter !== undefined);
      after = page.nextStartAfter;
    }
    expect(seen).toEqual(['a', 'b/', 'd', 'é']);
    expect(namesOf(await list('?start-after=b/2'))).toEqual(['b/c/3', 'd', 'é']);
  });

  it('lie below the data directory, and nothing but their own directory is made there', () => {
    const made = readdirSync(join(server.root, 'data')).filter((name) => !name.startsWith('catalog.sqlite'));
    expect(made).toEqual(['objects']);
    expect(existsSync(join(server.root, 'data/objects/.pando'))).toBe(true);
  });

  it('are there with all that was said of them after a restart', async () => {
    await server.put('/s/kept', 'kept', { 'content-type': 'text/x-kept', 'x-amz-meta-k': 'v' });
    expect(await server.end('SIGTERM')).toBe(0);
    await using again = await ServerProcess.start({ root: server.root });
    const got = await again.fetch('/s/kept');
    expect(await got.text()).toBe('kept');
    expect(Object.fromEntries(got.headers)).toMatchObject({
      etag: `"${md5('kept')}"`,
      'content-type': 'text/x-kept',
      'x-amz-meta-k': 'v',
    });
  });
});

describe('bodies', () => {
  it('wait for their turn where more come than are taken at once, and are all taken', async () => {
    await using server = await ServerProcess.start({ config: 'server: {max_uploads: 1}\n' });
    const slow = exchangeRaw(
      server.port,
      ['PUT /s/slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n\r\ns', 'l', 'o', 'w'],
      { pauseMs: 300 },
    );
    await expect.poll(async () => (await server.fetch('/metrics')).text()).toMatch(/http_received_bytes_total [1-3]/);
    const others = await Promise.all(Array.from({ length: 20 }, (_, at) => server.put(`/s/o${at}`, `${at}`)));
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await slow).toMatch(/^HTTP\/1.1 200/);
    expect(await server.text('/s/slow')).toBe('slow');
    expect(await server.text('/s/o19')).toBe('19');
  });
});

describe('the scope of a profile', () => {
  it('is served through it: what lies at its source is there, and what is put goes to it', async () => {
    const config = `profiles:
  data: {storage_provider: {type: file, options: {base_path: data-source}}, replicas: [{replica_profile: near, read_priority: 1}]}
  near: {storage_provider: {type: file, options: {base_path: near}}}
`;
    await using server = await ServerProcess.start({ config, directories: ['data-source', 'near'] });
    const put = await server.put('/data/x/y', 'through', { 'content-type': 'text/plain' });
    expect([put.status, put.headers.get('etag')]).toEqual([200, `"${md5('through')}"`]);
    expect(readFileSync(join(server.root, 'data-source/x/y'), 'utf8')).toBe('through');
    expect(await server.text('/data/x/y')).toBe('through');
    const listing = (await (await server.fetch('/data?prefix=x/')).json()) as { objects: { name: string }[] };
    expect(listing.objects.map(({ name }) => name)).toEqual(['x/y']);
    const stale = await server.put('/data/x/y', 'again', { 'if-match': '"0123456789abcdef0123456789abcdef"' });
    expect(stale.status).toBe(412);
    expect((await server.put('/data/x/y', 'again', { 'if-match': `"${md5('through')}"` })).status).toBe(200);
    await expect.poll(() => existsSync(join(server.root, 'near/x/y')), { timeout: 20_000 }).toBe(true);
    expect((await server.fetch('/data/x/y', { method: 'DELETE' })).status).toBe(204);
    expect(existsSync(join(server.root, 'data-source/x/y'))).toBe(false);
    expect((await server.fetch('/local/x')).status).toBe(400);
  });
});
