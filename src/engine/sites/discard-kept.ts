import type { Catalog } from '../../ports/catalog.ts';
import type { KeptVersion, SiteStore } from './site-store.ts';

/**
 * Discards bytes that were kept and turned out not to be needed; unless somebody else has recorded this very copy meanwhile. What cannot be
 * discarded is nobody's, and is found by an audit.
 */
export async function discardKept(
  { catalog, store }: { readonly catalog: Pick<Catalog, 'readPlaces'>; readonly store: SiteStore },
  kept: readonly KeptVersion[],
): Promise<void> {
  if (kept.length === 0) return;
  const places = kept.map(({ copy }) => copy.place);
  const recorded = await catalog.readPlaces(store.storage.place, places);
  const nobodys = kept.filter((_, at) => recorded[at]?.length === 0);
  await Promise.all(nobodys.map((one) => store.discard(one).catch(() => undefined)));
}
