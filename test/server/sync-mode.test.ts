import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signal } from '../faults/signals.ts';
import { openPostgres } from '../servers/shared.ts';
import { saidBeside } from './beside-server.ts';
import { ServerProcess, startServer } from './server-process.ts';

const MIB = 1024 * 1024;

interface Named {
  readonly id: string;
  readonly url: string;
  readonly mode?: string;
  /** What the one who follows it shows it. */
  readonly token?: string;
}

function following(peers: readonly Named[], more: Readonly<Record<string, string>> = {}): string {
  const list = peers.map(
    ({ id, url, mode = 'sync', token = 'of-a' }) => `{id: ${id}, url: ${url}, mode: ${mode}, token: ${token}}`,
  );
  const said = Object.entries(more).map(([key, value]) => `  ${key}: ${value}\n`);
  return `replication:\n  enabled: true\n  retry_delay: 200ms\n${said.join('')}  peers: [${list.join(', ')}]\n`;
}

/** A peer that comes back at its address. */
async function again(peer: ServerProcess, port: number): Promise<ServerProcess> {
  return startServer({ root: peer.root, args: ['--port', String(port)] });
}

const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
const remove = (server: ServerProcess, path: string, headers: Record<string, string> = {}) =>
  server.fetch(path, { method: 'DELETE', headers });
const statusOf = async (server: ServerProcess) =>
  (await (await server.fetch('/admin/replication/status')).json()) as {
    readonly given_up: readonly string[];
    readonly alarms: readonly string[];
    readonly depth: number;
    readonly dropped: number;
    readonly peers: readonly { name: string; state: string; needs_resync: boolean; given_up: number }[];
  };
const namesAt = async (server: ServerProcess): Promise<string[]> => {
  const page = (await (await server.fetch('/s?max-keys=1000')).json()) as { objects: { name: string; etag: string }[] };
  return page.objects.map(({ name, etag }) => `${name} ${etag}`);
};
const untilParked = (server: ServerProcess) =>
  expect.poll(async () => (await statusOf(server)).peers[0]?.state, { timeout: 20_000 }).toBe('parked');

