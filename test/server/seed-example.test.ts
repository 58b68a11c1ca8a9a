import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ServerProcess } from './server-process.ts';

// As it is written in the field, with `pando` for its binary, a directory for its device, and the addresses of two servers here.

const MINIMAL_A = `replication:
  enabled: true
  remote_url: https://site-b.example.com
  remote_token: "abc123..."
`;
const MINIMAL_B = `replication:
  enabled: false
`;
const WHOLE_A = `server:
  port: 8080
  storage_path: /dev/nvme0n1
  storage_size: 1TB

replication:
  enabled: true
  mode: async
  remote_url: https://site-b.example.com
  remote_token: "secret-token-xyz123"
  batch_size: 100
  batch_interval: 1s
  retry_attempts: 3
  retry_delay: 5s
`;
const WHOLE_B = `server:
  port: 8080
  storage_path: /dev/nvme0n1
  storage_size: 1TB

replication:
  enabled: false  # ⚠️ IMPORTANT: disable to avoid loops!
`;
const FLAGS_A = `./bin/comio server \\
  --storage /dev/nvme0n1 \\
  --size 1TB \\
  --replication-enabled \\
  --replication-remote https://site-b.example.com \\
  --replication-token "abc123..."
`;
const FLAGS_B = `./bin/comio server \\
  --storage /dev/nvme0n1 \\
  --size 1TB
`;
const TOKEN = 'openssl rand -hex 32';
const UPLOAD = `curl -X PUT http://site-a:8080/mybucket/myfile \\
  -H "Content-Type: application/octet-stream" \\
  --data-binary @file.dat
`;
const VERIFY = 'curl http://site-b:8080/mybucket/myfile';
const STATUS = 'curl http://site-a:8080/admin/replication/status';
const CONNECTIVITY = 'curl -I https://site-b.example.com/admin/health';
const WORKLOAD = `for i in {1..1000}; do
  dd if=/dev/urandom bs=1M count=1 | \\
    curl -X PUT http://site-a:8080/test/file$i \\
      -H "Content-Type: application/octet-stream" \\
      --data-binary @-
done
`;
const LOGS = 'grep -i "replication" server.log | tail -50';

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');
const FILES = process.env['PANDO_SOAK'] === '1' ? 1_000 : 10;

interface Ran {
  readonly code: number;
  readonly stdout: string;
}

let here: string;
beforeAll(() => {
  here = mkdtempSync(join(tmpdir(), 'pando-seed-'));
});
afterAll(() => rmSync(here, { recursive: true }));

