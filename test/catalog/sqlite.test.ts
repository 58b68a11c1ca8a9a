import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { describeCatalogContract } from '../../src/testing/catalog-contract.ts';
import { checkCollectionsAgainstModel } from './collection-model.ts';
import { checkAgainstModel } from './model.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-catalog-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describeCatalogContract('SQLite in a thread', () => openSqliteCatalog({ path: join(directory, 'catalog.db') }));

describeCatalogContract('SQLite in memory, in process', () => openSqliteCatalog({ path: ':memory:', thread: false }));

describe('SQLite', () => {
  checkAgainstModel(
    () => openSqliteCatalog({ path: ':memory:', thread: false }),
    process.env['PANDO_SOAK'] === '1' ? 5000 : 200,
  );
  checkCollectionsAgainstModel(
    () => openSqliteCatalog({ path: ':memory:', thread: false }),
    process.env['PANDO_SOAK'] === '1' ? 2000 : 100,
  );
});
