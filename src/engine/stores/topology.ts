import type { Link, Topology } from '../../domain/transfer/find-route.ts';
import type { Stores } from './store-access.ts';

/** Of a pair of stores that nobody named. */
const DISTANCE_DEFAULT = 1;
/** More hops than this take longer than waiting for somebody to add a link. */
const HOPS_MAX = 4;

/** The links between the stores, by their names: as either end says, the nearer word first. */
export function describeTopology(stores: Stores): Topology {
  const links: Link[] = [];
  const relays = new Map<string, number>();
  for (const { name: from, traits } of stores.values()) {
    if (traits.relayCost !== undefined) relays.set(from, traits.relayCost);
    for (const { name: to, traits: other } of stores.values()) {
      if (from === to) continue;
      const distance = traits.distances[to] ?? other.distances[from] ?? DISTANCE_DEFAULT;
      if (distance !== 'none') links.push({ from, to, distance });
    }
  }
  return { links, relays, hopsMax: relays.size === 0 ? 1 : HOPS_MAX };
}
