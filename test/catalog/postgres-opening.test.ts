import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATION_NAMES } from '../../src/catalog/migrations/migrations.ts';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { expectKind } from '../../src/testing/catalog-contract/harness.ts';
import { connect, type Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe('opening a PostgreSQL catalog', () => {
  it('by many at once makes it once, and again changes nothing', async () => {
    const url = await server.createDatabase();
    const catalogs = await Promise.all(
      Array.from({ length: 5 }, () => openPostgresCatalog({ url, connectionsMax: 2 })),
    );
    const sites = await Promise.all(catalogs.map((catalog) => catalog.site()));
    expect(new Set(sites.map(({ id }) => id)).size).toBe(1);
    expect(new Set(sites.map(({ slot }) => slot))).toEqual(new Set([1, 2, 3, 4, 5]));
    for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
    await using client = await connect(url);
    const { rows } = await client.query('select name from kysely_migration');
    expect(rows).toEqual(MIGRATION_NAMES.map((name) => ({ name })));
  });

  it('that a newer program wrote is refused', async () => {
    const url = await server.createDatabase();
    await (await openPostgresCatalog({ url }))[Symbol.asyncDispose]();
    await using client = await connect(url);
    await client.query("insert into kysely_migration (name, timestamp) values ('9999-future', '2999')");
    await expectKind(openPostgresCatalog({ url }), 'too-new');
  });

  it('of a server that is not there fails, without the password', async () => {
    const url = 'postgres://user:secret@127.0.0.1:1/database';
    await expectKind(openPostgresCatalog({ url }), 'unavailable');
    await expect(openPostgresCatalog({ url })).rejects.not.toThrow('secret');
    await expectKind(
      openPostgresCatalog({ url: `postgres://postgres@127.0.0.1:${server.port}/nowhere` }),
      'unavailable',
    );
  });

  it('shows where it lies without who goes there', async () => {
    const url = await server.createDatabase();
    await using catalog = await openPostgresCatalog({ url });
    expect(catalog.location).toBe(url.replace('postgres@', ''));
  });
});
