import { existsSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditWorld, openCopied, SCOPE } from './audit-world.ts';

const NOTHING = { lost: 0, dark: 0, stale: 0, corrupt: 0, unreachable: 0, inFlight: 0 };

describe('an audit', () => {
  test('of what is as the catalog says finds nothing, and reads nothing unless it is asked to', async () => {
    const { world } = await openCopied();
    await using _ = world;
    // Copies just made have tokens that are not trusted yet.
    expect(await world.audit('a')).toMatchObject({
      state: 'clean',
      counts: { ...NOTHING, known: 20, listed: 20, ok: 20 },
    });
    expect(await world.audit('a')).toMatchObject({ state: 'clean', counts: { ...NOTHING, ok: 20, bytesRead: 0 } });
    const read = await world.audit('a', { withChecksums: true });
    expect(read).toMatchObject({ state: 'clean', counts: { ...NOTHING, ok: 20 } });
    expect(read.counts.bytesRead).toBeGreaterThan(20 * 30);
    expect(await world.audit(SCOPE)).toMatchObject({ state: 'clean', counts: { ...NOTHING, ok: 20 } });
    expect(await world.audit('c')).toMatchObject({ state: 'clean', counts: { ...NOTHING, known: 0 } });
  });

  test('tells what was deleted, truncated, rotted, replaced and added behind its back apart, and repairs it', async () => {
    const { world, names, rule } = await openCopied(40);
    await using _ = world;
    await world.audit('a');
    const [lost, truncated, rotted, replaced, same] = names as [string, string, string, string, string];
    const at = (name: string) => world.pathAt('a', name);
    const original = readFileSync(await at(rotted), 'utf8');
    rmSync(await at(lost));
    truncateSync(await at(truncated), 5);
    world.damage(await at(rotted));
    const other = await at(replaced);
    rmSync(other);
    writeFileSync(other, 'what somebody else wrote here');
    const copy = await at(same);
    const bytes = readFileSync(copy);
    rmSync(copy);
    writeFileSync(copy, bytes);
    world.add(join(world.root, 'a', 'notes/of-mine.txt'), 'nobody knows me');

    const found = await world.audit('a', { withChecksums: true });
    expect(found).toMatchObject({
      state: 'differs',
      counts: { known: 40, listed: 40, ok: 36, lost: 1, corrupt: 2, stale: 1, dark: 1, unreachable: 0 },
      repairs: { declaredBad: 3, forgotten: 0, setAside: 0 },
      lostObjects: { count: 0 },
    });
    const kinds = Object.fromEntries(found.findings.map(({ kind, name, key }) => [name ?? key, kind]));
    expect(kinds).toEqual({
      [lost]: 'lost',
      [truncated]: 'corrupt',
      [rotted]: 'corrupt',
      [replaced]: 'stale',
      'notes/of-mine.txt': 'dark',
    });
    // What was read is recorded; what a listing says is only told.
    expect(await world.states(rotted)).toMatchObject({ a: 'BAD', b: 'AVAILABLE' });
    expect(await world.states(replaced)).toMatchObject({ a: 'BAD' });
    expect(await world.states(lost)).toMatchObject({ a: 'AVAILABLE' });
    expect(world.list('a')).toContain('notes/of-mine.txt');

    await world.work();
    expect(readFileSync(await at(rotted), 'utf8')).toBe(original);
    const again = await world.audit('a', { withChecksums: true, repair: true });
    expect(again).toMatchObject({
      counts: { ok: 39, lost: 1, corrupt: 0, stale: 0, dark: 1 },
      repairs: { declaredBad: 0, forgotten: 1, setAside: 1, failed: 0 },
    });
    expect(world.list('a')).not.toContain('notes/of-mine.txt');
    expect(world.list('a', true)).toEqual(['notes/of-mine.txt']);
    expect(await world.ruleState(rule)).toBe('REPLICATING');
    await world.work();
    expect(await world.ruleState(rule)).toBe('OK');
    expect(await world.audit('a', { withChecksums: true })).toMatchObject({
      state: 'clean',
      counts: { ok: 40, dark: 0 },
    });
    expect(readFileSync(await at(lost), 'utf8')).toContain(lost);
  });

  test('does nothing where more than a tenth differs, unless that is allowed', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    for (const name of names.slice(0, 3)) rmSync(await world.pathAt('a', name));
    const stopped = await world.audit('a', { repair: true });
    expect(stopped).toMatchObject({
      state: 'too-different',
      why: '3 of 20 copies are lost (15 %)',
      repairs: { forgotten: 0 },
    });
    expect(await world.states(names[0] as string)).toMatchObject({ a: 'AVAILABLE' });
    expect(await world.audit('a', { repair: true, percentMax: 20 })).toMatchObject({ repairs: { forgotten: 3 } });
    await world.work();
    expect(await world.audit('a')).toMatchObject({ state: 'clean', counts: { ok: 20 } });
  });

  test('counts on no copy that it read and found wrong, however many there are, until it reads it right', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const paths = await Promise.all(names.map((name) => world.pathAt('a', name)));
    const bytes = paths.map((path) => readFileSync(path));
    for (const path of paths) {
      rmSync(path);
      writeFileSync(path, 'other bytes');
    }
    const found = await world.audit('a');
    expect(found).toMatchObject({ state: 'too-different', repairs: { declaredBad: 0, doubted: 20 } });
    expect(await world.states(names[0] as string)).toMatchObject({ a: 'SUSPICIOUS', b: 'AVAILABLE' });
    // A rule that gives up the other copies keeps them, and nothing is written over what lies there.
    const rule = await world.addRule({ copies: 1, expression: 'a', purge: true });
    const catalog = await world.catalog();
    for (const { id } of await catalog.listRules({ limit: 10 })) if (id !== rule) await catalog.tellRule(id, 'deleted');
    await world.work();
    expect(world.list('b')).toHaveLength(20);
    expect(readFileSync(paths[0] as string, 'utf8')).toBe('other bytes');
    expect(await world.ruleState(rule)).not.toBe('OK');
    for (const [at, path] of paths.entries()) writeFileSync(path, bytes[at] as Buffer);
    expect(await world.audit('a')).toMatchObject({ state: 'clean', counts: { ok: 20 } });
    expect(await world.ruleState(rule)).toBe('OK');
  });

  test('concludes nothing of a store that is not there, is empty, or goes away while it is listed', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const [root, away] = [join(world.root, 'a'), join(world.root, 'away')];
    renameSync(root, away);
    expect(await world.audit('a', { repair: true })).toMatchObject({ state: 'unreachable', counts: { lost: 0 } });
    world.add(join(root, 'x'), '');
    rmSync(join(root, 'x'));
    expect(await world.audit('a', { repair: true })).toMatchObject({
      state: 'too-different',
      repairs: { forgotten: 0 },
    });
    rmSync(root, { recursive: true });
    renameSync(away, root);
    const goes = await world.audit('a', {
      repair: true,
      over: (storage) => ({
        list: async function* (prefix, options) {
          let isFirst = true;
          for await (const page of storage.list(prefix, options)) {
            yield { ...page, objects: page.objects.slice(0, 12) };
            if (isFirst) renameSync(root, away);
            isFirst = false;
          }
          if (!existsSync(root)) yield* storage.list(prefix, options);
        },
      }),
    });
    expect(goes).toMatchObject({ state: 'unreachable', repairs: { forgotten: 0 } });
    renameSync(away, root);
    // It went away after a listing that looked complete.
    const gone = await world.audit('a', {
      repair: true,
      percentMax: 100,
      over: (storage) => ({
        list: async function* (prefix, options) {
          for await (const page of storage.list(prefix, options)) yield { ...page, objects: page.objects.slice(0, 12) };
          renameSync(root, away);
        },
      }),
    });
    expect(gone).toMatchObject({ counts: { lost: 0, unreachable: 8 }, repairs: { forgotten: 0 } });
    renameSync(away, root);
    expect(await world.states(names[0] as string)).toMatchObject({ a: 'AVAILABLE' });
    expect(await world.audit('a', { repair: true })).toMatchObject({ state: 'clean', counts: { ok: 20 } });
  });

  test('never takes for dark what is uploaded, or for lost what is deleted, while it looks', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const catalog = await world.catalog();
    const { place } = world.access('a');
    const meanwhile = async (): Promise<void> => {
      // A copy that came: its bytes were there when the store was listed, its row only after.
      const row = await catalog.readObject(SCOPE, 'late');
      const to = { state: 'AVAILABLE', place: 'late-file', token: 't', verification: 'written' } as const;
      await catalog.record({
        replicas: [{ scope: SCOPE, name: 'late', versionId: row?.current.id ?? 0, store: place, to }],
      });
      // And one that went.
      const gone = await catalog.readObject(SCOPE, names[0] as string);
      await catalog.record({
        replicas: [
          { scope: SCOPE, name: names[0] as string, versionId: gone?.current.id ?? 0, store: place, to: 'drop' },
        ],
      });
    };
    const path = await world.pathAt('a', names[0] as string);
    await world.write('late', 'just uploaded');
    world.add(join(world.root, 'a', 'late-file'), 'just uploaded');
    const audited = await world.audit('a', {
      repair: true,
      over: (storage) => ({
        list: async function* (prefix, options) {
          rmSync(path);
          yield* storage.list(prefix, options);
          await meanwhile();
        },
      }),
    });
    expect(audited).toMatchObject({
      counts: { lost: 0, dark: 0, inFlight: 2 },
      repairs: { setAside: 0, forgotten: 0 },
    });
    expect(world.list('a')).toContain('late-file');
  });

  test('keeps away from copies that are on their way', async () => {
    const world = new AuditWorld();
    await using _ = world;
    await world.writeMany(3);
    await world.addRule({ copies: 1, expression: 'a' });
    const ports = await world.pando.rulePorts();
    const { evaluateRules } = await import('../../src/engine/rules/evaluate-rules.ts');
    await evaluateRules(ports, { owner: 'test', signal: new AbortController().signal });
    expect(await world.states('runs/part-000')).toMatchObject({ a: 'COPYING' });
    const path = await world.pathAt('a', 'runs/part-000');
    world.add(path, 'half');
    expect(await world.audit('a', { repair: true, percentMax: 100 })).toMatchObject({
      state: 'clean',
      counts: { ...NOTHING, known: 0, inFlight: 3 },
    });
    expect(existsSync(path)).toBe(true);
  });

  test('that is interrupted goes on where it was', async () => {
    const { world, names } = await openCopied(30);
    await using _ = world;
    rmSync(await world.pathAt('a', names[0] as string));
    const stop = new AbortController();
    const first = await world.audit('a', {
      signal: stop.signal,
      over: (storage) => ({
        head: async (key, options) => {
          stop.abort();
          return storage.head(key, options);
        },
      }),
    });
    expect(first).toMatchObject({ state: 'interrupted' });
    await world.reopen();
    const listings: string[] = [];
    const second = await world.audit('a', {
      repair: true,
      over: (storage) => ({
        list: (prefix, options) => {
          listings.push(options?.startAfter ?? 'from the beginning');
          return storage.list(prefix, options);
        },
      }),
    });
    expect(second).toMatchObject({ resumed: true, counts: { listed: 29, ok: 29, lost: 1 }, repairs: { forgotten: 1 } });
    // It was listed to its end before.
    expect(listings).toEqual([]);
    expect(await world.audit('a')).toMatchObject({ resumed: false });
  });

  test('that is interrupted while it reads goes on after what it has read', async () => {
    const { world, names } = await openCopied(30);
    await using _ = world;
    await world.audit('a');
    rmSync(await world.pathAt('a', names[0] as string));
    world.damage(await world.pathAt('a', names[1] as string));
    world.add(join(world.root, 'a', 'zzz'), 'dark');
    let reads = 0;
    const stop = new AbortController();
    const first = await world.audit('a', {
      withChecksums: true,
      stepPlaces: 5,
      signal: stop.signal,
      over: (storage) => ({
        get: async (key, options) => {
          if (++reads > 12) stop.abort();
          return storage.get(key, options);
        },
      }),
    });
    expect(first).toMatchObject({ state: 'interrupted' });
    await world.reopen();
    const startedAfter: (string | undefined)[] = [];
    let again = 0;
    const second = await world.audit('a', {
      withChecksums: true,
      stepPlaces: 5,
      over: (storage) => ({
        list: (prefix, options) => {
          startedAfter.push(options?.startAfter);
          return storage.list(prefix, options);
        },
        get: async (key, options) => {
          again++;
          return storage.get(key, options);
        },
      }),
    });
    expect(second).toMatchObject({
      resumed: true,
      counts: { known: 30, listed: 30, ok: 28, lost: 1, corrupt: 1, dark: 1 },
    });
    expect(startedAfter).toEqual([expect.any(String)]);
    expect(again).toBeLessThanOrEqual(29 - 10 + 5);
    expect(await world.audit('a', { withChecksums: true, stepPlaces: 3 })).toMatchObject({
      resumed: false,
      counts: { listed: 30 },
    });
  });

  test('is ended by another one of the same store, and tells so', async () => {
    const { world } = await openCopied();
    await using _ = world;
    await using other = world.another();
    const audited = await world.audit('a', {
      over: (storage) => ({
        list: async function* (prefix, options) {
          yield* storage.list(prefix, options);
          const { place } = world.access('a');
          await (await other.catalog()).beginAudit({ store: place, withChecksums: false, anew: false });
        },
      }),
    });
    expect(audited).toMatchObject({ state: 'taken-over' });
  });

  test('reports what a listing could not show as unreachable, and nothing below it as lost', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const hidden = (await world.pathAt('a', names[0] as string)).slice(join(world.root, 'a').length + 1);
    const directory = hidden.slice(0, hidden.indexOf('/') + 1);
    const audited = await world.audit('a', {
      repair: true,
      percentMax: 100,
      over: (storage) => ({
        list: async function* (prefix, options) {
          for await (const page of storage.list(prefix, options))
            yield { ...page, objects: page.objects.filter(({ key }) => !key.startsWith(directory)) };
          const failure = {
            shown: directory,
            protects: directory,
            kind: 'denied',
            message: 'permission denied',
          } as const;
          yield { objects: [], failures: [failure], markers: 0 };
        },
        head: async (key, options) => storage.head(key.startsWith(directory) ? `${key}-is-hidden` : key, options),
      }),
    });
    expect(audited.counts.unreachable).toBeGreaterThan(0);
    expect(audited).toMatchObject({ counts: { lost: 0 }, repairs: { forgotten: 0 } });
  });
});
