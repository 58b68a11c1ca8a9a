import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pandoBeside } from './beside-server.ts';
import { ServerProcess } from './server-process.ts';

const CONFIG = `replication:
  enabled: true
  retry_delay: 200ms
  conflicts: {both: keep-both, strict: reject}
`;

async function connect(a: ServerProcess, b: ServerProcess): Promise<void> {
  expect((await pandoBeside(a, 'peer', 'add', b.url, '--name', 'b')).code).toBe(0);
  expect((await pandoBeside(b, 'peer', 'add', a.url, '--name', 'a')).code).toBe(0);
  await settle(a, b);
}

async function settle(a: ServerProcess, b: ServerProcess): Promise<void> {
  for (let round = 0; round < 2; round++)
    for (const [server, peer] of [
      [a, 'b'],
      [b, 'a'],
    ] as const) {
      const waited = await pandoBeside(server, 'peer', 'wait', peer, '--timeout', '60s');
      expect(waited.code, waited.stderr).toBe(0);
    }
}

interface Told {
  readonly name: string;
  readonly served: { readonly entityTag: string };
  readonly lost: readonly { readonly name: string; readonly entityTag: string }[];
}

async function conflictsOf(server: ServerProcess, scope: string): Promise<readonly Told[]> {
  const response = await server.fetch(`/admin/conflicts?scope=${scope}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly conflicts: readonly Told[] }).conflicts;
}

describe('objects that were written at two sites without knowing of each other', { timeout: 240_000 }, () => {
  it('are settled as their scopes say, the same at both', async () => {
    await using a = await ServerProcess.start({ config: CONFIG });
    await using b = await ServerProcess.start({ config: CONFIG });
    for (const scope of ['last', 'both', 'strict']) {
      await a.put(`/${scope}/x`, `${scope} at a`);
      await b.put(`/${scope}/x`, `${scope} at b`);
    }
    await connect(a, b);
    for (const server of [a, b])
      for (const scope of ['last', 'both', 'strict']) expect(await server.text(`/${scope}/x`)).toBe(`${scope} at b`);
    const [last] = await conflictsOf(a, 'last');
    expect(await conflictsOf(b, 'last')).toMatchObject([{ name: 'x', lost: [{ name: last?.lost[0]?.name }] }]);
    // Who writes next ends it.
    expect((await a.put('/last/x', 'again')).status).toBe(200);
    expect(await conflictsOf(a, 'last')).toEqual([]);

    const [both] = await conflictsOf(a, 'both');
    const name = both?.lost[0]?.name ?? '';
    expect(name).toMatch(/^x\.conflict-[0-9a-f]{16}-\d+$/);
    for (const server of [a, b]) {
      expect(await server.text(`/both/${name}`)).toBe('both at a');
      const listing = (await (await server.fetch('/both')).json()) as { readonly objects: readonly { name: string }[] };
      expect(listing.objects.map((one) => one.name)).toEqual(['x', name]);
    }
    expect((await a.fetch('/both/x', { method: 'HEAD' })).status).toBe(200);
    expect((await a.put('/both/x', 'newer')).status).toBe(200);
    expect((await b.put(`/both/${name}`, 'over what lost')).status).toBe(409);
    await settle(a, b);
    expect([await b.text('/both/x'), await b.text(`/both/${name}`)]).toEqual(['newer', 'both at a']);
    expect((await b.fetch(`/both/${name}`, { method: 'DELETE' })).status).toBe(204);
    await settle(a, b);
    expect([await a.text('/both/x'), await a.text(`/both/${name}`)]).toEqual(['newer', undefined]);
    expect(await conflictsOf(a, 'both')).toEqual([]);

    const [strict] = await conflictsOf(b, 'strict');
    const tags = [strict?.served.entityTag, strict?.lost[0]?.entityTag].map((tag) => `"${tag}"`);
    const refused = await b.put('/strict/x', 'merged');
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'conflict', message: expect.stringContaining(tags[1] ?? '') });
    expect((await b.put('/strict/x', 'merged', { 'if-match': tags[0] ?? '' })).status).toBe(409);
    expect((await b.put('/strict/x', 'merged', { 'if-match': '*' })).status).toBe(409);
    expect((await b.fetch('/strict/x', { method: 'DELETE' })).status).toBe(409);
    const listed = await pandoBeside(b, 'conflict', 'ls', '--scope', 'strict');
    expect(listed.stdout).toContain('strict:x');
    expect((await b.put('/strict/x', 'merged', { 'if-match': tags.join(', ') })).status).toBe(200);
    await settle(a, b);
    expect(await a.text('/strict/x')).toBe('merged');
    expect((await pandoBeside(a, 'conflict', 'ls')).stderr).toContain('no conflicts');
    const events = await pandoBeside(a, 'events', '--json');
    expect(events.stdout.split('\n').filter((line) => line.includes('conflict-found')).length).toBe(3);
  });
});

describe('a peer', { timeout: 240_000 }, () => {
  it('is compared, brought in line and purged by commands', async () => {
    await using a = await ServerProcess.start({ config: CONFIG });
    await using b = await ServerProcess.start({ config: CONFIG });
    for (let n = 0; n < 5; n++) await a.put(`/s/n${n}`, `text ${n}`);
    expect((await pandoBeside(a, 'peer', 'check', 'b')).code).toBe(3);
    await connect(a, b);
    const equal = await pandoBeside(a, 'peer', 'check', 'b', '--json');
    expect([equal.code, JSON.parse(equal.stdout)]).toMatchObject([0, { equal: true, different: 0 }]);
    expect((await pandoBeside(a, 'peer', 'dead-letters', 'b')).stderr).toContain('has refused nothing');
    expect(JSON.parse((await pandoBeside(a, 'peer', 'replay', 'b', '--json')).stdout)).toEqual({ entries: 0 });

    // What a site does not tell is found, and told when it is asked for.
    expect((await pandoBeside(b, 'peer', 'rm', 'a')).code).toBe(0);
    await b.put('/s/only-b', 'b');
    const differs = await pandoBeside(a, 'peer', 'check', 'b');
    expect([differs.code, differs.stdout]).toEqual([1, 's:only-b: only b knows of it\n']);
    expect((await pandoBeside(b, 'peer', 'add', a.url, '--name', 'a')).code).toBe(0);
    expect((await pandoBeside(b, 'peer', 'resync', 'a')).code).toBe(0);
    expect((await a.fetch('/admin/replication/peers/b/resync', { method: 'POST' })).status).toBe(202);
    await settle(a, b);
    expect((await pandoBeside(a, 'peer', 'check', 'b')).code).toBe(0);

    const asked = await pandoBeside(a, 'purge', 's');
    expect([asked.code, asked.stderr]).toEqual([5, expect.stringContaining('the 6 objects of s')]);
    expect((await pandoBeside(a, 'purge', 'nowhere', '--yes')).code).toBe(3);
    const purged = await pandoBeside(a, 'purge', 's', '--yes', '--json');
    expect(JSON.parse(purged.stdout)).toEqual({ scope: 's', objects: 6, purged: true });
    await settle(a, b);
    expect(await b.text('/s/n1')).toBeUndefined();
    expect((await pandoBeside(a, 'peer', 'check', 'b')).code).toBe(0);
    await b.end('SIGKILL');
    expect((await pandoBeside(a, 'peer', 'check', 'b')).code).toBe(4);
  });
});

describe('a site whose catalog is put back to an older copy', { timeout: 240_000 }, () => {
  it('has what it lost, shadows nothing, and is told of it by its peers', async () => {
    await using a = await ServerProcess.start({ config: CONFIG });
    await using b = await ServerProcess.start({ config: CONFIG });
    await connect(a, b);
    await a.put('/s/before', 'before');
    await settle(a, b);
    const { port } = a;
    await a.end('SIGTERM');
    const [data, copy] = [join(a.root, 'data'), join(a.root, 'copy')];
    cpSync(data, copy, { recursive: true });
    await using later = await ServerProcess.start({ config: CONFIG, root: a.root, args: ['--port', String(port)] });
    for (const name of ['x', 'y', 'z']) await later.put(`/s/${name}`, `${name} of a`);
    await later.fetch('/s/before', { method: 'DELETE' });
    await b.put('/s/from-b', 'b');
    await settle(later, b);
    await later.end('SIGKILL');
    for (const file of ['catalog.sqlite', 'catalog.sqlite-wal', 'catalog.sqlite-shm']) {
      rmSync(join(data, file), { force: true });
      if (existsSync(join(copy, file))) cpSync(join(copy, file), join(data, file));
    }
    await using restored = await ServerProcess.start({ config: CONFIG, root: a.root, args: ['--port', String(port)] });
    expect((await restored.put('/s/w', 'new')).status).toBe(200);
    await expect
      .poll(async () => Promise.all(['x', 'y', 'z', 'from-b', 'before'].map((name) => restored.text(`/s/${name}`))), {
        timeout: 60_000,
      })
      .toEqual(['x of a', 'y of a', 'z of a', 'b', undefined]);
    await settle(restored, b);
    expect(await b.text('/s/w')).toBe('new');
    expect((await pandoBeside(restored, 'peer', 'check', 'b')).code).toBe(0);
  });
});
