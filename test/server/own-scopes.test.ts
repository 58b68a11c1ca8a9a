import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ran, type RunOptions, Sandbox } from '../cli/sandbox.ts';
import { ServerProcess } from './server-process.ts';

const CONFIGURATION = 'profiles:\n  lab:\n    storage_provider: {type: file, options: {base_path: lab}}\n';

describe('with --server, objects of a scope that is the server’s own', { timeout: 120_000 }, () => {
  let server: ServerProcess;
  let box: Sandbox;
  beforeEach(async () => {
    server = await ServerProcess.start({ config: CONFIGURATION, directories: ['lab'] });
    box = new Sandbox();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    box[Symbol.dispose]();
  });
  const there = (args: readonly string[], { env = {}, ...options }: RunOptions = {}): Promise<Ran> =>
    box.run(args, { ...options, env: { PANDO_SERVER: server.url, ...env } });

  it('are read, listed, described and deleted as HTTP has them', async () => {
    const inBytes = Buffer.from('Åsa').toString('latin1');
    await server.put('/pictures/2026/photo.jpg', 'its bytes', {
      'content-type': 'image/jpeg',
      'x-amz-meta-of': inBytes,
    });
    await server.put('/pictures/2026-b', '');
    expect(await there(['cat', 'pictures:2026/photo.jpg'])).toEqual({ code: 0, stdout: 'its bytes', stderr: '' });
    expect((await there(['cat', '--range', '4-', 'pando://pictures/2026/photo.jpg'])).stdout).toBe('bytes');
    expect((await there(['ls', 'pictures:'])).stdout).toBe('2026-b\n2026/photo.jpg\n');
    expect((await there(['ls', 'pictures:2026'])).stdout).toBe('2026/photo.jpg\n');
    expect((await there(['ls', 'pictures:2026/', '--json'])).stdout).toContain('"size":9');
    expect((await there(['ls', 'pictures:**/*.jpg'])).stderr).toContain('pando object ls');
    const stat = await there(['stat', 'pictures:2026/photo.jpg', '--json']);
    expect(JSON.parse(stat.stdout)).toMatchObject({ size: 9, contentType: 'image/jpeg', metadata: { of: 'Åsa' } });
    expect((await there(['stat', 'pictures:2026/photo.jpg'])).stdout).toContain('content type: image/jpeg');
    expect(await there(['rm', 'pictures:2026/photo.jpg', 'pictures:none'])).toMatchObject({ code: 3 });
    for (const words of [['cat'], ['stat'], ['rm'], ['ls']])
      expect(await there([...words, 'pictures:2026/photo.jpg']), words[0]).toMatchObject({ code: 3, stdout: '' });
    expect(await server.text('/pictures/2026/photo.jpg')).toBeUndefined();
  });

  it('are written, also to a scope that is new', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    writeFileSync(box.path('a file'), bytes);
    const put = await there(['put', 'a file', 'fresh:sub/', '--metadata', 'of=Åsa', '--content-type', 'text/plain']);
    expect(put).toMatchObject({ code: 0, stderr: expect.stringContaining("the server's own store") as string });
    const read = await server.fetch('/fresh/sub/a%20file');
    expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
    expect(read.headers.get('content-type')).toBe('text/plain');
    expect(await there(['put', '-', 'fresh:piped'], { input: 'from a pipe' })).toMatchObject({ code: 0 });
    expect((await there(['cat', 'fresh:piped'])).stdout).toBe('from a pipe');
    expect(await there(['put', '-', 'fresh:piped', '--if-absent'], { input: 'x' })).toMatchObject({ code: 5 });
    expect(await there(['put', '-', 'fresh:piped', '--wait'], { input: 'x' })).toMatchObject({ code: 2 });
    expect(await there(['put', '-', 'fresh:a/../b'], { input: 'x' })).toMatchObject({ code: 2 });
    expect((await there(['cat', 'fresh:piped'])).stdout).toBe('from a pipe');
    expect(await server.text('/fresh/b')).toBeUndefined();
  });

  it('need the rights that HTTP needs, and names of profiles mean what they meant', async () => {
    expect(await there(['put', '-', 'lab:one'], { input: 'of a profile' })).toMatchObject({ code: 0 });
    expect((await there(['stat', 'lab:one'])).stdout).toContain('replica at');
    const unknown = await there(['cat', 'lba:one']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean lab') as string });
    await server.put('/pictures/one', 'here');
    const token = async (rights: string): Promise<string> => {
      const words = ['token', 'create', rights, '--rights', rights, '--json', '--data', join(server.root, 'data')];
      return (JSON.parse((await box.run(words)).stdout) as { readonly token: string }).token;
    };
    const [admin, both] = [await token('admin'), await token('admin,read')];
    const read = (PANDO_TOKEN: string): Promise<Ran> => there(['cat', 'pictures:one'], { env: { PANDO_TOKEN } });
    await expect.poll(async () => (await read(both)).stdout, { timeout: 10_000 }).toBe('here');
    expect(await read(admin)).toMatchObject({ code: 5, stderr: expect.stringContaining('the right read') as string });
  });
});
