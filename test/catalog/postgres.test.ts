import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { describeCatalogContract } from '../../src/testing/catalog-contract.ts';
import { type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { checkCollectionsAgainstModel } from './collection-model.ts';
import { checkAgainstModel } from './model.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
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
