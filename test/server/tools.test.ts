import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demandPrograms } from '../servers/daemon.ts';
import { ServerProcess } from './server-process.ts';

const MIB = 1024 * 1024;
const soak = process.env['PANDO_SOAK'] === '1';
/** More than one page of a listing has. */
const MANY = soak ? 5_000 : 1_010;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let server: ServerProcess;
let here: string;
beforeAll(async () => {
  demandPrograms(['curl', 'rclone'], 'curl rclone');
  server = await ServerProcess.start();
  here = join(server.root, 'client');
  mkdirSync(here);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function run(program: string, ...args: string[]): Promise<Ran> {
  return new Promise((done) => {
    const env = { PATH: process.env['PATH'], HOME: here };
    execFile(program, args, { cwd: here, env }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe('curl', () => {
  const curl = (...args: string[]): Promise<Ran> => run('curl', '-sS', ...args);
  const status = async (...args: string[]): Promise<string> =>
    (await curl('-o', '/dev/null', '-w', '%{http_code}', ...args)).stdout;
  const urlOf = (name: string): string => `${server.url}/c/${name}`;
  const fileOf = (name: string): string => join(here, name);

  it('uploads, downloads, goes on where it was, and deletes', async () => {
    const bytes = randomBytes(3 * MIB);
    writeFileSync(fileOf('up.bin'), bytes);
    expect(await curl('-f', '-T', 'up.bin', `${server.url}/c/`)).toMatchObject({ code: 0 });
    expect(await curl('-f', '-O', urlOf('up.bin'), '--output-dir', '/nonexistent')).toMatchObject({ code: 23 });
    mkdirSync(fileOf('down'));
    expect(await curl('-f', '-O', urlOf('up.bin'), '--output-dir', 'down')).toMatchObject({ code: 0 });
    expect(readFileSync(fileOf('down/up.bin')).equals(bytes)).toBe(true);
    truncateSync(fileOf('down/up.bin'), MIB + 1);
    expect(await curl('-f', '-C', '-', '-o', 'down/up.bin', urlOf('up.bin'))).toMatchObject({ code: 0 });
    expect(readFileSync(fileOf('down/up.bin')).equals(bytes)).toBe(true);
    // There is nothing to go on with, which curl takes for a failure only where it is told to.
    expect(await curl('-C', '-', '-o', 'down/up.bin', urlOf('up.bin'))).toMatchObject({ code: 0 });
    expect(statSync(fileOf('down/up.bin')).size).toBe(bytes.length);
    const part = await curl('-r', '10-19', '-o', 'part', '-w', '%{http_code}', urlOf('up.bin'));
    expect([part.stdout, readFileSync(fileOf('part')).equals(bytes.subarray(10, 20))]).toEqual(['206', true]);
    const head = (await curl('-I', urlOf('up.bin'))).stdout.toLowerCase();
    expect(head).toContain(`content-length: ${bytes.length}`);
    expect(head).toContain(`etag: "${createHash('md5').update(bytes).digest('hex')}"`);
    expect(await curl('-f', '--compressed', '-o', 'plain', urlOf('up.bin'))).toMatchObject({ code: 0 });
    expect(readFileSync(fileOf('plain')).equals(bytes)).toBe(true);
    expect(await status('-X', 'DELETE', urlOf('up.bin'))).toBe('204');
    expect(await status(urlOf('up.bin'))).toBe('404');
    expect(await curl('-f', urlOf('up.bin'))).toMatchObject({ code: 22 });
  });

  it('sends what comes through a pipe, and forms of names', async () => {
    writeFileSync(fileOf('small'), 'small');
    const piped = await run('sh', '-c', `printf piped | curl -sS -f -T - ${urlOf('piped')}`);
    expect(piped).toMatchObject({ code: 0 });
    expect(await server.text('/c/piped')).toBe('piped');
    expect(await status('-X', 'PUT', '--data-binary', '@small', urlOf('a%20b/%C3%A9'))).toBe('200');
    expect(await server.text('/c/a%20b/%C3%A9')).toBe('small');
    expect(await status('--path-as-is', urlOf('../x'))).toBe('400');
    expect(await status('-F', 'file=@small', urlOf('form'))).toBe('405');
    expect(await status('-C', '2', '-T', 'small', urlOf('piped'))).toBe('501');
    expect(await server.text('/c/piped')).toBe('piped');
  });

  it('remembers what it has by its ETag and by time', async () => {
    await server.put('/c/tagged', 'one');
    expect(await status('--etag-save', 'tag', '-o', 'tagged', urlOf('tagged'))).toBe('200');
    expect(await status('--etag-compare', 'tag', urlOf('tagged'))).toBe('304');
    expect(await status('-z', 'tagged', urlOf('tagged'))).toMatch(/^(?:200|304)$/);
    const tag = readFileSync(fileOf('tag'), 'utf8').trim();
    expect(await status('-T', 'tag', '-H', `If-Match: ${tag}`, urlOf('tagged'))).toBe('200');
    expect(await status('-T', 'tag', '-H', `If-Match: ${tag}`, urlOf('tagged'))).toBe('412');
    expect(await status('-T', 'tag', '-H', 'If-None-Match: *', urlOf('tagged'))).toBe('412');
    expect(await status('--etag-compare', 'tag', urlOf('tagged'))).toBe('200');
  });
});

const NAMES = [
  'plain.txt',
  'with space.txt',
  'é/ü.bin',
  'dir/sub/deep',
  "it's <b>&amp;.txt",
  'dir/co:lon',
  '100%',
  'q?u',
  'h#h',
];

describe('a page of a listing', () => {
  const page = (path: string) => server.fetch(path, { headers: { accept: 'text/html,*/*;q=0.8' }, redirect: 'manual' });
  const linksOf = (text: string): string[] =>
    [...text.matchAll(/href="\.\/([^"]*)"/g)].map(([, target = '']) => decodeURIComponent(target));
  const encode = (name: string): string => name.split('/').map(encodeURIComponent).join('/');
  beforeAll(async () => {
    for (const name of NAMES) expect((await server.put(`/site/${encode(name)}`, name)).status).toBe(200);
  });

  it('is what a browser gets, one directory at a time', async () => {
    const scopes = await page('/');
    expect(scopes.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(linksOf(await scopes.text())).toContain('site/');
    const moved = await page('/site');
    expect([moved.status, moved.headers.get('location')]).toEqual([301, './site/']);
    const top = await page('/site/');
    const text = await top.text();
    expect(linksOf(text).sort()).toEqual(
      ["it's <b>&amp;.txt", '100%', 'q?u', 'h#h', 'plain.txt', 'with space.txt', 'é/', 'dir/'].sort(),
    );
    expect(text).not.toContain('<b>');
    expect(top.headers.get('content-security-policy')).toBe("default-src 'none'");
    expect(linksOf(await (await page('/site/dir/')).text())).toEqual(['sub/', 'co:lon']);
    expect(linksOf(await (await page('/site/%C3%A9/')).text())).toEqual(['ü.bin']);
    expect([(await page('/site/none/')).status, (await page('/site/dir//')).status]).toEqual([404, 400]);
    // Without a word of pages it is as ever.
    expect(await (await server.fetch('/')).json()).toMatchObject({
      scopes: expect.arrayContaining(['site']) as unknown,
    });
    expect((await server.fetch('/site/dir/')).status).toBe(400);
    expect(await (await server.fetch('/site/')).json()).toMatchObject({ scope: 'site' });
    const html = await server.put('/site/page.html', '<script>1</script>', { 'content-type': 'text/html' });
    expect(html.status).toBe(200);
    const shown = await page('/site/page.html');
    expect([await shown.text(), shown.headers.get('content-security-policy')]).toEqual([
      '<script>1</script>',
      'sandbox',
    ]);
    expect((await server.fetch('/site/page.html', { method: 'DELETE' })).status).toBe(204);
  });

  it('has all of a directory, however much that is', async () => {
    const names = Array.from({ length: MANY }, (_, at) => `o${at}`);
    const left = [...names];
    const writer = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await server.put(`/many/in/${next}`, '');
    };
    await Promise.all(Array.from({ length: 16 }, writer));
    expect(new Set(linksOf(await (await page('/many/in/')).text()))).toEqual(new Set(names));
  });

  it('is read by the http remote of rclone', async () => {
    const of = (scope: string): string[] => [
      '--config',
      '/dev/null',
      '--http-url',
      `${server.url}/${scope}`,
      '--http-headers',
      'Accept,text/html',
    ];
    const rclone = (scope: string, ...args: string[]): Promise<Ran> => run('rclone', ...args, ...of(scope));
    const listed = await rclone('site/', 'lsf', '-R', '--files-only', ':http:');
    expect(listed).toMatchObject({ code: 0 });
    expect(listed.stdout.trim().split('\n').sort()).toEqual([...NAMES].sort());
    expect(await rclone('site/', 'copy', ':http:', 'copied')).toMatchObject({ code: 0 });
    for (const name of NAMES) expect(readFileSync(join(here, 'copied', name), 'utf8'), name).toBe(name);
    expect((await rclone('', 'lsf', ':http:')).stdout).toContain('site/\n');
    expect((await rclone('site/', 'cat', ':http:dir/sub/deep')).stdout).toBe('dir/sub/deep');
    expect((await rclone('many/in/', 'size', '--json', '--http-no-head', ':http:')).stdout).toContain(
      `"count":${MANY}`,
    );
    // It writes nothing, and without the header it is told JSON, which it does not read.
    const written = await rclone('site/', 'copyto', join(here, 'copied', 'plain.txt'), ':http:new');
    expect(written.code).not.toBe(0);
    const json = await run('rclone', 'lsf', '--config', '/dev/null', '--http-url', `${server.url}/site/`, ':http:');
    expect([json.code, json.stderr.includes('application/json')]).toEqual([expect.any(Number) as number, true]);
    expect(readdirSync(join(here, 'copied')).length).toBeGreaterThan(5);
  });
});
