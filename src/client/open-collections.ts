import { Pando } from '../compose.ts';
import { loadConfiguration } from '../config/load.ts';
import { CatalogObjects } from './catalog-objects.ts';
import { Collections } from './collections.ts';
import { findDefaultScope } from './default-scope.ts';
import { checkScope } from './object-names.ts';

export interface OpenCollections {
  /** The configuration file; by default the one that is found (docs/configuration.md). */
  readonly path?: string;
  /** Of names that say none; by default `user.<account>`. */
  readonly scope?: string;
}

/** The collections of a catalog, and what it knows of objects. Closing it closes the catalog. */
export interface OpenedCollections extends AsyncDisposable {
  readonly datasets: Collections;
  readonly containers: Collections;
  readonly objects: CatalogObjects;
}

/** Throws a `ConfigurationError` with everything that is wrong with the configuration. */
export async function openCollections({ path, scope }: OpenCollections = {}): Promise<OpenedCollections> {
  const defaultScope = scope === undefined ? findDefaultScope() : checkScope(scope);
  const pando = new Pando(loadConfiguration({ config: path }));
  try {
    const catalog = await pando.catalog();
    return {
      datasets: new Collections(catalog, 'dataset', defaultScope),
      containers: new Collections(catalog, 'container', defaultScope),
      objects: new CatalogObjects(catalog, defaultScope),
      [Symbol.asyncDispose]: () => pando[Symbol.asyncDispose](),
    };
  } catch (error) {
    await pando[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}
