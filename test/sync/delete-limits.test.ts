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

test('what a refused run has added does not make the same deletes a smaller part of the target', async () => {
  await using world = openSyncWorld();
  const names = Array.from({ length: 10 }, (_, at) => `f${at}`);
  writeAll(world.source, Object.fromEntries(names.map((name) => [name, name])));
  await world.sync();
  for (const name of names) rmSync(join(world.source, name));
  writeAll(world.source, Object.fromEntries(names.map((name) => [`${name}.locked`, 'x'])));
  for (let run = 0; run < 3; run++) {
    expect(await world.sync(upTo(50)), `run ${run}`).toMatchObject({ state: 'refused' });
    await world.sync();
  }
  expect(Object.keys(texts(world.targets[0] as string))).toHaveLength(20);
  expect(await world.sync(upTo(100))).toMatchObject({ state: 'done', targets: [{ deleted: 10 }] });
  // In line again: what is there counts as a whole.
  for (const name of names.slice(0, 5)) rmSync(join(world.source, `${name}.locked`));
  expect(await world.sync(upTo(49))).toMatchObject({ state: 'refused' });
  expect(await world.sync(upTo(50))).toMatchObject({ state: 'done', targets: [{ deleted: 5 }] });
});

test('a target that is to delete nothing any more, said while its objects are being deleted, keeps the rest', async () => {
  await using world = openSyncWorld();
  const names = Array.from({ length: 600 }, (_, at) => `f${String(at).padStart(3, '0')}`);
  writeAll(world.source, Object.fromEntries([...names, 'stays'].map((name) => [name, name])));
  await world.sync();
  for (const name of names) rmSync(join(world.source, name));
  let asked = 0;
  const keepsNow = async () => (asked++ === 0 ? undefined : 'it deletes nothing now');
  const result = await world.sync({ ...upTo(100), keepsNow });
  expect(result).toMatchObject({ state: 'failed', targets: [{ deleted: 256, failed: 344 }] });
  expect(result.failures.every(({ kind }) => kind === 'held-back')).toBe(true);
  expect(Object.keys(texts(world.targets[0] as string))).toHaveLength(345);
});
