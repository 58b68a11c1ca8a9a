import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { describeCatalogContract } from '../../src/testing/catalog-contract.ts';
import type { Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { checkCollectionsAgainstModel } from './collection-model.ts';
import { checkAgainstModel } from './model.ts';

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describeCatalogContract('PostgreSQL', async () => openPostgresCatalog({ url: await server.createDatabase() }));

describe('PostgreSQL', () => {
  checkAgainstModel(
    async () => openPostgresCatalog({ url: await server.createDatabase() }),
    process.env['PANDO_SOAK'] === '1' ? 500 : 30,
  );
  checkCollectionsAgainstModel(
    async () => openPostgresCatalog({ url: await server.createDatabase() }),
    process.env['PANDO_SOAK'] === '1' ? 300 : 20,
  );
});
