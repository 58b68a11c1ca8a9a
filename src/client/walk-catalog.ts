import type { CollectionKind } from '../domain/collection/collection.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { CollectionRecord, MemberRecord } from '../ports/collections.ts';

/** Rows of a page; memory holds one. */
const PAGE_ROWS = 10_000;

export async function* walkCollections(
  catalog: Pick<Catalog, 'listCollections'>,
  query: { readonly scope?: string | undefined; readonly kind?: CollectionKind | undefined },
): AsyncGenerator<CollectionRecord> {
  const { scope, kind } = query;
  for (let after: ObjectName | undefined; ; ) {
    const page = await catalog.listCollections({
      limit: PAGE_ROWS,
      ...(scope === undefined ? {} : { scope }),
      ...(kind === undefined ? {} : { kind }),
      ...(after === undefined ? {} : { after }),
    });
    yield* page;
    const last = page.at(-1);
    if (page.length < PAGE_ROWS || last === undefined) return;
    after = { scope: last.scope, name: last.name };
  }
}

/** In the order in which the catalog came to know them. */
export async function* walkMembers(
  catalog: Pick<Catalog, 'listMembers'>,
  parent: ObjectName,
): AsyncGenerator<MemberRecord> {
  for (let after: number | undefined; ; ) {
    const page = await catalog.listMembers(parent, { limit: PAGE_ROWS, ...(after === undefined ? {} : { after }) });
    yield* page.members;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** An object as the catalog has it. */
export interface CatalogObject extends ObjectName {
  readonly size: number;
  readonly sha256: string | undefined;
}

/** In byte order; deleted ones are left out. */
export async function* walkObjects(
  catalog: Pick<Catalog, 'scanScope'>,
  { scope, prefix }: { readonly scope: string; readonly prefix: string },
): AsyncGenerator<CatalogObject> {
  for (let after: string | undefined; ; ) {
    const query = { scope, prefix, limit: PAGE_ROWS, stores: [], deleted: false, details: true };
    const page = await catalog.scanScope({ ...query, ...(after === undefined ? {} : { after }) });
    for (const [at, name] of page.names.entries())
      yield { scope, name, size: page.sizes[at] ?? 0, sha256: page.sha256s[at] ?? undefined };
    if (page.next === undefined) return;
    after = page.next;
  }
}
