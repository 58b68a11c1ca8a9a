import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { CatalogError } from '../ports/catalog.ts';
import type { Engine } from './engine.ts';
import { MIGRATION_NAMES, migrationsFor } from './migrations/migrations.ts';
import type { Schema } from './schema.ts';

/**
 * Brings the catalog to the program's schema. A catalog that knows migrations the program does not is refused: an older
 * program would write rows the newer one misreads.
 */
export async function migrate(db: Kysely<Schema>, engine: Engine, location: string): Promise<void> {
  const done = await readDone(db);
  const foreign = done.find((name) => !MIGRATION_NAMES.includes(name));
  if (foreign !== undefined) {
    throw new CatalogError(
      'too-new',
      `${location} was written by a newer Pando (it has ${foreign}): update this program`,
    );
  }
  if (done.length === MIGRATION_NAMES.length) return;
  const provider = { getMigrations: async () => migrationsFor(engine.ddl) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}

async function readDone(db: Kysely<Schema>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
}
