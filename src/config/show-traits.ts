import type { AcceptancePolicy } from '../domain/store/acceptance.ts';
import type { StoreTraits } from '../domain/store/store-traits.ts';
import { formatBytes, formatDuration } from './quantity.ts';

/** What rules know of a store, in the words of the file. */
export function describeTraits(traits: StoreTraits): Record<string, unknown> {
  const { spaceMaxBytes, freeBytesMin, transfers } = traits;
  const limits = {
    ...(spaceMaxBytes === undefined ? {} : { max_space: formatBytes(spaceMaxBytes) }),
    ...(freeBytesMin === undefined ? {} : { min_free_space: formatBytes(freeBytesMin) }),
    ...(transfers.incomingMax === undefined ? {} : { incoming: transfers.incomingMax }),
    ...(transfers.outgoingMax === undefined ? {} : { outgoing: transfers.outgoingMax }),
    ...(isEmpty(transfers.incomingFrom) ? {} : { incoming_from: transfers.incomingFrom }),
  };
  return {
    ...(traits.site === undefined ? {} : { site: traits.site }),
    kind: traits.kind,
    ...(traits.aliases.length === 0 ? {} : { aliases: traits.aliases }),
    ...(isEmpty(traits.attributes) ? {} : { attributes: traits.attributes }),
    availability: traits.availability,
    accepts: describeAcceptance(traits.accepts),
    ...(isEmpty(limits) ? {} : { limits }),
    greedy: traits.greedy,
    ...(traits.awayAfterMs === undefined ? {} : { away_after: formatDuration(traits.awayAfterMs) }),
    ...(isEmpty(traits.distances) ? {} : { distance: traits.distances }),
    ...(traits.relayCost === undefined ? {} : { relay: traits.relayCost }),
  };
}

/** Lists that refuse nothing are left out. */
export function describeAcceptance(policy: AcceptancePolicy): Record<string, unknown> {
  const { replicate, maxObjectBytes, spaceAllocatedBytes, allowedNodes, allowedFormats } = policy;
  return {
    replicate,
    ...(maxObjectBytes === undefined ? {} : { max_object_size: formatBytes(maxObjectBytes) }),
    ...(spaceAllocatedBytes === undefined ? {} : { space_allocated: formatBytes(spaceAllocatedBytes) }),
    ...(allowedNodes.length === 0 ? {} : { allowed_node: allowedNodes }),
    ...(allowedFormats.length === 0 ? {} : { allowed_object_format: allowedFormats }),
  };
}

function isEmpty(section: object): boolean {
  return Object.keys(section).length === 0;
}
