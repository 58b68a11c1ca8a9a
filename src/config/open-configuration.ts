import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RESERVED_DIRECTORY } from '../domain/object/key.ts';
import { chooseCatalog, OWN_DIRECTORY } from './catalog-settings.ts';
import type { CatalogSettings, Configuration } from './configuration.ts';
import { findFile } from './find-file.ts';
import type { LoadOptions } from './load.ts';
import { currentSurroundings } from './surroundings.ts';

/** `loadConfiguration` for a command line: what reads and checks a file is itself loaded only where there is a file. */
export async function openConfiguration(options: LoadOptions = {}): Promise<Configuration> {
  const surroundings = options.surroundings ?? currentSurroundings();
  if (findFile(options.config, surroundings).path === undefined) {
    const { data } = options;
    const { parsed } = chooseCatalog({ data, catalog: undefined, base: surroundings.directory }, surroundings);
    if ('value' in parsed)
      return { file: undefined, catalog: parsed.value, profiles: await profilesWithoutFile(parsed.value) };
  }
  const { loadConfiguration } = await import('./load.ts');
  return loadConfiguration(options);
}

/** A server that was begun without a file has made a store beside the catalog, which every command knows then. */
async function profilesWithoutFile(catalog: CatalogSettings): Promise<Configuration['profiles']> {
  if (catalog.kind !== 'sqlite') return {};
  const basePath = join(dirname(catalog.path), OWN_DIRECTORY);
  if (!existsSync(join(basePath, RESERVED_DIRECTORY))) return {};
  const { makeOwnStore, OWN_STORE } = await import('./server-settings.ts');
  return { [OWN_STORE]: makeOwnStore(basePath, undefined) };
}
