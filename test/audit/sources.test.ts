import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditWorld, openCopied, SCOPE, settle } from './audit-world.ts';

const ALL = { repair: true, adopt: true, percentMax: 100 } as const;

describe('at the source of a scope', () => {
  test('what others put there is new: told, made known when that is asked for, and never moved', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const [first] = names as [string];
    const old = world.add(join(world.root, SCOPE, 'raw/new-1.csv'), 'not written through Pando');
    // The bytes and the name of an object that has its copies elsewhere: an object of its own all the same.
    const bytes = readFileSync(join(world.root, SCOPE, first), 'utf8');
    world.add(join(world.root, SCOPE, 'twin', first), bytes);
    expect(await world.audit(SCOPE)).toMatchObject({ state: 'clean', counts: { dark: 0, new: 2, ok: 20 } });
    expect(await world.audit(SCOPE, { adopt: true })).toMatchObject({ repairs: { adopted: 0, registered: 0 } });

    const repaired = await world.audit(SCOPE, ALL);
    expect(repaired).toMatchObject({
      state: 'clean',
      counts: { dark: 0, new: 2 },
      repairs: { adopted: 0, registered: 2, setAside: 0, failed: 0 },
    });
    expect(world.list(SCOPE, true)).toEqual([]);
    expect(readFileSync(old, 'utf8')).toBe('not written through Pando');
    expect(await world.states('raw/new-1.csv')).toEqual({ [SCOPE]: 'UNVERIFIED' });
    expect(await world.states(`twin/${first}`)).toEqual({ [SCOPE]: 'UNVERIFIED' });
    expect(await world.audit(SCOPE)).toMatchObject({ state: 'clean', counts: { new: 0, ok: 22 } });
  });

  test('an object that had gone and is there again is the object', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const [first] = names as [string];
    const path = join(world.root, SCOPE, first);
    const bytes = readFileSync(path, 'utf8');
    rmSync(path);
    expect(await world.audit(SCOPE, ALL)).toMatchObject({ repairs: { forgotten: 1 } });
    world.add(path, bytes);
    expect(await world.audit(SCOPE, ALL)).toMatchObject({ repairs: { registered: 1, setAside: 0 } });
    expect(await world.states(first)).toMatchObject({ [SCOPE]: 'AVAILABLE', a: 'AVAILABLE' });
  });

  test('an object that others wrote again is a new version, and nothing writes the old one over it', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const [first] = names as [string];
    const rule = await world.addRule({ copies: 1, expression: SCOPE });
    await world.work();
    const path = world.add(join(world.root, SCOPE, first), 'written again, and not through Pando');
    expect(await world.audit(SCOPE)).toMatchObject({ counts: { stale: 1 }, repairs: { declaredBad: 0 } });
    await world.work();
    expect(readFileSync(path, 'utf8')).toBe('written again, and not through Pando');
    expect(await world.audit(SCOPE, ALL)).toMatchObject({ repairs: { declaredBad: 0, registered: 1 } });
    await world.work();
    expect(readFileSync(path, 'utf8')).toBe('written again, and not through Pando');
    expect(await world.states(first)).toEqual({ [SCOPE]: 'AVAILABLE', a: 'AVAILABLE', b: 'AVAILABLE' });
    expect(await world.ruleState(rule)).toBe('OK');
    expect(await world.audit(SCOPE)).toMatchObject({ state: 'clean' });
  });

  test('that others write to, as its profile says, nothing needs to be known for that', async () => {
    const more = (root: string) =>
      `  shared:\n    source_changes: external\n    storage_provider: { type: file, options: { base_path: ${root} } }\n`;
    await using world = new AuditWorld({ more: more('./shared') });
    world.add(join(world.root, 'shared', 'raw/1.csv'), 'one');
    expect(await world.audit('shared', ALL)).toMatchObject({ counts: { new: 1 }, repairs: { registered: 1 } });
    const row = await (await world.catalog()).readObject('shared', 'raw/1.csv');
    expect(row?.replicas).toMatchObject([{ state: 'UNVERIFIED', place: 'raw/1.csv' }]);
    const use = await (await world.catalog()).readStoreUse();
    expect(use.find(({ title }) => title === 'shared')).toMatchObject({ sourceOf: ['shared'] });
  });

  test('an audit that was interrupted before it was a source goes on and moves nothing', async () => {
    await using world = new AuditWorld();
    for (let at = 0; at < 12; at++) world.add(join(world.root, SCOPE, `seen-${at}`), 'x');
    const stop = new AbortController();
    const interrupted = await world.audit(SCOPE, {
      ...ALL,
      stepPlaces: 4,
      signal: stop.signal,
      over: (storage) => ({
        list: async function* (prefix, options) {
          yield* storage.list(prefix, options);
          stop.abort();
        },
      }),
    });
    expect(interrupted.state).toBe('interrupted');
    await world.write('mine', 'known now');
    expect(await world.audit(SCOPE, ALL)).toMatchObject({ counts: { dark: 0, new: 12 }, repairs: { setAside: 0 } });
    expect(world.list(SCOPE)).toHaveLength(13);
  });
});

test('what is set aside elsewhere leaves an event', async () => {
  const { world } = await openCopied();
  await using _ = world;
  world.add(join(world.root, 'a', 'notes/of-mine.txt'), 'nobody knows me');
  await settle();
  expect(await world.audit('a', { repair: true })).toMatchObject({ repairs: { setAside: 1 } });
  const events = await (await world.catalog()).listEvents({ limit: 100 });
  expect(events).toMatchObject([
    { kind: 'dark-file-set-aside', detail: expect.stringMatching(/^notes\/of-mine\.txt: moved to \.pando\/dark\//) },
  ]);
});
