import type { FilterSettings } from '../domain/transfer/key-filter.ts';
import { type Storage, StorageError } from '../ports/storage.ts';

export interface Subtree {
  readonly prefix: string;
  readonly filter: FilterSettings;
}

/**
 * The part of a store that a path names: the object of that name, or all below it. Rules and names of the filter are relative to
 * the path given, and are made absolute here. Fails as the store fails.
 */
export async function findSubtree(source: Storage, path: string, filter: FilterSettings): Promise<Subtree> {
  if (path === '') return { prefix: '', filter };
  if (!path.endsWith('/') && (await isObject(source, path))) {
    return { prefix: path, filter: { ...filter, rules: [], ignoreHidden: false, names: new Set([path]) } };
  }
  const prefix = path.endsWith('/') ? path : `${path}/`;
  const rules = filter.rules.map(({ kind, matches }) => ({
    kind,
    matches: (key: string) => matches(key.slice(prefix.length)),
  }));
  const names = filter.names && new Set([...filter.names].map((name) => `${prefix}${name}`));
  return { prefix, filter: { ...filter, rules, names } };
}

async function isObject(source: Storage, path: string): Promise<boolean> {
  try {
    await source.head(path);
    return true;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    // A directory, or nothing: the listing will say which.
    if (['not-found', 'invalid-key', 'unsupported'].includes(error.kind)) return false;
    throw error;
  }
}
