import { join } from 'node:path';
import type { CatalogSettings } from './configuration.ts';
import type { Parsed } from './quantity.ts';
import { readVariable, resolvePath } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

const CATALOG_FILE = 'catalog.sqlite';
/** Beside it: objects of a server to which nobody said where to keep them. */
export const OWN_DIRECTORY = 'objects';

/** Who decided where the catalog is; `path` of a problem with it. */
export type CatalogOrigin = '--data' | 'PANDO_CATALOG' | 'PANDO_DATA' | 'catalog' | 'default';

export interface ChosenCatalog {
  readonly origin: CatalogOrigin;
  readonly parsed: Parsed<CatalogSettings>;
}

/**
 * The first of `--data`, PANDO_CATALOG, PANDO_DATA, the file's `catalog` and the user's data directory. PANDO_DATA moves an
 * embedded catalog only: where the file names a shared one, everybody must find the same.
 */
export function chooseCatalog(
  said: { readonly data: string | undefined; readonly catalog: unknown; readonly base: string },
  surroundings: Surroundings,
): ChosenCatalog {
  const { directory, home } = surroundings;
  const inDirectory = (data: string): Parsed<CatalogSettings> => ({
    value: { kind: 'sqlite', path: join(resolvePath(data, directory, home), CATALOG_FILE) },
  });
  if (said.data !== undefined) return { origin: '--data', parsed: inDirectory(said.data) };
  const url = readVariable(surroundings, 'PANDO_CATALOG');
  if (url !== undefined) return { origin: 'PANDO_CATALOG', parsed: parseCatalog(url, directory, home) };
  const data = readVariable(surroundings, 'PANDO_DATA');
  // What is not text is the schema's finding, not ours.
  const ofFile = typeof said.catalog !== 'string' ? undefined : parseCatalog(said.catalog, said.base, home);
  const isShared = ofFile !== undefined && (!('value' in ofFile) || ofFile.value.kind === 'postgres');
  if (data !== undefined && !isShared) return { origin: 'PANDO_DATA', parsed: inDirectory(data) };
  if (ofFile !== undefined) return { origin: 'catalog', parsed: ofFile };
  const dataHome = readVariable(surroundings, 'XDG_DATA_HOME') ?? join(home, '.local', 'share');
  return { origin: 'default', parsed: inDirectory(join(dataHome, 'pando')) };
}

/** `sqlite:PATH` (relative to `base`, or `~/…`) or `postgres://…`. A problem never quotes the URL: it may hold a password. */
function parseCatalog(text: string, base: string, home: string): Parsed<CatalogSettings> {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (path === '' || path.endsWith('/')) return { problem: 'names no file after sqlite:' };
    return { value: { kind: 'sqlite', path: resolvePath(path, base, home) } };
  }
  if (!/^postgres(ql)?:\/\//.test(text)) return { problem: 'is neither sqlite:PATH nor postgres://…' };
  return URL.canParse(text)
    ? { value: { kind: 'postgres', url: text } }
    : { problem: 'is not a URL that PostgreSQL understands' };
}
