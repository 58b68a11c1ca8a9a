import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRoot } from '../faults/child.ts';
import { ServerProcess } from './server-process.ts';

const run = (...words: string[]): number | null => spawnSync(words[0] as string, words.slice(1)).status;

describe.runIf(isRoot)('a server whose disk fills up', () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-full-'));
  const disk = join(root, 'disk');
  let isMounted = false;
  beforeAll(() => {
    mkdirSync(disk);
    isMounted = run('mount', '-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk) === 0;
  });
  afterAll(() => {
    if (isMounted) run('umount', '-l', disk);
    rmSync(root, { recursive: true, force: true });
  });

  test('gives 507, goes on reading and deleting, and takes objects again once there is room', async (context) => {
    if (!isMounted) context.skip('file systems cannot be mounted here');
    await using server = await ServerProcess.start({ args: ['--storage', disk] });
    const body = Buffer.alloc(1_000_000, 'x');
    const statuses: number[] = [];
    for (let at = 0; at < 8; at++) statuses.push((await server.put(`/s/o${at}`, body)).status);
    expect(statuses.slice(0, 4)).toEqual([200, 200, 200, 200]);
    expect(statuses.at(-1)).toBe(507);
    expect((await server.text('/s/o0'))?.length).toBe(body.length);
    expect((await server.fetch('/s/o7')).status).toBe(404);
    expect((await server.fetch('/s/o0', { method: 'DELETE' })).status).toBe(204);
    expect((await server.fetch('/s/o1', { method: 'DELETE' })).status).toBe(204);
    await expect.poll(async () => (await server.put('/s/again', body)).status, { timeout: 20_000 }).toBe(200);
    expect(run('mount', '-o', 'remount,size=30m', disk)).toBe(0);
    expect((await server.put('/s/large', Buffer.alloc(9_000_000, 'y'))).status).toBe(200);
  });
});
