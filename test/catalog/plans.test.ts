import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { computed, kept, named } from '../../src/catalog/record/place-owners.ts';
import { sqliteEngine } from '../../src/catalog/sqlite-engine.ts';
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
