import type { Configuration, Profile } from './configuration.ts';
import { findProfile } from './find-profile.ts';
import { namesOfPlaces, sameAs } from './names-of-places.ts';
import { toolsAt } from './tools-at-stores.ts';

/** What is allowed and yet worth a second look; `pando config check` prints it. One sentence each. */
export function adviseOn(configuration: Configuration): string[] {
  const ofTools = adviseOnTools(configuration);
  const named = namesOfPlaces(configuration);
  const ofProfiles = Object.values(configuration.profiles).flatMap((profile) => [
    ...adviseOnPlace(profile, named),
    ...adviseOnSharing(profile, configuration),
    ...adviseOnConsistency(profile),
    ...adviseOnReplicas(profile, configuration),
  ]);
  return [...ofProfiles, ...ofTools];
}

function adviseOnPlace(profile: Profile, named: ReadonlyMap<string, string>): string[] {
  const first = sameAs(profile, named);
  if (first === undefined) return [];
  return [
    `${profile.name}: it is the same place as ${first}; rules and uploads know that store as ${first}, and go by what is said there.`,
  ];
}

/** A tool between stores of which it can reach fewer than two has nothing to do. */
function adviseOnTools(configuration: Configuration): string[] {
  const atStores = Object.values(configuration.profiles).flatMap((profile) => toolsAt(profile, configuration));
  return (configuration.transferTools ?? []).flatMap(({ name, schemes }) => {
    const reached = atStores.filter(({ tool, url }) => tool === name && url !== undefined);
    const [gives, takes] = [reached.filter((one) => one.gives), reached.filter((one) => one.takes)];
    if (gives.length > 0 && takes.length > 0 && reached.length > 1) return [];
    return [
      `${name}: no two of the stores it is meant for have a URL it can use (${schemes.join(', ')}); all copies are made by the workers.`,
    ];
  });
}

/** An embedded catalog knows only what went through this machine. */
function adviseOnSharing(profile: Profile, configuration: Configuration): string[] {
  const isAlone =
    configuration.catalog.kind === 'postgres' ||
    profile.sourceChanges === 'external' ||
    profile.consistency === 'current';
  const isHere = profile.storage.type === 'file' || profile.storage.type === 'memory';
  if (isAlone || isHere || profile.replicas.length === 0) return [];
  return [
    `${profile.name}: if other machines write to it too, share a PostgreSQL catalog with them or set source_changes: external; ` +
      'a reader with its own catalog may return the previous version until its next sync.',
  ];
}

function adviseOnConsistency(profile: Profile): string[] {
  if (profile.sourceChanges === 'internal' || profile.consistency === 'current') return [];
  return [
    `${profile.name}: with source_changes: external, consistency: ${profile.consistency} may return an older version than the source has.`,
  ];
}

function adviseOnReplicas(profile: Profile, configuration: Configuration): string[] {
  return profile.replicas
    .filter((replica) => findProfile(configuration, replica.profile)?.storage.type === 'memory')
    .map(
      (replica) =>
        `${profile.name}: its replica ${replica.profile} is in memory, ends with the process and counts as no copy.`,
    );
}
