import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { leftovers, readTree } from '../sync/trees.ts';
import { holdsFilesIn, isAlive } from './signals.ts';
import { RuleWorld, UPLOADS } from './rule-world.ts';
import { WorkerProcess } from './worker-process.ts';

/** A page of its own, and takes seconds at this pace. */
const LARGE_BYTES = 9 * 1024 * 1024;
const PACE = 'bandwidth: 1MB/s';

/** Waits until a copy process of this worker has something staged. */
async function copying(pid: number, target: string): Promise<void> {
  const childrenOf = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const staging = join(target, '.pando/staging/');
  while (isAlive(pid) && !childrenOf().some((child) => holdsFilesIn(child, staging))) await sleep(5);
}

test('a worker that is asked to end amid copies in processes of its own gives them back: nothing is in hand or staged, and the next one goes on', async () => {
  const profile = (said: string) => `  slow:\n    storage_provider: {type: file, options: {base_path: slow}}\n${said}`;
  await using world = new RuleWorld(undefined, profile(`    ${PACE}\n`));
  const target = join(world.root, 'slow');
  mkdirSync(target);
  await world.upload('run', 'a', { large: Buffer.alloc(LARGE_BYTES, 'large'), small: Buffer.from('small') });
  const { id } = await (await world.rules()).add([`${UPLOADS}:run`], { copies: 1, stores: 'slow' });

  await using worker = await world.worker('--worker-processes', '1').ready();
  await copying(worker.pid, target);
  expect(await world.query("select count(*) from request where state = 'SUBMITTED'")).not.toEqual([[0]]);
  const askedMs = performance.now();
  expect(await worker.end('SIGTERM'), worker.said).toBe(0);
  // It does not wait until they have arrived.
  expect(performance.now() - askedMs).toBeLessThan(6_000);
  expect(await world.inHand(worker.pid)).toBe(0);
  const left = (await world.query(
    'select state, attempts, owner from request where due_ms is not null',
  )) as unknown[][];
  expect(left.length).toBeGreaterThanOrEqual(1);
  for (const row of left) expect(row).toEqual(['QUEUED', 0, null]);
  expect(leftovers(target)).toEqual([]);
  expect([...readTree(target).keys()].filter((name) => name.includes('large'))).toEqual([]);

  const unhurried = world.profiles.join('').replace(PACE, '');
  const nothing = { root: world.root, source: '', targets: [] };
  const args = { places: [], more: unhurried, args: ['--until-idle'] };
  await using next = new WorkerProcess(nothing, world.catalogUrl, args);
  expect(await next.ended, next.said).toBe(0);
  expect((await (await world.rules()).show(id)).rule).toMatchObject({ state: 'OK', counts: { ok: 2 } });
  expect([...readTree(target).values()].map(({ sha256 }) => sha256).toSorted()).toEqual(
    [...world.uploads.values()].toSorted(),
  );
});
