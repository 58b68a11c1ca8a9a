import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, PART_BYTES, settingsOf } from '../storage/s3-stores.ts';
import { markBesideOf, mirroredBucket, seeBucket } from '../sync/buckets.ts';
import { openSyncWorld, SCOPE, type SyncWorld } from '../sync/sync-world.ts';
import { readTree, write } from '../sync/trees.ts';
import { startSync } from './child.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const KILLS = soak ? 50 : 5;
const SMALL = soak ? 200 : 40;
/** So many that at any moment some have parts under way. */
const LARGE = 4;
const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

const { rgw, client } = await useRgw();

/** Some are added, some changed, some deleted, so that every run has all to do; the large ones have two and three parts. */
function stir(world: SyncWorld, round: number): void {
  for (let i = 0; i < SMALL + LARGE; i++) {
    const isLarge = i < LARGE;
    const name = isLarge ? `large/${i}` : `d${i % 7}/f${i}`;
    const turn = (i + round) % 3;
    if (round > 0 && turn === 0) fs.rmSync(join(world.source, name), { force: true });
    else if (round === 0 || turn === 1) {
      const size = isLarge ? PART_BYTES + 1 + (i % 2) * PART_BYTES : (i * 37) % 9_000;
      const modifiedMs = 1_700_000_000_000 + round * 1000;
      write(world.source, name, Buffer.alloc(size, `${round} ${i}`), { modifiedMs });
    }
  }
}

/** Objects the catalog says are done and that are the source's now, with what tells whether they are written again. */
async function recordedDone(world: SyncWorld, bucket: string): Promise<Map<string, string>> {
  const [source, target] = (await world.places()) as [string, string];
  const { objects } = await seeBucket(client, bucket);
  const tree = readTree(world.source);
  const page = await (await world.catalog()).scanScope({
    scope: SCOPE,
    prefix: '',
    limit: 1000,
    details: true,
    deleted: false,
    stores: [source, target],
  });
  expect(page.next).toBe(undefined);
  const isDone = (i: number): boolean =>
    page.replicas[1]?.states[i] === 'AVAILABLE' && page.replicas[1].versionIds[i] === page.versionIds[i];
  const names = page.names.filter((name, i) => isDone(i) && objects.has(name) && tree.has(name));
  const found = await mirroredBucket(client, bucket, names);
  const current = names.filter((name) => found[name]?.sha256 === tree.get(name)?.sha256);
  return new Map(current.map((name) => [name, objects.get(name) as string]));
}

async function expectFinished(world: SyncWorld, bucket: string): Promise<void> {
  const done = await recordedDone(world, bucket);
  expect(await world.sync(ALL)).toMatchObject({ state: 'done', failures: [] });
  const { objects, own, uploads } = await seeBucket(client, bucket);
  const tree = readTree(world.source);
  const found = await mirroredBucket(client, bucket, objects.keys());
  expect(Object.keys(found).toSorted()).toEqual([...tree.keys()].toSorted());
  for (const [name, { sha256, mode, modifiedNs }] of tree) {
    const mtime = `${modifiedNs / 1_000_000_000n}`;
    expect({ name, ...found[name] }).toEqual({ name, sha256, mode: (mode & 0o777).toString(8), mtime });
  }
  expect(uploads).toEqual([]);
  await expectOwn(bucket, objects.keys(), own);
  const again = [...done].filter(([name, seen]) => objects.get(name) !== seen).map(([name]) => name);
  expect(again).toEqual([]);
  const quiet = await world.sync(ALL);
  expect(quiet.targets).toMatchObject([{ unchanged: tree.size, added: 0, updated: 0, deleted: 0 }]);
}

/** Nothing but the mark of each large object. */
async function expectOwn(bucket: string, keys: Iterable<string>, own: readonly string[]): Promise<void> {
  const marks: string[] = [];
  for (const key of keys) {
    const mark = key.startsWith('large/') ? await markBesideOf(client, bucket, key) : undefined;
    if (mark !== undefined) marks.push(mark);
  }
  expect(own.toSorted()).toEqual(marks.toSorted());
}

describe('kill -9', { timeout: soak ? 1_800_000 : 120_000 }, () => {
  test(`of a sync to a bucket at ${KILLS} random moments, with uploads in parts: run again, all is equal, nothing is left over and nothing done is done again`, async () => {
    const bucket = await makeBucket(rgw);
    const buckets = [settingsOf(rgw, bucket)];
    await using world = openSyncWorld({ targets: 0, buckets });
    const task = { at: world.root, targets: 0, buckets, run: ALL };
    const lasts = { afterStart: 2_000, afterBegin: 1_500 };
    for (let round = 0, killed = 0; killed < KILLS; round++) {
      stir(world, round);
      // A start has moments of its own: the lease is taken, the server is asked what it enforces, leftovers are removed.
      const from = round % 4 === 3 ? 'afterStart' : 'afterBegin';
      const child = startSync(task);
      if (from === 'afterBegin') await begun(child.process.stdout);
      const startedMs = performance.now();
      await Promise.race([sleep(Math.random() * lasts[from]), child.ended]);
      child.process.kill('SIGKILL');
      const { signal } = await child.ended;
      if (signal === 'SIGKILL') killed++;
      else lasts[from] = Math.max(50, performance.now() - startedMs);
      await expectFinished(world, bucket);
    }
  });
});

function begun(stream: NodeJS.ReadableStream | null): Promise<void> {
  return new Promise((resolve) => {
    stream?.once('data', () => resolve());
    stream?.once('close', () => resolve());
  });
}
