import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ran, type RunOptions, Sandbox } from '../cli/sandbox.ts';
import { exchangeRaw, ServerProcess } from './server-process.ts';

const CONFIGURATION =
  'profiles:\n  lab:\n    storage_provider: {type: file, options: {base_path: lab}}\n' +
  '    replicas: [{replica_profile: copy, read_priority: 1}]\n' +
  '  copy:\n    storage_provider: {type: file, options: {base_path: copy}}\n';

describe('a command that a server carries out', { timeout: 120_000 }, () => {
  let server: ServerProcess;
  let box: Sandbox;
  beforeEach(async () => {
    server = await ServerProcess.start({ config: CONFIGURATION, directories: ['lab', 'copy'] });
    box = new Sandbox();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    box[Symbol.dispose]();
  });
  const there = (args: readonly string[], { env = {}, ...options }: RunOptions = {}): Promise<Ran> =>
    box.run(args, { ...options, env: { PANDO_SERVER: server.url, ...env } });

  it('has its configuration and catalog, and what it writes and ends with is what this one does', async () => {
    box.write({ 'a file': 'its bytes' });
    expect(await there(['put', 'a file', 'lab:sub/', '--wait'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(server.root, 'copy/sub/a file'), 'utf8')).toBe('its bytes');
    expect(await there(['put', '-', 'lab:piped'], { input: 'from a pipe' })).toMatchObject({ code: 0 });
    expect(await there(['ls', 'lab:'])).toEqual({ code: 0, stdout: 'piped\nsub/a file\n', stderr: '' });
    expect(await there(['cat', 'lab:piped'])).toEqual({ code: 0, stdout: 'from a pipe', stderr: '' });
    const missing = await there(['cat', 'lab:nothing']);
    expect(missing).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('lab:nothing') as string });
    expect(JSON.parse((await there(['status', '--json'])).stdout)).toMatchObject({ objects: 2 });
    expect(await there(['sync', 'lab:'])).toMatchObject({ code: 0 });
    box.write({ names: 'lab:piped\n' });
    expect(await there(['dataset', 'create', 'lab:some'])).toMatchObject({ code: 0 });
    expect(await there(['dataset', 'add', 'lab:some', '--from-file=names'])).toMatchObject({ code: 0 });
    expect((await there(['dataset', 'show', 'lab:some', '--json'])).stdout).toContain('"objects": 1');
    expect(box.list()).toEqual(['a file', 'names']);
  });

  it('carries bytes as they are, more than either end holds', async () => {
    const bytes = randomBytes(40 * 1024 * 1024);
    writeFileSync(box.path('large'), bytes);
    expect(await there(['put', 'large', 'lab:large'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(server.root, 'lab/large')).equals(bytes)).toBe(true);
    expect((await there(['stat', 'lab:large', '--json'])).stdout).toContain(String(bytes.length));
  });

  it('names nothing of the machine it runs on but what is configured there', async () => {
    const secret = join(server.root, 'secret');
    writeFileSync(secret, 'secret');
    mkdirSync(join(server.root, 'other'));
    const refused = async (args: readonly string[], why: string): Promise<void> => {
      const ran = await there(args);
      expect(ran, args.join(' ')).toMatchObject({ code: 2, stdout: '' });
      expect(ran.stderr).toContain(why);
    };
    const ofServer = 'the machine the server runs on';
    await refused(['cat', secret], ofServer);
    await refused(['cat', `file://${secret}`], ofServer);
    await refused(['sync', 'lab:', join(server.root, 'other')], ofServer);
    await refused(['sync', 'lab:', '--dry-run', '--plan', join(server.root, 'plan')], ofServer);
    await refused(['--config', secret, 'status'], '--config');
    await refused(['status', `--data=${server.root}`], '--data');
    await refused(['get', 'lab:a'], 'pando cat NAME > FILE');
    await refused(['init', '--server', server.url], 'about the machine it runs on');
    // Said in the environment it is not meant for these.
    expect(await there(['config', 'show'])).toMatchObject({ code: 0 });
    // As no client of ours writes it.
    const asked = async (...args: string[]): Promise<string> => {
      const sent = await server.fetch('/admin/commands', { method: 'POST', body: `${JSON.stringify({ args })}\n` });
      return Buffer.from(await sent.arrayBuffer()).toString();
    };
    expect(await asked('worker')).toContain('carried out by no server');
    expect(await asked('put', secret, 'lab:stolen')).toContain(ofServer);
    expect(await asked('peer', 'add', 'http://127.0.0.1:9', '--token-file', secret)).toContain(ofServer);
    expect((await there(['ls', 'lab:'])).stdout).not.toContain('stolen');
  });

  it('needs a token with the right admin once there are tokens', async () => {
    const token = async (rights: string): Promise<string> => {
      const words = ['token', 'create', rights, '--rights', rights, '--json', '--data', join(server.root, 'data')];
      return (JSON.parse((await box.run(words)).stdout) as { readonly token: string }).token;
    };
    const [admin, read] = [await token('admin'), await token('read')];
    await expect.poll(async () => (await there(['status'])).code, { timeout: 10_000 }).toBe(5);
    expect((await there(['status'])).stderr).toMatch(/set PANDO_TOKEN: .* on the machine of the server/);
    expect(await there(['status'], { env: { PANDO_TOKEN: read } })).toMatchObject({ code: 5 });
    expect(await there(['status'], { env: { PANDO_TOKEN: admin } })).toMatchObject({ code: 0 });
    expect(server.stderr).not.toContain(admin);
  });

  it('is told of where the server is not, or is none', async () => {
    expect(await box.run(['status', '--server', 'http://127.0.0.1:1'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('127.0.0.1:1: it does not answer') as string,
    });
    expect(await box.run(['status', '--server', 'there'])).toMatchObject({ code: 2 });
    const why = async (url: string): Promise<string> => (await box.run(['status', '--server', url])).stderr;
    const tls = await why(server.url.replace('http:', 'https:'));
    expect(tls).toContain('it does not speak TLS there: try http://');
    expect(tls).not.toContain('EPROTO');
    expect(await why(`${server.url}/foo`)).toContain(`no server of Pando at /foo/\n  → try ${server.url}`);
    expect(await why('localhost:18080')).toContain('write http://localhost:18080');
    const body = 'not a command';
    expect(await server.fetch('/admin/commands', { method: 'POST', body })).toMatchObject({ status: 400 });
    const words = '{"args": [1]}\n';
    expect(await server.fetch('/admin/commands', { method: 'POST', body: words })).toMatchObject({ status: 400 });
  });

  it('takes what broke off for nothing', async () => {
    const words = (name: string): string => `${JSON.stringify({ args: ['put', '-', `lab:${name}`] })}\n`;
    const send = (name: string, more: string): Promise<string> =>
      exchangeRaw(
        server.port,
        [
          `POST /admin/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n`,
          chunkOf(words(name)),
          chunkOf('the beginning, '),
          more,
        ],
        { pauseMs: 700, silentMs: 30_000, endAfter: true },
      );
    await send('whole', `${chunkOf('the end')}0\r\n\r\n`);
    await send('broken', '');
    await send('garbled', 'no chunk\r\n');
    // It stops in order, long before it would be ended.
    await expect.poll(() => childrenOf(server.pid), { timeout: 8_000 }).toBe(0);
    expect(await there(['ls', 'lab:'])).toMatchObject({ code: 0, stdout: 'whole\n' });
    expect(await there(['cat', 'lab:whole'])).toMatchObject({ stdout: 'the beginning, the end' });
  });

  it('is stopped where whoever asked for it stops', async () => {
    box.write({ now: '' });
    expect(await there(['peer', 'add', 'http://127.0.0.1:9', '--name', 'away'])).toMatchObject({ code: 0 });
    const ran = await there(['peer', 'wait', 'away'], { interruptAfter: { file: 'now', delayMs: 3_000 } });
    expect(ran.code).toBe(130);
    await expect.poll(() => childrenOf(server.pid), { timeout: 20_000 }).toBe(0);
  });
});

const chunkOf = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** Processes of the commands that a server carries out. */
function childrenOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).length;
}
