import type { AcceptancePolicy } from '../domain/store/acceptance.ts';
import { PLAIN_TRAITS, type StoreTraits } from '../domain/store/store-traits.ts';
import type { ProfileInput } from './schema.ts';

/** What rules know of a profile's store, with every setting that was not said at its default. */
export function makeTraits(said: Partial<ProfileInput>, accepts: AcceptancePolicy = PLAIN_TRAITS.accepts): StoreTraits {
  return {
    site: said.site,
    kind: said.kind ?? PLAIN_TRAITS.kind,
    aliases: said.aliases ?? PLAIN_TRAITS.aliases,
    attributes: said.attributes ?? PLAIN_TRAITS.attributes,
    availability: {
      read: said.availability?.read ?? true,
      write: said.availability?.write ?? true,
      delete: said.availability?.delete ?? true,
    },
    accepts,
    spaceMaxBytes: said.limits?.max_space,
    freeBytesMin: said.limits?.min_free_space,
    transfers: {
      incomingMax: said.limits?.incoming,
      outgoingMax: said.limits?.outgoing,
      incomingFrom: said.limits?.incoming_from ?? {},
    },
    greedy: said.greedy ?? PLAIN_TRAITS.greedy,
    awayAfterMs: said.away_after === 'none' ? undefined : said.away_after,
    distances: said.distance ?? PLAIN_TRAITS.distances,
    relayCost: said.relay,
  };
}
