import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditWorld, openCopied, SCOPE, settle } from './audit-world.ts';

describe('what happens while an audit looks', () => {
  test('what is being written at a source is neither new nor dark', async () => {
    await using world = new AuditWorld();
    await world.write('a', 'there');
    world.add(join(world.root, SCOPE, 'b'), 'published, and not recorded yet');
    await settle();
    const catalog = await world.catalog();
    const operation = '019a0000-0000-7000-8000-000000000000';
    await catalog.addIntent({
      operation,
      scope: SCOPE,
      name: 'b',
      store: world.access(SCOPE).place,
      key: 'b',
      oldToken: undefined,
      follows: undefined,
      content: { kind: 'object', size: 1, sha256: undefined },
      holder: { host: 'elsewhere', pid: 1, startedMs: 0 },
      createdMs: Date.now(),
    });
    const all = { repair: true, percentMax: 100 } as const;
    expect(await world.audit(SCOPE, all)).toMatchObject({ counts: { new: 0, dark: 0, inFlight: 1 } });
    await catalog.removeIntent(operation);
    expect(await world.audit(SCOPE, all)).toMatchObject({ counts: { new: 1 }, repairs: { registered: 1 } });
  });

  test('a copy that is back by the time of the repair is not forgotten', async () => {
    const { world, names } = await openCopied();
    await using _ = world;
    const path = await world.pathAt('a', names[0] as string);
    renameSync(path, `${path}.away`);
    let looks = 0;
    const audited = await world.audit('a', {
      repair: true,
      over: (storage) => ({
        head: (key, options) => {
          if (++looks === 2) renameSync(`${path}.away`, path);
          return storage.head(key, options);
        },
      }),
    });
    expect(audited).toMatchObject({ counts: { lost: 1 }, repairs: { forgotten: 0 } });
    expect(await world.states(names[0] as string)).toMatchObject({ a: 'AVAILABLE' });
  });

  test('a dark file that is written again while it is set aside stays as it is', async () => {
    const { world } = await openCopied();
    await using _ = world;
    const dark = world.add(join(world.root, 'a', 'dark'), 'nobody knows it');
    await settle();
    const audited = await world.audit('a', {
      repair: true,
      over: (storage) => ({
        publish: async (requests) => {
          const published = await storage.publish(requests);
          writeFileSync(dark, 'and somebody writes it');
          return published;
        },
      }),
    });
    expect(audited).toMatchObject({ counts: { dark: 1 }, repairs: { setAside: 0, failed: 1 } });
    expect(readFileSync(dark, 'utf8')).toBe('and somebody writes it');
    expect(world.list('a', true)).toEqual([]);
  });
});
