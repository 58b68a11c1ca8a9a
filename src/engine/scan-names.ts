import type { Catalog } from '../ports/catalog.ts';

/** An object as the catalog lists it. */
export interface CatalogName {
  readonly name: string;
  readonly size: number;
  readonly isDeleted: boolean;
  /** Token of the newest bytes the store asked about is known to hold. */
  readonly token: string | undefined;
}

export interface NameScan {
  readonly scope: string;
  readonly prefix: string;
  readonly startAfter: string | undefined;
  /** Place of the store whose tokens are told. */
  readonly store?: string;
}

/** Rows of one page: a fraction of a second of the catalog's time, a few hundred kilobytes. */
const PAGE_ROWS = 2_000;

/** The catalog's names of a scope in byte order, those of deleted objects too. */
export async function* scanNames(
  catalog: Pick<Catalog, 'scanScope'>,
  { scope, prefix, startAfter, store }: NameScan,
): AsyncGenerator<CatalogName> {
  let after = startAfter;
  do {
    const from = after === undefined ? {} : { after };
    const page = await catalog.scanScope({
      scope,
      prefix,
      ...from,
      limit: PAGE_ROWS,
      stores: store === undefined ? [] : [store],
      deleted: true,
      details: true,
    });
    for (const [at, name] of page.names.entries()) {
      const token = page.replicas[0]?.tokens[at] ?? undefined;
      yield { name, size: page.sizes[at] ?? 0, isDeleted: page.tombstones[at] === true, token };
    }
    after = page.next;
  } while (after !== undefined);
}
