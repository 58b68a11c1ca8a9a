import { rankSources } from '../../domain/transfer/rank-sources.ts';
import { neverCame } from '../../domain/replica/never-came.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import { type StoreAccess, type StoreProtocol, type Stores, waysTo } from '../stores/store-access.ts';

/** Who reads: no store, and somewhere. */
export interface Reader {
  readonly clientSite: string | undefined;
  /** Uniform in [0, 1): whose turn it is among protocols of one priority. */
  readonly fraction: number;
}

export interface ReadableCopy {
  readonly store: StoreAccess;
  readonly replica: Replica;
  /** Protocols for reading from here, best first. */
  readonly ways: readonly StoreProtocol[];
}

export interface CopiesRanked {
  /** Best first. */
  readonly copies: readonly ReadableCopy[];
  readonly rejected: readonly { readonly store: string; readonly why: string }[];
}

/** Of a store that nobody named. */
const DISTANCE_DEFAULT = 1;
/** No store is called so. */
const READER = '(here)';

/** Copies of a version in the order in which they are read (docs/states.md, "Sources"): only good ones, near ones first. */
export function rankForReader(
  replicas: readonly Replica[],
  { versionId, stores, reader }: { readonly versionId: number; readonly stores: Stores; readonly reader: Reader },
): CopiesRanked {
  const readable = new Map<string, ReadableCopy>();
  const rejected: { store: string; why: string }[] = [];
  for (const replica of replicas) {
    const store = stores.get(replica.store);
    if (store === undefined) rejected.push({ store: replica.store, why: 'no profile here names it' });
    else if (replica.versionId !== versionId) rejected.push({ store: store.name, why: 'it has another version' });
    else if (replica.state === 'UNAVAILABLE' && neverCame(replica))
      rejected.push({ store: store.name, why: 'its copy has never come there' });
    else if (replica.state === 'UNVERIFIED')
      rejected.push({ store: store.name, why: 'its copy was seen, and never read' });
    else readable.set(store.name, { store, replica, ways: waysTo(store, 'read', reader) });
  }
  const ranking = rankSources(
    [...readable.values()].map(({ store, replica, ways }) => ({
      store: store.name,
      replica: replica.state,
      isCurrent: true,
      matchesExpression: true,
      isReadable: ways.length > 0,
      kind: store.traits.kind,
      failures: 0,
      failureRate: 0,
      route: { stores: [store.name, READER], cost: distanceTo(store, reader, stores) },
    })),
    READER,
  );
  return {
    copies: ranking.ranked.map(({ store }) => readable.get(store) as ReadableCopy),
    rejected: [...rejected, ...ranking.rejected],
  };
}

/** As far as the nearest store of the reader's own site is. */
function distanceTo(store: StoreAccess, { clientSite }: Reader, stores: Stores): number {
  if (clientSite === undefined) return DISTANCE_DEFAULT;
  if (store.traits.site === clientSite) return 0;
  const near = [...stores.values()].filter(({ traits }) => traits.site === clientSite);
  const distances = near.map((one) => store.traits.distances[one.name] ?? one.traits.distances[store.name]);
  const known = distances.filter((distance) => typeof distance === 'number');
  return known.length === 0 ? DISTANCE_DEFAULT : Math.min(...known);
}
