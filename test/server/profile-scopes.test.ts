import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pandoBeside, saidBeside } from './beside-server.ts';
import { startServer } from './server-process.ts';

const LAB = 'profiles:\n  lab:\n    storage_provider: {type: file, options: {base_path: lab}}\n';

const following = (url: string): string =>
  `replication: {retry_delay: 100ms, sync_timeout: 10s, peers: [{id: b, url: "${url}", token: t, mode: sync}]}\n`;

describe('the scope of a profile', { timeout: 60_000 }, () => {
  it('is told to nobody: neither what lies at its source, nor what is written, and nobody is waited for', async () => {
    const b = await startServer();
    const a = await startServer({ config: `${LAB}${following(b.url)}`, directories: ['lab'] });
    writeFileSync(join(a.root, 'lab/found'), 'found');
    await saidBeside(a, 'sync', 'lab:');
    expect((await a.put('/lab/written', 'written')).status).toBe(200);
    expect((await a.fetch('/lab/found', { method: 'DELETE' })).status).toBe(204);
    expect((await a.put('/own/x', 'x')).status).toBe(200);
    await saidBeside(a, 'peer', 'wait', 'b', '--timeout', '60s');
    expect(await b.text('/own/x')).toBe('x');
    expect((await b.fetch('/lab/written')).status).toBe(404);
    const status = await a.fetch('/admin/replication/status');
    expect(await status.json()).toMatchObject({ dead_letters: 0, events_replicated: 1, depth: 0 });
    // It would fail where they differ.
    await saidBeside(a, 'peer', 'check', 'b');
  });

  it('takes nothing that a peer has written in a scope of that name', async () => {
    const b = await startServer({ config: LAB, directories: ['lab'] });
    writeFileSync(join(b.root, 'lab/mine'), 'mine');
    await saidBeside(b, 'sync', 'lab:');
    const a = await startServer({ config: following(b.url).replace(', mode: sync', '') });
    for (const [name, text] of [
      ['small', 'small'],
      ['large', 'x'.repeat(2 * 1024 * 1024)],
    ] as const)
      expect((await a.put(`/lab/${name}`, text)).status).toBe(200);
    const waited = await pandoBeside(a, 'peer', 'wait', 'b', '--timeout', '60s');
    expect(waited.code).toBe(1);
    for (const name of ['small', 'large'])
      expect(waited.stderr).toContain(`b refused lab:${name}: its scope is that of a profile at this site`);
    expect(await saidBeside(b, 'ls', 'lab:')).toBe('mine\n');
    expect(await saidBeside(b, 'object', 'ls', 'lab')).not.toContain('small');
  });
});
