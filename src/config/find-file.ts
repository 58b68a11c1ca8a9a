import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { resolvePath, readVariable } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

const NAMES = ['pando.yaml', 'pando.yml', 'pando.json'] as const;

/** Which configuration file to read, and who asked for it: a file that was asked for must exist. */
export type FoundFile =
  | { readonly path: string; readonly origin: '--config' | 'PANDO_CONFIG' | 'found' }
  | { readonly path: undefined; readonly searched: readonly string[] };

/** `--config`, PANDO_CONFIG, `./pando.yaml|yml|json`, then `config.yaml` in the user's configuration directory. */
export function findFile(config: string | undefined, surroundings: Surroundings): FoundFile {
  const { directory, home } = surroundings;
  if (config !== undefined) return { path: resolvePath(config, directory, home), origin: '--config' };
  const fromEnvironment = readVariable(surroundings, 'PANDO_CONFIG');
  if (fromEnvironment !== undefined) {
    return { path: resolvePath(fromEnvironment, directory, home), origin: 'PANDO_CONFIG' };
  }
  const searched = [...NAMES.map((name) => join(directory, name)), userFile(surroundings)];
  const path = searched.find((candidate) => existsSync(candidate));
  return path === undefined ? { path, searched } : { path, origin: 'found' };
}

function userFile(surroundings: Surroundings): string {
  const configHome = readVariable(surroundings, 'XDG_CONFIG_HOME') ?? join(surroundings.home, '.config');
  return join(configHome, 'pando', 'config.yaml');
}
