import { spaceLimitOf } from '../../domain/store/store-traits.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { Stores } from './store-access.ts';

/** The catalog knows these stores from then on, and how much each takes. */
export async function declareStores(catalog: Pick<RuleCatalog, 'openStores'>, stores: Stores): Promise<void> {
  const opened = [...stores.values()].map(({ place, name, traits }) => ({
    store: place,
    title: name,
    allocatedBytes: spaceLimitOf(traits),
  }));
  await catalog.openStores(opened);
}
