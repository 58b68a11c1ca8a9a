import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ListOptions, Storage } from '../../src/ports/storage.ts';
import { alter } from './altered.ts';
import { openSyncWorld, type SyncRunOptions } from './sync-world.ts';
import { write } from './trees.ts';

/** So many unmatched keys are kept in memory; for the rest all is listed again. */
const KEPT = 100_000;
const PAGE = 1_000;

test('of more unmatched keys than are kept in memory, each is deleted once, and what is excluded never', async () => {
  await using world = openSyncWorld();
  write(world.source, 'a', '1');
  const keys = ['a', ...Array.from({ length: KEPT + 1 }, (_, number) => `k${String(number).padStart(6, '0')}`)];
  keys.push('omitted', 'z');
  const wrapTarget = (storage: Storage): Storage =>
    alter(storage, () => ({
      async *list(_prefix: string, { startAfter = '' }: ListOptions = {}) {
        const rest = keys.slice(keys.findIndex((key) => key > startAfter));
        for (let from = 0; from < rest.length; from += PAGE) {
          const objects = rest
            .slice(from, from + PAGE)
            .map((key) => ({ key, size: 1, token: 'there', modifiedNs: undefined }));
          yield { objects, failures: [], markers: 0 };
        }
      },
    }));
  const deleted: string[] = [];
  const wholly = {
    // What would be deleted is what is told.
    dryRun: true,
    deleteUnmatched: true,
    deleteLimit: { kind: 'percent', percent: 100 },
    filter: { rules: [{ kind: 'exclude', matches: (key: string) => key === 'omitted' }] },
    listeners: { onAction: ({ action, key }) => void (action === 'delete' && deleted.push(key)) },
    wrapTarget,
  } satisfies SyncRunOptions;
  expect(await world.sync(wholly)).toMatchObject({
    state: 'done',
    targets: [{ deleted: KEPT + 2, unmatched: KEPT + 2 }],
  });
  expect(deleted.filter((key) => !key.startsWith('k'))).toEqual(['z']);
  expect(new Set(deleted).size).toBe(KEPT + 2);

  rmSync(join(world.source, 'a'));
  expect((await world.sync(wholly)).refusal).toContain(`${KEPT + 3} objects would be deleted`);
});
