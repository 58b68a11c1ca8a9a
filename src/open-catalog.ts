import { existsSync } from 'node:fs';
import type { CatalogSettings } from './config/configuration.ts';
import type { Catalog } from './ports/catalog.ts';

/** The catalog that is configured; it is made where there is none. */
export async function openCatalog(settings: CatalogSettings): Promise<Catalog> {
  if (settings.kind === 'sqlite') {
    const { openSqliteCatalog } = await import('./catalog/open-sqlite.ts');
    const { path, sharesThread = false } = settings;
    return openSqliteCatalog(sharesThread ? { path, thread: false, yields: true } : { path });
  }
  const { openPostgresCatalog } = await import('./catalog/open-postgres.ts');
  return openPostgresCatalog({ url: settings.url });
}

/** The catalog that is configured, or where there is none yet an empty one in memory. */
export function existingCatalog(settings: CatalogSettings): CatalogSettings {
  return settings.kind === 'postgres' || existsSync(settings.path) ? settings : { ...settings, path: ':memory:' };
}
