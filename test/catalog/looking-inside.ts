import { mkdtempSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { connect, type Databases } from '../servers/postgres.ts';

/** A catalog with its database open beside it, for what the port does not show. */
export interface InsideOut extends AsyncDisposable {
  readonly catalog: Catalog;
  /** Numbers come as numbers. */
  query(sql: string): Promise<Record<string, unknown>[]>;
}

export async function openSqliteInside(directory: string): Promise<InsideOut> {
  const path = join(mkdtempSync(join(directory, 'inside-')), 'catalog.db');
  const catalog = await openSqliteCatalog({ path, thread: false });
  const database = new DatabaseSync(path, { timeout: 10_000 });
  return {
    catalog,
    query: async (sql) => database.prepare(sql).all(),
    async [Symbol.asyncDispose]() {
      database.close();
      await catalog[Symbol.asyncDispose]();
    },
  };
}

export async function openPostgresInside(server: Databases): Promise<InsideOut> {
  const url = await server.createDatabase();
  const catalog = await openPostgresCatalog({ url });
  const client = await connect(url);
  return {
    catalog,
    async query(sql) {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])));
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await catalog[Symbol.asyncDispose]();
    },
  };
}

/** The driver gives eight-byte numbers as text. */
function plain(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}
