import { type Catalog, CatalogError } from '../ports/catalog.ts';

/** Versions of one transaction: a part of a second of the catalog's time, so that nobody waits for it. */
const VERSIONS_AT_ONCE = 10_000;

/**
 * Forgets what is over for so long that nobody asks for it any more (docs/catalog.md, "What is kept how long"). A catalog that has
 * no time for it now is left alone: whoever comes next does it.
 */
export async function pruneCatalog(catalog: Pick<Catalog, 'prune'>, signal?: AbortSignal): Promise<void> {
  try {
    while (signal?.aborted !== true && (await catalog.prune(VERSIONS_AT_ONCE)) === VERSIONS_AT_ONCE);
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
  }
}
