import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { checkRulesAgainstSums } from './rules-model.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-rules-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a SQLite catalog of rules', () => {
  checkRulesAgainstSums(
    async () => {
      const path = join(directory, 'catalog.db');
      const catalog = await openSqliteCatalog({ path, thread: false });
      const outside = new DatabaseSync(path, { readOnly: true });
      return {
        catalog,
        async query(text) {
          const statement = outside.prepare(text);
          statement.setReturnArrays(true);
          return statement.all() as unknown as unknown[][];
        },
        async [Symbol.asyncDispose]() {
          outside.close();
          await catalog[Symbol.asyncDispose]();
        },
      };
    },
    process.env['PANDO_SOAK'] === '1' ? 2000 : 60,
  );
});
