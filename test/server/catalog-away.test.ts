import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startPostgres } from '../servers/postgres.ts';
import { ServerProcess } from './server-process.ts';

test('a site whose catalog was away serves, sends and is sent to again when it is back', {
  timeout: 120_000,
}, async () => {
  await using postgres = await startPostgres();
  const catalog = await postgres.createDatabase();
  await using b = await ServerProcess.start();
  const replication = `replication: {enabled: true, retry_delay: 200ms, peers: [{id: b, url: ${b.url}, token: of-a}]}\n`;
  await using a = await ServerProcess.start({ catalog, config: `server: {storage_path: objects}\n${replication}` });
  expect((await a.put('/s/before', 'before')).status).toBe(200);
  await expect.poll(() => b.text('/s/before'), { timeout: 30_000 }).toBe('before');
  await postgres.kill();
  // Long enough that each part of the work notices.
  await sleep(3_000);
  expect((await a.put('/s/meanwhile', 'x')).status).toBe(503);
  expect((await a.fetch('/admin/health')).status).toBe(200);
  await postgres.start();
  await expect.poll(async () => (await a.put('/s/after', 'after')).status, { timeout: 30_000 }).toBe(200);
  await expect.poll(() => b.text('/s/after'), { timeout: 30_000 }).toBe('after');
  expect(await a.end('SIGTERM')).toBe(0);
});
