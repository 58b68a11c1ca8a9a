import { hash } from 'node:crypto';
import type { Configuration, Profile } from './config/configuration.ts';
import { protocolName } from './config/make-protocols.ts';
import { storePlace } from './config/place.ts';
import { makePathAlgorithms, type PathAlgorithms } from './domain/store/paths/path-algorithms.ts';
import type { StoreAccess, StoreProtocol, Stores } from './engine/stores/store-access.ts';
import type { Storage } from './ports/storage.ts';

/** The stores of a configuration as rules and transfers use them, each opened when it is first needed. */
export function describeStores(configuration: Configuration, open: (profile: Profile) => Promise<Storage>): Stores {
  const algorithms = makePathAlgorithms((text) => hash('md5', text, 'hex'));
  const stores = new Map<string, StoreAccess>();
  for (const profile of Object.values(configuration.profiles)) {
    const store = describeStore(profile, { configuration, algorithms, open });
    // Of profiles that share a place the first one names the store.
    if (!stores.has(store.place)) stores.set(store.place, store);
  }
  return stores;
}

function describeStore(
  profile: Profile,
  {
    configuration,
    algorithms,
    open,
  }: {
    readonly configuration: Configuration;
    readonly algorithms: PathAlgorithms;
    readonly open: (profile: Profile) => Promise<Storage>;
  },
): StoreAccess {
  const { name, storage, domains, deadlineMs, traits } = profile;
  const place = storePlace(storage);
  const mirrors = scopesMirroredAt(place, configuration);
  const algorithm = profile.pathAlgorithm ?? (mirrors === undefined ? 'hash' : 'plain');
  const paths = algorithms.get(algorithm);
  if (paths === undefined) throw new Error(`${name}: there is no path algorithm ${algorithm}`);
  const own: StoreProtocol = { name: protocolName(storage), domains, place, open: () => open(profile) };
  const others = profile.protocols.map(
    (protocol): StoreProtocol => ({
      name: protocol.name,
      domains: protocol.domains,
      place: storePlace(protocol.storage),
      open: () => open({ ...profile, storage: protocol.storage, title: `${name} by ${protocol.name}` }),
    }),
  );
  return {
    name,
    place,
    traits,
    paths,
    mirrors,
    // Of other profiles it shows in the catalog: every profile could be read by its name, and most stores of copies never are.
    sourceOf: profile.sourceChanges === 'external' ? [name] : [],
    protocols: [own, ...others],
    deadlineMs,
    isInMemory: storage.type === 'memory',
    isSoft: profile.durability === 'relaxed',
  };
}

/** Scopes of which the place is the source or a replica; undefined: of none. */
function scopesMirroredAt(place: string, { profiles }: Configuration): ReadonlySet<string> | undefined {
  const scopes = new Set<string>();
  for (const { name, replicas, storage } of Object.values(profiles)) {
    if (replicas.length === 0) continue;
    const places = [storage, ...replicas.flatMap(({ profile }) => profiles[profile]?.storage ?? [])].map(storePlace);
    if (places.includes(place)) scopes.add(name);
  }
  return scopes.size === 0 ? undefined : scopes;
}
