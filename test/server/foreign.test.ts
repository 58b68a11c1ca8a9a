import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saidBeside } from './beside-server.ts';
import { exchangeRaw, ServerProcess } from './server-process.ts';

describe('a server of this machine without tokens', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
    await server.put('/s/a', 'a');
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const ask = (target: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<string> => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = method === 'GET' ? '' : 'Content-Length: 0\r\n';
    return exchangeRaw(server.port, [
      `${method} ${target} HTTP/1.1\r\n${lines.join('')}${length}Connection: close\r\n\r\n`,
    ]);
  };
  const statusOf = (said: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1]);

  it.each([
    '127.0.0.1',
    '127.0.0.1:8080',
    '127.8.9.10',
    'localhost:99',
    'LOCALHOST',
    'localhost.',
    'my.localhost:8080',
    '[::1]:8080',
    '[::ffff:127.0.0.1]',
  ])('answers who asks %s', async (host) => {
    expect(statusOf(await ask('/s/a', { Host: host }))).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'notlocalhost',
    '192.168.0.1',
    '[::ffff:10.0.0.1]',
    'a b',
    '',
  ])('refuses a page that gave %j its address', async (host) => {
    const asked: [string, string][] = [
      ['/s/a', 'GET'],
      ['/s/new', 'PUT'],
      ['/admin/status', 'GET'],
      ['/admin/s/objects?confirm=true', 'DELETE'],
      ['/metrics', 'GET'],
      ['/_peer/v1/hello', 'POST'],
    ];
    for (const [target, method] of asked) {
      const said = await ask(target, { Host: host, Authorization: 'Bearer anything' }, method);
      expect([400, 403], `${method} ${target}: ${said}`).toContain(statusOf(said));
      if (statusOf(said) === 403) expect(said).toContain('foreign-host');
    }
    expect(await server.text('/s/a')).toBe('a');
    expect(await (await server.fetch('/admin/replication/status')).json()).toMatchObject({ peers: [] });
  });

  it('refuses pages of other sites, and answers its own', async () => {
    const own = { Host: `127.0.0.1:${server.port}` };
    for (const origin of ['http://evil.example', 'https://localhost.evil.example', 'null', 'file://']) {
      const said = await ask('/s/a', { ...own, Origin: origin });
      expect(statusOf(said), origin).toBe(403);
      expect(said).toContain('foreign-origin');
      expect(statusOf(await ask('/_peer/v1/hello', { ...own, Origin: origin }, 'POST'))).toBe(403);
    }
    for (const origin of [`http://127.0.0.1:${server.port}`, 'http://localhost:3000'])
      expect(statusOf(await ask('/s/a', { ...own, Origin: origin })), origin).toBe(200);
  });

  it('tells anybody that it is there', async () => {
    for (const path of ['/admin/health', '/admin/ready', '/openapi.json'])
      expect(statusOf(await ask(path, { Host: 'monitor.example' })), path).toBe(200);
  });
});

describe('a server with tokens', () => {
  it('goes by these, whatever it is called', async () => {
    await using server = await ServerProcess.start();
    const token = (await saidBeside(server, 'token', 'create', 'ci', '--rights', 'read,write')).trim();
    await expect.poll(async () => (await server.fetch('/s/a')).status).toBe(401);
    const said = await exchangeRaw(server.port, [
      `GET /s/a HTTP/1.1\r\nHost: pando.example\r\nOrigin: https://app.example\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    ]);
    expect(said).toMatch(/^HTTP\/1\.1 404 /);
  });
});
