import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { computed, kept, named } from '../../src/catalog/record/place-owners.ts';
import type { Schema } from '../../src/catalog/schema.ts';
import { SqliteConnection } from '../../src/catalog/sqlite-connection.ts';
import { SqliteDialect } from '../../src/catalog/sqlite-dialect.ts';
import { sqliteEngine } from '../../src/catalog/sqlite-engine.ts';
import { retryWaiting } from '../../src/catalog/stores/absences.ts';
import { systemClock } from '../../src/catalog/system.ts';
import { openSqliteInside } from './looking-inside.ts';

test.each(Object.entries({ kept, named, computed }))(
  'whose a place is (%s) is found by indexes, however many copies there are',
  async (_, { columns, text }) => {
    await using inside = await openSqliteInside(mkdtempSync(join(tmpdir(), 'pando-plans-')));
    const plan = await inside.query(`explain query plan ${text(sqliteEngine.rows(columns), sqliteEngine)}`);
    const scanned = plan.map(({ detail }) => String(detail)).filter((detail) => detail.startsWith('SCAN '));
    // Scopes are few.
    expect(scanned.filter((detail) => !/^SCAN (?:s\b|CONSTANT ROW|r\b|\(subquery)/.test(detail))).toEqual([]);
  },
);

test('of all locks only stuck ones are looked at when a store is back', async () => {
  await using inside = await openSqliteInside(mkdtempSync(join(tmpdir(), 'pando-plans-')));
  const connection = new SqliteConnection(':memory:', systemClock);
  const db = new Kysely<Schema>({ dialect: new SqliteDialect(connection) });
  // The database's clock is a function of the catalog's own connection.
  const update = retryWaiting({ db, engine: { ...sqliteEngine, nowMs: '0' } }, 1);
  const plan = await inside.query(`explain query plan ${update.compile().sql}`);
  connection.close();
  expect(plan.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SCAN lock USING.* INDEX lock_stuck$/)]);
});