describe('a write in sync mode', () => {
  it('is answered when the peer has the bytes, whatever their size, and so is a delete', async () => {
    const b = await startServer();
    const a = await startServer({ config: following([{ id: 'b', url: b.url }]) });
    for (const size of [0, 10, 100_000, 3 * MIB]) {
      const body = new Uint8Array(randomBytes(size));
      const put = await a.put(`/s/of-${size}`, body);
      expect([put.status, put.headers.has('x-pando-version')], `${size}`).toEqual([200, true]);
      const there = await b.fetch(`/s/of-${size}`);
      expect(Buffer.from(await there.arrayBuffer()).equals(body), `${size}`).toBe(true);
    }
    const together = Array.from({ length: 40 }, async (_, at) => {
      const put = await a.put(`/s/many-${at % 8}`, `text ${at}`);
      return [put.status, (await b.fetch(`/s/many-${at % 8}`)).status];
    });
    expect(new Set((await Promise.all(together)).flat())).toEqual(new Set([200]));
    const gone = await remove(a, '/s/of-10');
    expect([gone.status, (await b.fetch('/s/of-10')).status]).toEqual([204, 404]);
    // Nothing is left to wait for.
    expect((await remove(a, '/s/of-10')).status).toBe(204);
    expect((await remove(a, '/s/never')).status).toBe(204);
  });

  it('that a peer does not take in time goes on; asked again it is the same write, and waits again', async () => {
    const b = await startServer();
    const a = await startServer({ config: following([{ id: 'b', url: b.url }], { sync_timeout: '1s' }) });
    expect((await a.put('/s/before', 'before')).status).toBe(200);
    signal(b.pid, 'SIGSTOP');
    const startedMs = Date.now();
    const pending = await a.put('/s/slow', 'slow', { 'if-none-match': '*' });
    expect(Date.now() - startedMs).toBeGreaterThan(900);
    expect([pending.status, await codeOf(pending)]).toEqual([504, 'replication-pending']);
    const version = pending.headers.get('x-pando-version') ?? '';
    expect([version.length, pending.headers.get('retry-after')]).toEqual([36, '2']);
    expect(await a.text('/s/slow')).toBe('slow');
    const key = { 'idempotency-key': version, 'if-none-match': '*' };
    expect((await a.put('/s/slow', 'slow', key)).status).toBe(504);
    const gone = await remove(a, '/s/before');
    expect([gone.status, await codeOf(gone)]).toEqual([504, 'replication-pending']);
    const deleted = { 'idempotency-key': gone.headers.get('x-pando-version') ?? '' };
    // One that says nothing of it waits for what it would have done.
    expect((await remove(a, '/s/before')).status).toBe(504);
    signal(b.pid, 'SIGCONT');
    await expect.poll(async () => (await a.put('/s/slow', 'slow', key)).status, { timeout: 60_000 }).toBe(200);
    const repeated = await a.put('/s/slow', 'slow', key);
    expect(repeated.headers.get('x-pando-version')).toBe(version);
    expect(repeated.headers.get('x-pando-repeated')).toBe('true');
    expect(await b.text('/s/slow')).toBe('slow');
    const over = await remove(a, '/s/before', deleted);
    expect([over.status, over.headers.get('x-pando-version')]).toEqual([204, deleted['idempotency-key']]);
    expect((await b.fetch('/s/before')).status).toBe(404);
    expect(await (await a.fetch('/admin/status')).json()).toMatchObject({ objects: 1, tombstones: 1 });
  });

  it('is taken at once where nobody waits for the peer, or the peer is known to be away', async () => {
    const b = await startServer();
    const a = await startServer({ config: following([{ id: 'b', url: b.url }], { sync_timeout: '30s' }) });
    expect((await a.put('/s/before', 'before')).status).toBe(200);
    signal(b.pid, 'SIGSTOP');
    const started = Date.now();
    const preferred = await a.put('/s/later', 'later', { prefer: 'foo; wait=3, respond-async' });
    expect([preferred.status, preferred.headers.get('preference-applied')]).toEqual([202, 'respond-async']);
    const key = { 'idempotency-key': preferred.headers.get('x-pando-version') ?? '' };
    expect(preferred.headers.has('etag')).toBe(true);
    expect((await remove(a, '/s/before', { prefer: 'respond-async' })).status).toBe(202);
    expect(Date.now() - started).toBeLessThan(20_000);
    const { port } = b;
    // Who waits when it turns out that the peer is away is told so then.
    const waiting = a.put('/s/waits', 'waits');
    await b.end('SIGKILL');
    expect((await waiting).status).toBe(202);
    await untilParked(a);
    expect((await a.put('/s/away', 'away')).status).toBe(202);
    const back = await again(b, port);
    await expect.poll(async () => (await a.put('/s/later', 'later', key)).status, { timeout: 60_000 }).toBe(200);
    await saidBeside(a, 'peer', 'wait', 'b', '--timeout', '60s');
    expect(await namesAt(back)).toEqual(await namesAt(a));
    expect((await a.put('/s/after', 'after', { prefer: 'respond-async' })).status).toBeLessThan(203);
  });

  it('is told that it goes on when the server is told to stop', async () => {
    const b = await startServer();
    const a = await startServer({ config: following([{ id: 'b', url: b.url }], { sync_timeout: '10m' }) });
    expect((await a.put('/s/before', 'before')).status).toBe(200);
    signal(b.pid, 'SIGSTOP');
    const waiting = a.put('/s/waits', 'waits');
    await expect.poll(() => a.text('/s/waits'), { timeout: 20_000 }).toBe('waits');
    const startedMs = Date.now();
    const [code, put] = await Promise.all([a.end('SIGTERM'), waiting]);
    // The peer may have been found away meanwhile.
    expect([202, 504]).toContain(put.status);
    expect([code, put.headers.has('x-pando-version')]).toEqual([0, true]);
    expect(Date.now() - startedMs).toBeLessThan(25_000);
    signal(b.pid, 'SIGCONT');
    const { root } = a;
    const restarted = await startServer({ root });
    await expect.poll(() => b.text('/s/waits'), { timeout: 60_000 }).toBe('waits');
    expect(await restarted.text('/s/waits')).toBe('waits');
  });

  it('waits for as many peers as it is to be at', async () => {
    const b = await startServer();
    const lost = await startServer();
    const peers = [
      { id: 'b', url: b.url },
      { id: 'lost', url: lost.url },
    ];
    const a = await startServer({ config: following(peers, { sync_copies: '1', sync_timeout: '30s' }) });
    signal(lost.pid, 'SIGSTOP');
    expect((await a.put('/s/one', 'one')).status).toBe(200);
    expect(await b.text('/s/one')).toBe('one');
  });

  it('is not waited for by who is async, or not told of the scope', async () => {
    const b = await startServer();
    const peers = [{ id: 'b', url: b.url, mode: 'async' }];
    const a = await startServer({ config: following(peers, { sync_timeout: '30s' }) });
    signal(b.pid, 'SIGSTOP');
    const startedMs = Date.now();
    expect((await a.put('/s/one', 'one')).status).toBe(200);
    await saidBeside(a, 'peer', 'add', 'http://127.0.0.1:9', '--name', 'of-t', '--scopes', 't', '--mode', 'sync');
    await expect.poll(async () => (await a.put('/t/one', 'one')).status, { timeout: 20_000 }).toBe(202);
    expect((await a.put('/s/two', 'two')).status).toBe(200);
    expect(Date.now() - startedMs).toBeLessThan(25_000);
  });

  it('that was made at another site, which tells the peer itself, is asked of the peer', async () => {
    const c = await startServer();
    const b = await startServer({
      config: following([{ id: 'c', url: c.url, token: 'of-b' }], { sync_timeout: '1s' }),
    });
    const told = [b, c].map(({ url }, at) => ({ id: `to-${at}`, url, mode: 'async' }));
    const a = await startServer({ config: following(told) });
    expect((await b.put('/s/before', 'before')).status).toBe(200);
    expect((await a.put('/s/first', 'first')).status).toBe(200);
    for (const { id } of told) await saidBeside(a, 'peer', 'wait', id, '--timeout', '60s');
    signal(c.pid, 'SIGSTOP');
    const put = await a.put('/s/once', 'once');
    const key = { 'idempotency-key': put.headers.get('x-pando-version') ?? '' };
    await expect.poll(() => b.text('/s/once'), { timeout: 20_000 }).toBe('once');
    expect([202, 504]).toContain((await b.put('/s/once', 'once', key)).status);
    signal(c.pid, 'SIGCONT');
    await expect.poll(async () => (await b.put('/s/once', 'once', key)).status, { timeout: 60_000 }).toBe(200);
    expect(await c.text('/s/once')).toBe('once');
    expect(await (await c.fetch('/admin/status')).json()).toMatchObject({ objects: 3, versions: 3 });
  });

  it('hears of an answer that came to another process of the site', async () => {
    await using postgres = await openPostgres();
    const catalog = await postgres.createDatabase();
    const root = mkdtempSync(join(tmpdir(), 'pando-shared-'));
    try {
      const b = await startServer();
      const config = `server: {storage_path: ${root}}\n${following([{ id: 'b', url: b.url }])}`;
      await using one = await ServerProcess.start({ config, catalog });
      await using other = await ServerProcess.start({ config, catalog });
      for (const [at, server] of [one, other, one, other].entries()) {
        expect((await server.put(`/s/${at}`, `text ${at}`)).status).toBe(200);
        expect(await b.text(`/s/${at}`)).toBe(`text ${at}`);
        const large = new Uint8Array(randomBytes(2 * MIB));
        expect((await server.put(`/s/large-${at}`, large)).status).toBe(200);
        expect((await (await b.fetch(`/s/large-${at}`)).arrayBuffer()).byteLength).toBe(2 * MIB);
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('what waits for a peer that is away', () => {
  it('becomes one mark when it is too much, is told of, and all is there when the peer is back', async () => {
    const b = await startServer();
    const { port } = b;
    const peers = [{ id: 'b', url: b.url, mode: 'async' }];
    const a = await startServer({ config: following(peers, { max_backlog: '16KiB', peer_alarm: '1s' }) });
    await a.put('/s/o-0', 'first');
    await a.put('/s/gone', 'gone');
    await saidBeside(a, 'peer', 'wait', 'b', '--timeout', '60s');
    await b.end('SIGKILL');
    for (let at = 0; at < 60; at++) expect((await a.put(`/s/o-${at % 50}`, `text ${at}`)).status).toBe(200);
    expect((await remove(a, '/s/gone')).status).toBe(204);
    await expect.poll(async () => (await statusOf(a)).given_up, { timeout: 30_000 }).toEqual(['b']);
    expect(await statusOf(a)).toMatchObject({ dropped: 0, peers: [{ needs_resync: true }] });
    await expect.poll(async () => (await statusOf(a)).alarms, { timeout: 30_000 }).toEqual(['b']);
    expect(await saidBeside(a, 'peer', 'ls')).toMatch(/parked, given up, ALARM/);
    const shown = await saidBeside(a, 'peer', 'show', 'b');
    expect(shown).toMatch(/compared {6}when it is back: too much waited for it/);
    expect(shown).toMatch(/ALARM/);
    const events = await saidBeside(a, 'events', '--json');
    for (const kind of ['backlog-given-up', 'peer-stayed-away']) expect(events).toContain(kind);
    expect(a.stderr).toContain('the queue of a peer is given up');
    // Nothing more is queued: the mark stands for it.
    for (let at = 0; at < 40; at++) await a.put(`/s/later-${at}`, `later ${at}`);
    expect((await statusOf(a)).depth).toBeLessThan(40);
    const back = await again(b, port);
    await saidBeside(a, 'peer', 'wait', 'b', '--timeout', '60s');
    expect(await namesAt(back)).toEqual(await namesAt(a));
    expect(await namesAt(a)).toHaveLength(90);
    await expect.poll(async () => (await statusOf(a)).alarms, { timeout: 30_000 }).toEqual([]);
    const { given_up, dropped, peers: after } = await statusOf(a);
    expect([given_up, dropped, after[0]?.needs_resync]).toEqual([[], 0, false]);
    expect(after[0]?.given_up).toBeGreaterThan(30);
    expect(await saidBeside(a, 'events', '--json')).toContain('peer-came-back');
  });

  it('turns writers away where the peer is to have all that is written', async () => {
    const b = await startServer();
    const { port } = b;
    const a = await startServer({
      config: following([{ id: 'b', url: b.url }], { max_backlog: '16KiB', sync_timeout: '1s' }),
    });
    expect((await a.put('/s/first', 'first')).status).toBe(200);
    await b.end('SIGKILL');
    let put = await a.put('/s/o-0', 'text');
    const key = { 'idempotency-key': put.headers.get('x-pando-version') ?? '' };
    const writes = new Set<number>([put.status]);
    for (let at = 1; at < 2000 && put.status !== 503; at++) {
      put = await a.put(`/s/o-${at}`, 'text');
      writes.add(put.status);
    }
    expect([put.status, put.headers.has('retry-after'), await codeOf(put)]).toEqual([503, true, 'backlog']);
    expect((await remove(a, '/s/first')).status).toBe(503);
    // What was written is told of.
    expect((await a.put('/s/o-0', 'text', key)).status).toBe(202);
    expect(await a.text('/s/first')).toBe('first');
    expect([...writes].filter((status) => ![202, 503, 504].includes(status))).toEqual([]);
    expect(await saidBeside(a, 'events', '--json')).toContain('backlog-full');
    expect((await statusOf(a)).given_up).toEqual([]);
    const back = await again(b, port);
    await expect.poll(async () => (await a.put('/s/after', 'after')).status, { timeout: 60_000 }).toBe(200);
    await saidBeside(a, 'peer', 'wait', 'b', '--timeout', '60s');
    expect(await namesAt(back)).toEqual(await namesAt(a));
  });
});
