import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSyncWorld } from './sync-world.ts';
import { texts, write, writeAll } from './trees.ts';

const upTo = (percent: number) => ({ deleteUnmatched: true, deleteLimit: { kind: 'percent', percent } }) as const;

test('what the source had is what it has still and what it lost since, not what was deleted before', async () => {
  await using world = openSyncWorld({ targets: 2 });
  writeAll(world.source, { a: '1', b: '2', c: '3', d: '4' });
  await world.sync();
  for (const name of ['a', 'b']) rmSync(join(world.source, name));
  expect(await world.sync(upTo(49))).toMatchObject({ state: 'refused' });
  expect(await world.sync(upTo(50))).toMatchObject({ state: 'done' });

  // At each target one of three is too many; the source itself has lost nothing.
  for (const [index, target] of world.targets.entries()) write(target, index === 0 ? 'a' : 'b', 'by hand');
  expect(await world.sync(upTo(34))).toMatchObject({ state: 'done' });
  for (const target of world.targets) expect(texts(target)).toEqual({ c: '3', d: '4' });
});
