import type { ActivityShare, PairLimit, StoreLimit, TransferLimits } from '../../domain/transfer/transfer-limits.ts';
import type { Stores } from './store-access.ts';

/** What is said of transfers at once, by places; undefined where nothing is. `placeOf`: of a profile; several may have one place. */
export function transferLimitsOf(
  stores: Stores,
  shares: readonly ActivityShare[],
  placeOf: (name: string) => string | undefined,
): TransferLimits | undefined {
  const ofStores: StoreLimit[] = [];
  const pairs: PairLimit[] = [];
  for (const { name, place: store, traits } of stores.values()) {
    const { incomingMax, outgoingMax, incomingFrom } = traits.transfers;
    if (incomingMax !== undefined || outgoingMax !== undefined)
      ofStores.push({ store, name, incomingMax, outgoingMax });
    for (const [sourceName, max] of Object.entries(incomingFrom)) {
      const source = placeOf(sourceName);
      if (source !== undefined) pairs.push({ source, sourceName, store, name, max });
    }
  }
  return ofStores.length + pairs.length + shares.length === 0 ? undefined : { stores: ofStores, pairs, shares };
}
