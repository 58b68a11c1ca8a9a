import { chooseCatalog } from './catalog-settings.ts';
import type { Configuration } from './configuration.ts';
import { findFile } from './find-file.ts';
import type { LoadOptions } from './load.ts';
import { currentSurroundings } from './surroundings.ts';

/** `loadConfiguration` for a command line: what reads and checks a file is itself loaded only where there is a file. */
export async function openConfiguration(options: LoadOptions = {}): Promise<Configuration> {
  const surroundings = options.surroundings ?? currentSurroundings();
  if (findFile(options.config, surroundings).path === undefined) {
    const { data } = options;
    const { parsed } = chooseCatalog({ data, catalog: undefined, base: surroundings.directory }, surroundings);
    if ('value' in parsed) return { file: undefined, catalog: parsed.value, profiles: {} };
  }
  const { loadConfiguration } = await import('./load.ts');
  return loadConfiguration(options);
}
