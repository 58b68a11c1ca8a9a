import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saidBeside } from './beside-server.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const settled = (server: ServerProcess) => saidBeside(server, 'peer', 'wait', 'b', '--timeout', '60s');

const COMPARED = /a peer was compared with this site/g;
const comparisons = (server: ServerProcess): number => server.stderr.match(COMPARED)?.length ?? 0;

/** One site that another one follows, with an object that both have. */
async function openTwo() {
  const b = await startServer();
  const config = `replication: {enabled: true, retry_delay: 100ms, peers: [{id: b, url: "${b.url}", token: t}]}\n`;
  const a = await startServer({ config, args: ['--log-level', 'info'] });
  expect((await a.put('/s/1', 'one')).status).toBe(200);
  await settled(a);
  expect(await b.text('/s/1')).toBe('one');
  await expect.poll(() => comparisons(a)).toBe(1);
  return { a, b, again: () => startServer({ root: b.root, args: ['--port', String(b.port)] }) };
}

describe('a site that was started again', () => {
  it('has what it had, and is not compared', async () => {
    const { a, b, again } = await openTwo();
    await b.end('SIGKILL');
    expect((await a.put('/s/2', 'two')).status).toBe(200);
    const second = await again();
    await settled(a);
    expect([await second.text('/s/1'), await second.text('/s/2')]).toEqual(['one', 'two']);
    expect(comparisons(a)).toBe(1);
  });

  it('with an older copy of its catalog is compared, and gets what it had lost', async () => {
    const { a, b, again } = await openTwo();
    await b.end('SIGTERM');
    const data = join(b.root, 'data');
    const files = readdirSync(data).filter((name) => name.startsWith('catalog.sqlite'));
    for (const name of files) cpSync(join(data, name), join(b.root, name));
    expect((await a.put('/s/2', 'two')).status).toBe(200);
    const second = await again();
    await settled(a);
    await second.end('SIGTERM');
    for (const name of readdirSync(data)) if (name.startsWith('catalog.sqlite')) rmSync(join(data, name));
    for (const name of files) cpSync(join(b.root, name), join(data, name));
    const third = await again();
    await expect.poll(() => comparisons(a), { timeout: 30_000 }).toBe(2);
    await settled(a);
    expect([await third.text('/s/1'), await third.text('/s/2')]).toEqual(['one', 'two']);
  });
});

it('a site whose directory was put back from a copy serves each object at its first read', async () => {
  const site = await startServer();
  const names = Array.from({ length: 5 }, (_, at) => `/s/${at}`);
  for (const name of names) expect((await site.put(name, `of ${name}`)).status).toBe(200);
  await site.end('SIGTERM');
  const [data, copy] = [join(site.root, 'data'), join(site.root, 'copy')];
  // Other inodes, other times.
  cpSync(data, copy, { recursive: true });
  rmSync(data, { recursive: true });
  cpSync(copy, data, { recursive: true });
  const again = await startServer({ root: site.root });
  expect(await Promise.all(names.map((name) => again.text(name)))).toEqual(names.map((name) => `of ${name}`));
});
