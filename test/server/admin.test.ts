import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { describe, expect, it } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { saidBeside } from './beside-server.ts';
import { exchangeRaw, ServerProcess } from './server-process.ts';

type Json = Record<string, unknown>;
const jsonOf = async (response: Response): Promise<Json> => (await response.json()) as Json;

describe('what administrators ask a server', () => {
  it('is told as the commands tell it, and counted', async () => {
    await using server = await ServerProcess.start();
    await server.put('/s/a', 'a');
    for (const path of ['/admin/health', '/admin/ready']) {
      expect((await server.fetch(path)).status).toBe(200);
      expect((await server.fetch(path, { method: 'HEAD' })).status).toBe(200);
    }
    expect(await jsonOf(await server.fetch('/admin/status'))).toMatchObject({ objects: 1, versions: 1 });
    expect(await (await server.fetch('/admin/rules')).json()).toEqual([]);
    expect((await server.fetch('/admin/rules/7')).status).toBe(404);
    expect(await (await server.fetch('/admin/replicas/s/a')).json()).toMatchObject([{ state: 'AVAILABLE' }]);
    expect(await (await server.fetch('/admin/requests')).json()).toEqual([]);
    expect((await server.fetch('/admin/requests?state=ODD')).status).toBe(400);
    const metrics = await (await server.fetch('/metrics')).text();
    expect(metrics).toMatch(/http_requests_total\{method="PUT",route="\/\{scope\}\/\{name\.\.\.\}",status="200"\} 1/);
    expect(metrics).toMatch(/^pando_objects 1$/m);
    expect(metrics).toMatch(/^http_received_bytes_total 1$/m);
  });

  it('is what its OpenAPI document says', async () => {
    await using server = await ServerProcess.start();
    const document = (await jsonOf(await server.fetch('/openapi.json'))) as {
      readonly paths: Record<string, Record<string, { readonly responses: Json }>>;
    };
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => ({ path, method: method.toUpperCase(), responses })),
    );
    expect(described.length).toBeGreaterThan(15);
    for (const { path, method, responses } of described) {
      const at = path.replace('{scope}', 'sc').replace('{name}', 'n').replace('{id}', '1');
      const response = await server.fetch(at, { method, ...(method === 'PUT' ? { body: 'x' } : {}) });
      await response.arrayBuffer();
      expect(Object.keys(responses), `${method} ${at}`).toContain(String(response.status));
      expect(response.status, `${method} ${at}`).not.toBe(405);
    }
    for (const path of new Set(described.map((one) => one.path))) {
      const at = path.replace('{scope}', 'sc').replace('{name}', 'n').replace('{id}', '1');
      const allowed = (await server.fetch(at, { method: 'PATCH' })).headers.get('allow')?.split(', ').sort();
      const told = described.filter((one) => one.path === path).map(({ method }) => method);
      expect(allowed, path).toEqual(told.sort());
    }
  });

  it('deletes all of a scope when it is confirmed, and tells how many there are when it is not', async () => {
    await using server = await ServerProcess.start();
    const names = Array.from({ length: 30 }, (_, at) => `d${at % 3}/o${at}`);
    await Promise.all(names.map((name) => server.put(`/full/${name}`, name)));
    await server.put('/other/kept', 'kept');
    const asked = await server.fetch('/admin/full/objects', { method: 'DELETE' });
    expect([asked.status, (await jsonOf(asked))['objects']]).toEqual([400, 30]);
    expect(await server.text('/full/d0/o0')).toBe('d0/o0');
    const done = await server.fetch('/admin/full/objects?confirm=true', { method: 'DELETE' });
    expect([done.status, await jsonOf(done)]).toEqual([200, { scope: 'full', deleted: 30 }]);
    expect((await jsonOf(await server.fetch('/full')))['objects']).toEqual([]);
    expect(await server.text('/other/kept')).toBe('kept');
  });
});

