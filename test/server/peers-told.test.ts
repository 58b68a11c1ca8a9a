import { expect, test } from 'vitest';
import { Sandbox } from '../cli/sandbox.ts';
import { startServer } from './server-process.ts';

test('a peer that is the site itself, or another peer, is sent nothing, and status tells of peers', {
  timeout: 120_000,
}, async () => {
  const [server, other] = [await startServer(), await startServer()];
  using box = new Sandbox();
  const there = (...args: string[]) => box.run(args, { env: { PANDO_SERVER: server.url } });
  const add = (url: string, name: string) => there('peer', 'add', url, '--name', name);
  expect((await there('status')).stdout).not.toContain('peers:');
  expect(await add('http://127.0.0.1:9', 'away')).toMatchObject({ code: 0 });
  expect(await add('http://127.0.0.1:9/', 'again')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('http://127.0.0.1:9/ is the peer away already') as string,
  });
  expect(await add(other.url, 'other')).toMatchObject({ code: 0 });
  const asked = async (): Promise<string> => (await there('status')).stdout;
  await expect.poll(async () => (await there('peer', 'wait', 'other')).code, { timeout: 20_000 }).toBe(0);
  expect(await add(server.url, 'self')).toMatchObject({ code: 0 });
  expect(await add(other.url.replace('127.0.0.1', 'localhost'), 'twice')).toMatchObject({ code: 0 });
  for (const name of ['a', 'b', 'c']) await server.put(`/s/${name}`, name);
  await expect.poll(asked, { timeout: 20_000 }).toMatch(/self: parked, .*it is this site itself/);
  await expect.poll(asked, { timeout: 20_000 }).toMatch(/twice: parked, .*the same site as the peer other/);
  await expect.poll(asked, { timeout: 20_000 }).toMatch(/peers: 4, 9 entries wait .*\n {2}away: parked, unreachable/);
  expect(JSON.parse((await there('status', '--json')).stdout)).toMatchObject({
    peers: [
      { name: 'away', state: 'parked', waiting: 3 },
      { name: 'other', state: 'active' },
      { waiting: 3 },
      { waiting: 3 },
    ],
  });
});
