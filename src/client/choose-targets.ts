import type { Configuration, Profile } from '../config/configuration.ts';
import { findProfile } from '../config/find-profile.ts';
import { filePlace, isWithin, storePlace } from '../config/place.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';

/** One place to bring copies to. */
export interface TargetTree {
  /** The profile's name, or the URL or path as the user wrote it. */
  readonly title: string;
  readonly profile: Profile;
}

export interface ChosenTargets {
  readonly targets: readonly TargetTree[];
  /** All of them are replicas of the source's profile. */
  readonly areReplicas: boolean;
}

/**
 * Where copies go: what was named, or the replicas of the source's profile. A sync of a profile without any has no targets: it makes
 * known what lies there. Otherwise throws where there are none.
 */
export function chooseTargets(
  configuration: Configuration,
  asked: {
    readonly source: { readonly profile: Profile; readonly title?: string };
    readonly targets?: readonly TargetTree[] | undefined;
    readonly replicaIndices?: readonly number[] | undefined;
  },
  verb: 'sync' | 'verify',
): ChosenTargets {
  const { profile } = asked.source;
  const replicas = profile.replicas.flatMap(({ profile: name }) => {
    const found = findProfile(configuration, name);
    return found === undefined ? [] : [{ title: name, profile: found }];
  });
  if (asked.targets !== undefined && asked.targets.length > 0) {
    const places = new Set(replicas.map((replica) => storePlace(replica.profile.storage)));
    const areReplicas = asked.targets.every((target) => places.has(storePlace(target.profile.storage)));
    return { targets: asked.targets, areReplicas };
  }
  if (replicas.length === 0 && verb === 'sync' && configuration.profiles[profile.name] === profile)
    return { targets: [], areReplicas: true };
  if (replicas.length === 0) {
    const title = asked.source.title ?? profile.title ?? profile.name;
    const nothing = `there is nothing to ${verb === 'sync' ? 'sync to' : 'compare with'}`;
    const problem = `${title}: ${nothing}: no target was named, and no replicas are listed for it`;
    throw refusal('target', problem, `name one (pando ${verb} SRC DST), or list replicas under its profile`);
  }
  const indices = asked.replicaIndices ?? [];
  const wrong = indices.find((index) => replicas[index] === undefined);
  if (wrong !== undefined) {
    const list = replicas.map(({ title }, i) => `${i} ${title}`).join(', ');
    throw refusal('replica indices', `${profile.name} has no replica ${wrong}`, `by priority there are: ${list}`);
  }
  const targets = indices.length === 0 ? replicas : [...new Set(indices)].map((index) => replicas[index] as TargetTree);
  return { targets, areReplicas: true };
}

/** A place that is copied into itself would grow or vanish; a catalog that is copied or deleted would lose what is known. */
export function refuseOverlaps(configuration: Configuration, source: Profile, { targets }: ChosenTargets): void {
  const trees = [{ title: source.name, profile: source, what: 'the source' }, ...targets.map(asTarget)];
  const places = trees.map(({ title, what, profile }) => ({ title, what, place: storePlace(profile.storage) }));
  for (const [i, one] of places.entries()) {
    for (const other of places.slice(0, i)) {
      const relation = describeOverlap(one.place, other.place);
      if (relation === undefined) continue;
      const problem = `${one.what} (${one.place}) ${relation} ${other.what} (${other.place})`;
      throw refusal('places', problem, 'give every copy a place of its own');
    }
    if (configuration.catalog.kind !== 'sqlite' || !isWithin(filePlace(configuration.catalog.path), one.place))
      continue;
    const problem = `${one.what} (${one.place}) holds the catalog ${configuration.catalog.path}, which a sync must not touch`;
    throw refusal('catalog', problem, 'put the catalog elsewhere with --data DIR, PANDO_CATALOG or "catalog:"');
  }
}

function asTarget({ title, profile }: TargetTree): TargetTree & { readonly what: string } {
  return { title, profile, what: `the target ${title}` };
}

function describeOverlap(place: string, other: string): string | undefined {
  if (place === other) return 'is the same place as';
  if (isWithin(place, other)) return 'lies inside';
  return isWithin(other, place) ? 'contains' : undefined;
}

function refusal(what: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(what, message, remedy)]);
}
