import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPostgres } from '../servers/shared.ts';
import { AuditWorld, SCOPE, settle } from './audit-world.ts';

describe.each(['SQLite', 'PostgreSQL'])('two deleting workers on %s', (engine) => {
  test('leave the last good copy, also when an audit finds others lost meanwhile', async () => {
    await using server = engine === 'PostgreSQL' ? await openPostgres() : undefined;
    const catalogUrl = server === undefined ? {} : { catalog: await server.createDatabase() };
    await using world = new AuditWorld(catalogUrl);
    const names = await world.writeMany(16);
    const rules = [
      await world.addRule({ copies: 1, expression: 'a', purge: true }),
      await world.addRule({ copies: 1, expression: 'b', purge: true }),
    ];
    await settle();
    await world.work();
    // The source is gone: of each object there are two copies, which nobody claims any more.
    rmSync(join(world.root, SCOPE), { recursive: true });
    mkdirSync(join(world.root, SCOPE));
    expect(await world.audit(SCOPE, { repair: true, percentMax: 100 })).toMatchObject({
      repairs: { forgotten: 16 },
      lostObjects: { count: 0 },
    });
    const catalog = await world.catalog();
    for (const rule of rules) await catalog.tellRule(rule, 'deleted');
    await using other = world.another();
    const work = (pando: typeof world.pando, owner: string) =>
      pando.keepRules({ owner, until: 'idle', exceptScopes: [] });
    await Promise.all([
      work(world.pando, 'one'),
      work(other, 'two'),
      world.audit('a', { repair: true, percentMax: 100 }),
    ]);
    for (const name of names) {
      const states = Object.values(await world.states(name));
      expect(states, name).toEqual(['AVAILABLE']);
    }
    expect(world.list('a').length + world.list('b').length).toBe(16);
  });
});