describe('tokens', () => {
  it('are demanded once there is one, for what they are for, and until they are revoked', async () => {
    await using server = await ServerProcess.start();
    expect((await server.put('/s/a', 'a')).status).toBe(200);
    const reader = (await saidBeside(server, 'token', 'create', 'reader', '--rights', 'read')).trim();
    const scoped = (
      await saidBeside(server, 'token', 'create', 'scoped', '--rights', 'read,write', '--scope', 's')
    ).trim();
    const admin = (await saidBeside(server, 'token', 'create', 'boss', '--rights', 'admin')).trim();
    expect(reader).toMatch(/^pando_[\w-]{43}$/);
    const stored = readFileSync(`${server.root}/data/catalog.sqlite-wal`).toString('latin1');
    expect(stored.includes(reader)).toBe(false);
    const ask = async (path: string, token: string | undefined, method = 'GET') => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await server.fetch(path, { method, headers, ...(method === 'PUT' ? { body: 'b' } : {}) });
      return [response.status, await response.text()] as const;
    };
    await expect.poll(async () => (await ask('/s/a', undefined))[0]).toBe(401);
    expect((await ask('/s/a', undefined))[1]).toContain('a token is needed');
    expect(await ask('/s/a', reader)).toEqual([200, 'a']);
    const [status, said] = await ask('/s/a', reader, 'PUT');
    expect([status, JSON.parse(said)]).toEqual([
      403,
      { code: 'forbidden', message: 'the token reader has not the right write' },
    ]);
    expect((await ask('/s/a', scoped, 'PUT'))[0]).toBe(200);
    expect((await ask('/t/a', scoped, 'PUT'))[1]).toContain('is not for the scope t');
    expect((await ask('/admin/status', scoped))[0]).toBe(403);
    expect((await ask('/admin/status', admin))[0]).toBe(200);
    expect((await ask('/s/a', admin))[0]).toBe(403);
    expect((await ask('/s/a', `${reader}x`))[0]).toBe(401);
    expect((await ask('/admin/health', undefined))[0]).toBe(200);
    expect(await saidBeside(server, 'token', 'ls')).toMatch(/reader +read +all/);
    await saidBeside(server, 'token', 'revoke', 'reader');
    await expect.poll(async () => (await ask('/s/a', reader))[0]).toBe(401);
  });

  it('and TLS are what a server needs that other machines reach, or --insecure', async () => {
    using box = new Sandbox();
    const refused = await box.run(['server', '--host', '0.0.0.0', '--port', '0']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('0.0.0.0 can be reached from other machines, and that needs tokens');
    expect(refused.stderr).toContain('--insecure does without');
    await using server = await ServerProcess.start({ args: ['--host', '0.0.0.0', '--insecure'] });
    expect((await fetch(`http://127.0.0.1:${server.port}/admin/health`)).status).toBe(200);
  });

  it('and a certificate make a server that other machines reach, over HTTPS only', async () => {
    using box = new Sandbox();
    const [key, cert] = [box.path('key.pem'), box.path('cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject],
      {
        stdio: 'ignore',
      },
    );
    const env = { PANDO_DATA: box.path('data') };
    const made = await box.run(['token', 'create', 'all', '--rights', 'read,write'], { env });
    const config = `server: {host: 0.0.0.0, tls: {cert: ${cert}, key: ${key}}}\n`;
    await using server = await ServerProcess.start({ config, root: box.root });
    expect(server.url).toMatch(/^https:/);
    const ask = (authorization: string) =>
      new Promise<number | undefined>((done, fail) => {
        const headers = { authorization };
        const options = {
          host: '127.0.0.1',
          port: server.port,
          path: '/s/a',
          method: 'PUT',
          ca: readFileSync(cert),
          headers,
        };
        https
          .request(options, (response) => done(response.resume().statusCode))
          .once('error', fail)
          .end('secret');
      });
    expect(await ask(`Bearer ${made.stdout.trim()}`)).toBe(200);
    expect(await ask('Bearer other')).toBe(401);
    expect(await exchangeRaw(server.port, ['GET /admin/health HTTP/1.1\r\nHost: localhost\r\n\r\n'])).not.toContain(
      '200 OK',
    );
  });

  it('are not looked for in what is no token', async () => {
    await using server = await ServerProcess.start();
    await saidBeside(server, 'token', 'create', 'one', '--rights', 'read');
    await expect.poll(async () => (await server.fetch('/s/a')).status).toBe(401);
    for (const header of [
      'Bearer',
      'Basic YTpi',
      'Bearer  ',
      `Bearer ${'a'.repeat(2000)}`,
      'bearer ☃'.replace('☃', '\u00e9'),
    ]) {
      const said = await exchangeRaw(server.port, [
        `GET /s/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: ${header}\r\n\r\n`,
      ]);
      expect(said).toMatch(/^HTTP\/1\.1 401 /);
    }
  });
});

describe('the configuration of a server', () => {
  it('is that of the field, and its store is known to every command', async () => {
    const config = `server:
  port: 8080
  storage_path: objects
  storage_size: 1TB
replication:
  enabled: false
  mode: async
  remote_url: https://site-b.example.com
  remote_token: "secret-token-xyz123"
  batch_size: 100
  batch_interval: 1s
  retry_attempts: 3
  retry_delay: 5s
`;
    await using server = await ServerProcess.start({ config });
    await server.put('/s/a', 'a');
    const shown = await saidBeside(server, 'config', 'show');
    expect(shown).toContain('storage_size: 1TB');
    expect(shown).toContain('batch_interval: 1s');
    expect(shown).not.toContain('secret-token');
    expect(await saidBeside(server, 'store', 'ls')).toContain('local');
    await saidBeside(server, 'download', 's:a', '--to', server.root);
    expect(readFileSync(`${server.root}/a`, 'utf8')).toBe('a');
  });

  it('is not needed, and the store is known to every command all the same', async () => {
    await using server = await ServerProcess.start();
    await server.put('/s/a', 'a');
    await saidBeside(server, 'download', 's:a', '--to', server.root);
    expect(readFileSync(`${server.root}/a`, 'utf8')).toBe('a');
    await using again = await ServerProcess.start({ root: server.root, args: ['--storage', 'other'] });
    expect(await again.text('/s/a')).toBeUndefined();
    expect((await again.put('/s/b', 'b')).status).toBe(200);
  });

  it.each([
    ['a device', ['--storage', '/dev/null'], /is a device.*make a file system on it/s],
    ['a file', ['--storage', 'file'], /is no directory/],
    ['a port that is none', ['--port', '70000'], /It is not a port/],
    ['an address of others', ['--host', '192.0.2.1', '--insecure'], /this machine has no such address/],
  ])('is refused in a sentence: %s', async (_what, args, message) => {
    using box = new Sandbox();
    box.write({ file: '' });
    const ran = await box.run(['server', '--port', '0', ...args]);
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toMatch(message);
  });

  it('that leaves no room gives 507, and what is there is read and deleted', async () => {
    await using server = await ServerProcess.start({ args: ['--size', '1MiB'] });
    const half = Buffer.alloc(600_000, 'x');
    expect((await server.put('/s/a', half)).status).toBe(200);
    const full = await server.put('/s/b', half);
    expect([full.status, (await jsonOf(full))['code']]).toEqual([507, 'full']);
    expect((await server.fetch('/s/a')).status).toBe(200);
    // Of a length nobody announces, and with an end: a client goes on reading it, and keeps it, when nobody takes it any more.
    let left = 512;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(64 * 1024));
        else controller.close();
      },
    });
    const unannounced = await server.fetch('/s/c', { method: 'PUT', body, duplex: 'half' }).catch(() => undefined);
    expect(unannounced?.status ?? 507).toBe(507);
    expect((await server.fetch('/s/a', { method: 'DELETE' })).status).toBe(204);
    await expect.poll(async () => (await server.put('/s/b', half)).status, { timeout: 20_000 }).toBe(200);
  });
});
