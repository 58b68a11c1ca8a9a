import type { CatalogSettings, StorageSettings } from './configuration.ts';
import { filePlace, isWithin, storePlace } from './place.ts';
import type { Finding } from './problem.ts';
import { suggest } from './suggestion.ts';

/** What is known of a profile even where parts of it are wrong, so that its mirrors are checked in the same run. */
export interface MirrorFacts {
  /** The names in its `replicas`, in the order listed; undefined where an entry has none. */
  readonly replicas: readonly (string | undefined)[];
  readonly storage: StorageSettings | undefined;
}

/** Everything wrong between profiles: who mirrors whom, and whether two copies would lie in one place. */
export function checkMirrors(profiles: ReadonlyMap<string, MirrorFacts>): Finding[] {
  return [...profiles].flatMap(([name, facts]) => [
    ...checkReplicas(name, facts, profiles),
    ...checkPlaces(name, facts, profiles),
  ]);
}

function checkReplicas(name: string, facts: MirrorFacts, profiles: ReadonlyMap<string, MirrorFacts>): Finding[] {
  return facts.replicas.flatMap((replica, i): Finding[] => {
    if (replica === undefined) return [];
    const path = ['profiles', name, 'replicas', i, 'replica_profile'];
    if (replica === name) {
      return [
        {
          path,
          message: `is ${name} itself: a profile is not its own replica`,
          remedy: 'name another profile, or remove the entry',
        },
      ];
    }
    const first = facts.replicas.indexOf(replica);
    if (first < i) {
      const message = `is a replica of ${name} already, by entry [${first}]`;
      return [{ path, message, remedy: 'keep one of the two entries' }];
    }
    const other = profiles.get(replica);
    if (other === undefined) {
      const names = [...profiles.keys()].filter((candidate) => candidate !== name);
      return [{ path, message: 'is not the name of a profile', remedy: suggest(replica, names) }];
    }
    if (other.replicas.length === 0) return [];
    const message = `has replicas of its own, and so cannot be a replica of ${name}`;
    return [
      { path, message, remedy: `list the replicas of ${replica} under ${name}, and remove them from ${replica}` },
    ];
  });
}

/** The source and its replicas in pairs: no copy may lie in or inside the place of another. */
function checkPlaces(name: string, facts: MirrorFacts, profiles: ReadonlyMap<string, MirrorFacts>): Finding[] {
  const findings: Finding[] = [];
  const earlier = [{ name, place: facts.storage && storePlace(facts.storage) }];
  for (const [i, replica] of facts.replicas.entries()) {
    const storage = replica === undefined ? undefined : profiles.get(replica)?.storage;
    if (replica === undefined || storage === undefined || earlier.some((one) => one.name === replica)) continue;
    const place = storePlace(storage);
    for (const one of earlier) {
      const relation = one.place === undefined ? undefined : describeOverlap(place, one.place);
      if (relation === undefined) continue;
      const path = ['profiles', name, 'replicas', i, 'replica_profile'];
      const message = `is no second copy: ${replica} (${place}) ${relation} ${one.name} (${one.place})`;
      findings.push({ path, message, remedy: `give ${replica} or ${one.name} a place of its own` });
    }
    earlier.push({ name: replica, place });
  }
  return findings;
}

/**
 * The embedded catalog must not lie where a sync would copy or delete it. Only stores that mirror or are mirrored count: a
 * profile for one's home directory is fine.
 */
export function checkCatalogPlace(catalog: CatalogSettings, profiles: ReadonlyMap<string, MirrorFacts>): Finding[] {
  if (catalog.kind !== 'sqlite') return [];
  const place = filePlace(catalog.path);
  const mirrored = new Set(
    [...profiles].flatMap(([name, { replicas }]) => (replicas.length > 0 ? [name, ...replicas] : [])),
  );
  return [...profiles].flatMap(([name, { storage }]) => {
    if (!mirrored.has(name) || storage?.type !== 'file' || !isWithin(place, storePlace(storage))) return [];
    const path = ['profiles', name, 'storage_provider', 'options', 'base_path'];
    const message = `holds the catalog ${catalog.path}, which a sync must not touch`;
    return [{ path, message, remedy: 'move the catalog with "catalog: sqlite:PATH", PANDO_CATALOG or --data' }];
  });
}

function describeOverlap(place: string, other: string): string | undefined {
  if (place === other) return 'is the same place as';
  if (isWithin(place, other)) return 'lies inside';
  return isWithin(other, place) ? 'contains' : undefined;
}
