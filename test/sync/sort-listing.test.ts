import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareKeys } from '../../src/domain/object/key.ts';
import { sortListing } from '../../src/engine/sync/sort-listing.ts';
import type { Listed, ListingPage, Storage } from '../../src/ports/storage.ts';
import { openSystemScratch } from '../../src/system/system-scratch.ts';
import { alter, listed } from './altered.ts';
import { openSyncWorld } from './sync-world.ts';
import { mirrored, write, writeAll } from './trees.ts';

const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

async function* pagesOf(objects: readonly Listed[], size: number): AsyncGenerator<ListingPage> {
  for (let at = 0; at < objects.length; at += size)
    yield { objects: objects.slice(at, at + size), failures: [], markers: 0 };
}

async function sorted(pages: AsyncIterable<ListingPage>, inMemory: number): Promise<Listed[]> {
  await using scratch = openSystemScratch();
  const all: Listed[] = [];
  for await (const page of sortListing(pages, scratch, inMemory)) all.push(...page.objects);
  return all;
}

describe('a listing sorted', () => {
  const object = fc.record({
    key: fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.constantFrom('a', 'a\n', 'a/', 'a-', '\ufffd', '\u{1f600}'),
    ),
    size: fc.nat(),
    token: fc.string({ unit: 'binary' }),
    modifiedNs: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined }),
  });

  test('holds each key once, as it was listed last, in the order of bytes, however few fit into memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(object, { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 70 }),
        async (objects, size, inMemory) => {
          const last = new Map(objects.map((one) => [one.key, one]));
          const expected = [...last.values()].toSorted((a, b) =>
            Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
          );
          expect(await sorted(pagesOf(objects, size), inMemory)).toEqual(expected);
        },
      ),
      { numRuns: process.env['PANDO_SOAK'] === '1' ? 5_000 : 150 },
    );
  });

  test('of many runs is merged block by block', async () => {
    const objects = Array.from({ length: 20_000 }, (_, i) => ({
      key: `k${((i * 7919) % 20_000).toString().padStart(6, '0')}`,
      size: i,
      token: `t${i}`,
      modifiedNs: 1n,
    }));
    const result = await sorted(pagesOf(objects, 1000), 300);
    expect(result.map(({ key }) => key)).toEqual(objects.map(({ key }) => key).toSorted(compareKeys));
  });

  test('tells what could not be listed before its first object', async () => {
    const failure = { shown: 'd/', protects: 'd/', kind: 'denied' as const, message: 'denied' };
    async function* pages(): AsyncGenerator<ListingPage> {
      yield { objects: [{ key: 'b', size: 1, token: 't', modifiedNs: undefined }], failures: [], markers: 1 };
      yield { objects: [{ key: 'a', size: 1, token: 't', modifiedNs: undefined }], failures: [failure], markers: 0 };
    }
    await using scratch = openSystemScratch();
    const all: ListingPage[] = [];
    for await (const page of sortListing(pages(), scratch, 1)) all.push(page);
    expect(all.map(({ objects }) => objects.map(({ key }) => key))).toEqual([[], [], ['a', 'b']]);
    expect(all.map(({ failures, markers }) => [failures.length, markers])).toEqual([
      [0, 1],
      [1, 0],
      [0, 0],
    ]);
  });

  test('that breaks off breaks off', async () => {
    async function* pages(): AsyncGenerator<ListingPage> {
      yield { objects: [{ key: 'b', size: 1, token: 't', modifiedNs: undefined }], failures: [], markers: 0 };
      throw new Error('broken');
    }
    await expect(sorted(pages(), 1)).rejects.toThrow('broken');
  });
});

test('scratch files have no name, and are gone with their scratch', async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), 'pando-scratch-'));
  const scratch = openSystemScratch(directory);
  const run = await scratch.openRun();
  await run.write(['one', '', 'drei €'.repeat(20_000)]);
  await run.write([]);
  await run.write(['four']);
  const lines: string[] = [];
  for await (const block of run.read()) lines.push(...block);
  expect(lines).toEqual(['one', '', 'drei €'.repeat(20_000), 'four']);
  expect(fs.readdirSync(directory)).toEqual([]);
  await scratch[Symbol.asyncDispose]();
  fs.rmdirSync(directory);
});

describe('a store whose listing has no order', () => {
  const unordered = (storage: Storage): Storage =>
    alter(storage, (inner) => ({
      capabilities: { ...inner.capabilities, sortedListing: false },
      async *list(prefix, options) {
        const after = options?.startAfter;
        const all = (await listed(inner)).filter(
          ({ key }) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0),
        );
        const shuffled = all.map((one, i) => [(i * 7919) % 307, one] as const).sort(([a], [b]) => a - b);
        yield* pagesOf(
          shuffled.map(([, one]) => one),
          50,
        );
      },
    }));

  test.each(['source', 'target', 'both'])('is mirrored and deleted in as any other (%s)', async (which) => {
    await using world = openSyncWorld();
    for (let i = 0; i < 300; i++) write(world.source, `d${i % 7}/f${i}`, `${i}`);
    writeAll(world.targets[0] as string, { 'd3/f3': '3', 'd9/foreign': 'x', zz: 'y' });
    const wrap = {
      ...(which === 'target' ? {} : { wrapSource: unordered }),
      ...(which === 'source' ? {} : { wrapTarget: unordered }),
    };
    expect(await world.sync({ ...ALL, ...wrap })).toMatchObject({
      state: 'done',
      failures: [],
      targets: [{ added: 299, unchanged: 1, deleted: 2 }],
    });
    expect(mirrored(world.targets[0] as string)).toEqual(mirrored(world.source));
    expect(await world.sync({ ...ALL, ...wrap })).toMatchObject({
      targets: [{ unchanged: 300, added: 0, deleted: 0 }],
    });
  });
});
