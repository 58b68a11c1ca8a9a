import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ListingPage, Storage } from '../../src/ports/storage.ts';
import { openSyncWorld, type SyncRunOptions, type SyncWorld } from './sync-world.ts';
import { mirrored, write } from './trees.ts';

const FILES = process.env['PANDO_SOAK'] === '1' ? 3_000 : 2_000;
const ALL = { deleteUnmatched: true, deleteLimit: { kind: 'percent', percent: 100 } } as const;

async function openMirrored(targets: number): Promise<SyncWorld> {
  const world = openSyncWorld({ targets });
  for (let n = 0; n < FILES; n++) write(world.source, nameOf(n), `${n}`);
  expect(await world.sync()).toMatchObject({ state: 'done' });
  return world;
}

function nameOf(n: number): string {
  return `d${String(Math.floor(n / 100)).padStart(3, '0')}/f${String(n).padStart(5, '0')}`;
}

/** What a sync does without pages that are compared as a whole: their objects come one by one. */
function rowByRow(storage: Storage): Storage {
  return Object.create(storage, {
    list: {
      async *value(...args: Parameters<Storage['list']>): AsyncGenerator<ListingPage> {
        for await (const { objects, failures, markers } of storage.list(...args)) yield { objects, failures, markers };
      },
    },
  }) as Storage;
}

const WAYS: readonly (readonly [string, SyncRunOptions])[] = [
  ['page by page', {}],
  ['row by row', { wrapSource: rowByRow }],
];

describe('thousands of files of which nearly all are recorded', () => {
  test.each(WAYS)('are counted, and nothing is written (%s)', async (_, how) => {
    await using world = await openMirrored(2);
    const before = mirrored(world.targets[0] as string);
    const result = await world.sync(how);
    expect(result).toMatchObject({ state: 'done', source: { objects: FILES } });
    expect(result.source.bytes).toBe(Array.from({ length: FILES }, (__, n) => `${n}`.length).reduce((a, b) => a + b));
    for (const one of result.targets)
      expect(one).toMatchObject({ unchanged: FILES, added: 0, updated: 0, unmatched: 0, listed: FILES });
    expect(mirrored(world.targets[0] as string)).toEqual(before);
  });

  test.each(WAYS)('are mirrored with what changed between them, at either side (%s)', async (_, how) => {
    await using world = await openMirrored(2);
    const [near, far] = world.targets as [string, string];
    write(world.source, nameOf(700), 'another text');
    write(world.source, 'd010/added', 'new');
    fs.rmSync(join(world.source, nameOf(1_500)));
    fs.rmSync(join(near, nameOf(1_700)));
    write(far, nameOf(1_900), 'x');
    write(far, 'zzz', 'not from here');
    const result = await world.sync({ ...how, ...ALL });
    expect(result).toMatchObject({
      state: 'done',
      source: { objects: FILES },
      targets: [
        { added: 2, updated: 1, deleted: 1, unchanged: FILES - 3 },
        { added: 1, updated: 2, deleted: 2, unchanged: FILES - 3 },
      ],
    });
    expect(mirrored(near)).toEqual(mirrored(world.source));
    expect(mirrored(far)).toEqual(mirrored(world.source));
    const again = await world.sync({ ...how, ...ALL });
    for (const one of again.targets) expect(one).toMatchObject({ unchanged: FILES, added: 0, updated: 0, deleted: 0 });
  });
});
