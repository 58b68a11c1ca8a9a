import { readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditWorld, openCopied, SCOPE, settle } from './audit-world.ts';

describe('the last good copy', () => {
  test('that rots is told loudly; the object comes back when a copy reappears', async () => {
    const world = new AuditWorld();
    await using _ = world;
    const names = await world.writeMany(20);
    const rule = await world.addRule({ copies: 1, expression: 'a' });
    await settle();
    await world.work();
    const [name] = names as [string];
    const path = await world.pathAt('a', name);
    // The source goes, and the copy rots: kept aside is a good copy that Pando does not know of.
    const saved = readFileSync(path);
    rmSync(join(world.root, SCOPE, name));
    expect(await world.audit(SCOPE, { repair: true })).toMatchObject({
      counts: { lost: 1 },
      lostObjects: { count: 0 },
    });
    world.damage(path);
    const audited = await world.audit('a', { withChecksums: true, repair: true });
    expect(audited).toMatchObject({ counts: { corrupt: 1 }, lostObjects: { count: 1, names: [`${SCOPE}:${name}`] } });
    expect(await world.events()).toContain(`object-lost ${name}`);
    await world.work();
    expect(await world.ruleState(rule)).toBe('STUCK');
    expect(statSync(path).size).toBe(saved.length);

    world.add(join(world.root, 'c', 'from/a/tape', SCOPE, name), saved.toString());
    expect(await world.audit('c', { adopt: true, percentMax: 100 })).toMatchObject({ repairs: { adopted: 1 } });
    expect(await world.events()).toContain(`object-found-again ${name}`);
    // It would be tried within a minute.
    await (await world.catalog()).hasten({ fact: 'asked' });
    await world.work();
    expect(await world.states(name)).toMatchObject({ a: 'AVAILABLE', c: 'AVAILABLE' });
    expect(await world.ruleState(rule)).toBe('OK');
    expect(readFileSync(path)).toEqual(saved);
  });
});

describe('dark files', () => {
  test('become replicas where their bytes are an object’s, and are set aside otherwise', async () => {
    const { world, names, rule } = await openCopied();
    await using _ = world;
    const [first, second] = names as [string, string];
    const path = await world.pathAt('a', first);
    const bytes = readFileSync(path);
    rmSync(path);
    await world.audit('a', { repair: true });
    expect(await world.ruleState(rule)).toBe('REPLICATING');
    await world.work();
    // A copy that is nobody's, at the path of its object; one of older bytes; one that is a replica's twin.
    const at = (name: string) => path.slice(join(world.root, 'a').length + 1).replace(first, name);
    world.add(join(world.root, 'c', at(first)), bytes.toString());
    world.add(join(world.root, 'c', 'x', SCOPE, second), 'older bytes');
    world.add(join(world.root, 'a', 'twin', SCOPE, first), bytes.toString());
    expect(await world.audit('c', { repair: true, adopt: true, percentMax: 100 })).toMatchObject({
      counts: { dark: 2 },
      repairs: { adopted: 1, setAside: 1, failed: 0 },
    });
    expect(await world.states(first)).toMatchObject({ c: 'AVAILABLE' });
    expect(world.list('c')).toEqual([at(first)]);
    expect(world.list('c', true)).toEqual([`x/${SCOPE}/${second}`]);
    expect(await world.audit('a', { repair: true, adopt: true })).toMatchObject({
      repairs: { adopted: 0, setAside: 1 },
    });
    expect(await world.audit('a')).toMatchObject({ state: 'clean', counts: { ok: 20, dark: 0 } });
  });

  test('whose catalog was lost are registered as what they were', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    await world.pando[Symbol.asyncDispose]();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(world.root, `catalog.sqlite${suffix}`), { force: true });
    world.pando = world.another();
    expect(await world.audit('a', { adopt: true })).toMatchObject({ state: 'too-different' });
    expect(await world.audit('a', { adopt: true, percentMax: 100 })).toMatchObject({ repairs: { adopted: 20 } });
    expect(await world.audit('b', { adopt: true, percentMax: 100 })).toMatchObject({ repairs: { adopted: 20 } });
    expect(await world.states(names[0] as string)).toEqual({ a: 'AVAILABLE', b: 'AVAILABLE' });
    expect(await world.audit('a', { withChecksums: true })).toMatchObject({ state: 'clean', counts: { ok: 20 } });
  });

  test('of an object that was deleted stay deleted', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const [name] = names as [string];
    const path = await world.pathAt('a', name);
    const place = path.slice(join(world.root, 'a').length + 1);
    renameSync(path, join(world.root, 'kept'));
    const profile = world.pando.profile(SCOPE);
    if (profile === undefined) throw new Error('no inbox');
    const scope = await world.pando.openScope(profile);
    await (await world.pando.objects()).delete({ scope, name });
    await world.pando.keepRules({ owner: 'test', until: 'idle', exceptScopes: [] });
    renameSync(join(world.root, 'kept'), join(world.root, 'kept-2'));
    world.add(path, '');
    renameSync(join(world.root, 'kept-2'), path);
    expect(await world.audit('a', { repair: true, adopt: true })).toMatchObject({
      repairs: { adopted: 0, setAside: 1 },
    });
    expect(world.list('a', true)).toEqual([place]);
  });

  test('that were set aside go for good only when they are old enough', async () => {
    const { world } = await openCopied();
    await using _ = world;
    world.add(join(world.root, 'a', 'mine'), 'nobody knows me');
    await world.audit('a', { repair: true });
    const remove = (olderThanMs: number, dryRun = false) =>
      world.pando.storeDesk().removeDark({
        access: world.access('a'),
        olderThanMs,
        dryRun,
        signal: new AbortController().signal,
      });
    expect(await remove(60_000)).toMatchObject({ removed: 0, kept: 1 });
    expect(await remove(0, true)).toMatchObject({ removed: 1, bytes: 15 });
    expect(world.list('a', true)).toEqual(['mine']);
    expect(await remove(0)).toMatchObject({ removed: 1, kept: 0, why: undefined });
    expect(world.list('a', true)).toEqual([]);
  });
});
