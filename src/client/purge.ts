import type { Pando } from '../compose.ts';
import type { ScanQuery } from '../ports/catalog-scan.ts';

export type Purged =
  | { readonly kind: 'purged'; readonly objects: number }
  /** Nobody has heard of the scope. */
  | { readonly kind: 'unknown' }
  /** It is a profile's: what its source has is the source's to delete. */
  | { readonly kind: 'has-source' };

/** How many objects a purge would take away; otherwise why it would not. */
export async function countPurge(
  pando: Pick<Pando, 'catalog' | 'profile'>,
  scope: string,
): Promise<{ readonly kind: 'counted'; readonly objects: number } | Exclude<Purged, { kind: 'purged' }>> {
  if (pando.profile(scope) !== undefined) return { kind: 'has-source' };
  const catalog = await pando.catalog();
  if (!(await catalog.listReplicatedScopes()).includes(scope)) return { kind: 'unknown' };
  let objects = 0;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const query: ScanQuery = { scope, prefix: '', limit: 10_000, stores: [], deleted: false, details: false };
    const page = await catalog.scanScope(after === '' ? query : { ...query, after });
    objects += page.names.length;
    after = page.next;
  }
  return { kind: 'counted', objects };
}

/** Deletes all that this site has of a scope in one step, and at its peers what they had of it then (docs/sites.md, "Purge"). */
export async function purge(
  pando: Pick<Pando, 'catalog' | 'clock' | 'random' | 'profile'>,
  scope: string,
): Promise<Purged> {
  if (pando.profile(scope) !== undefined) return { kind: 'has-source' };
  const { purgeOwn } = await import('../compose-sites.ts');
  const objects = await purgeOwn(pando, scope);
  return objects === undefined ? { kind: 'unknown' } : { kind: 'purged', objects };
}