const bash = (script: string): Promise<Ran> =>
  new Promise((done) => {
    execFile('bash', ['-c', script], { cwd: here }, (error, stdout) =>
      done({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });

/** The two sites, of whatever the field calls them. */
interface Sites {
  readonly a: ServerProcess;
  readonly b: ServerProcess;
}

function placed(text: string, { a, b }: Partial<Sites>): string {
  return text
    .replaceAll('https://site-b.example.com', b?.url ?? 'https://site-b.example.com')
    .replaceAll('http://site-b:8080', b?.url ?? 'http://site-b:8080')
    .replaceAll('http://site-a:8080', a?.url ?? 'http://site-a:8080')
    .replaceAll('/dev/nvme0n1', 'objects');
}

/** The words of a command line, as a shell has them. */
function wordsOf(command: string): string[] {
  const [program, subcommand, ...words] = command.replaceAll('\\\n', ' ').trim().split(/\s+/);
  expect([program, subcommand]).toEqual(['./bin/comio', 'server']);
  return words.map((word) => word.replaceAll('"', ''));
}

async function startOf(options: { config?: string; args?: readonly string[] }): Promise<ServerProcess> {
  const config = options.config === undefined ? [] : ['--config', 'config.yaml'];
  const root = mkdtempSync(join(here, 'site-'));
  if (options.config !== undefined) writeFileSync(join(root, 'config.yaml'), options.config);
  const server = await ServerProcess.start({ root, args: [...config, ...(options.args ?? [])] });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** What everyone does who has set it up, and what the field says they see. */
async function tryReplication({ a, b }: Sites): Promise<void> {
  writeFileSync(join(here, 'file.dat'), 'what is in it');
  expect((await bash(placed(UPLOAD, { a, b }))).code).toBe(0);
  await expect.poll(async () => (await bash(placed(VERIFY, { b }))).stdout, { timeout: 30_000 }).toBe('what is in it');
  await waitFor(a);
  const told = JSON.parse((await bash(placed(STATUS, { a }))).stdout) as Record<string, unknown>;
  expect(told).toMatchObject({ enabled: true, events_queued: 1, events_replicated: 1, events_failed: 0 });
  expect(told['last_replication']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
  const { stdout } = await bash(placed(CONNECTIVITY, { b }));
  expect(stdout).toMatch(/^HTTP\/1\.1 200 OK/);
}

async function waitFor(a: ServerProcess): Promise<void> {
  const words = [
    process.execPath,
    launcher,
    'peer',
    'wait',
    'remote',
    '--timeout',
    '10m',
    '--data',
    join(a.root, 'data'),
  ];
  expect((await bash(words.map((word) => `'${word}'`).join(' '))).code).toBe(0);
}

describe('two sites as the field sets them up', { timeout: 3_600_000 }, () => {
  it('with a file that says where the other one is', async () => {
    const b = await startOf({ config: MINIMAL_B });
    const a = await startOf({ config: placed(MINIMAL_A, { b }) });
    await tryReplication({ a, b });
  });

  it('with a file that says everything, and a token that was made for it', async () => {
    const token = (await bash(TOKEN)).stdout.trim();
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const b = await startOf({ config: placed(WHOLE_B, {}) });
    const a = await startOf({ config: placed(WHOLE_A, { b }).replace('secret-token-xyz123', token) });
    await tryReplication({ a, b });
  });

  it('with flags, a workload, and a site that is not there for a while', async () => {
    const b = await startOf({ args: wordsOf(placed(FLAGS_B, {})) });
    const flags = wordsOf(placed(FLAGS_A, { b }));
    const a = await startOf({ args: [...flags, '--log-format', 'json', '--log-level', 'info'] });
    await tryReplication({ a, b });
    expect((await bash(placed(WORKLOAD, { a }).replace('1000', String(FILES)))).code).toBe(0);
    await waitFor(a);
    for (let file = 1; file <= FILES; file++) {
      const [kept, there] = await Promise.all([a, b].map((one) => one.fetch(`/test/file${file}`, { method: 'HEAD' })));
      expect([there?.status, there?.headers.get('etag')]).toEqual([200, kept?.headers.get('etag')]);
      expect(there?.headers.get('content-length')).toBe('1048576');
    }
    const { port } = b;
    await b.end('SIGKILL');
    expect((await a.put('/mybucket/later', 'later')).status).toBe(200);
    await expect.poll(() => a.stderr, { timeout: 30_000 }).toContain('Failed to replicate event');
    const line = a.stderr.split('\n').find((one) => one.includes('Failed to replicate event')) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      msg: 'Failed to replicate event',
      event_id: expect.stringMatching(/^\d{13}-mybucket-later$/) as string,
      error: expect.stringContaining('127.0.0.1') as string,
    });
    writeFileSync(join(here, 'server.log'), a.stderr);
    expect((await bash(LOGS)).code).toBe(0);
    const back = await ServerProcess.start({
      root: b.root,
      args: [...wordsOf(placed(FLAGS_B, {})), '--port', String(port)],
    });
    onTestFinished(() => back[Symbol.asyncDispose]());
    await waitFor(a);
    expect((await bash(placed('curl http://site-b:8080/mybucket/later', { b: back }))).stdout).toBe('later');
    const told = JSON.parse((await bash(placed(STATUS, { a }))).stdout) as Record<string, unknown>;
    expect(told).toMatchObject({ enabled: true, events_queued: FILES + 2, events_replicated: FILES + 2, dropped: 0 });
  });
});
