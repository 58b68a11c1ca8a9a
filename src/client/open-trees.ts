import type { Pando } from '../compose.ts';
import type { Profile } from '../config/configuration.ts';
import { storePlace } from '../config/place.ts';
import { refuseReserved, type Target } from '../config/resolve-target.ts';
import { isReserved } from '../domain/object/key.ts';
import { storesInside } from '../domain/store/nested-stores.ts';
import { HELD_BACK } from '../domain/transfer/held-back.ts';
import type { FilterSettings } from '../domain/transfer/key-filter.ts';
import type { StoreAvailability } from '../engine/stores/store-availability.ts';
import type { SyncTarget } from '../engine/sync/sync-types.ts';
import { type Storage, StorageError } from '../ports/storage.ts';
import { chooseTargets, refuseOverlaps, type TargetTree } from './choose-targets.ts';
import { findSubtree, type Subtree } from './find-subtree.ts';

/** A source and where its copies are, as a user names them: profiles and paths, nothing opened yet. */
export interface NamedTrees {
  /** `title`: as the user wrote it; by default the profile's name. */
  readonly source: Target & { readonly title?: string };
  /** Absent: the replicas of the source's profile. */
  readonly targets?: readonly TargetTree[] | undefined;
  /** Positions in the list of replicas by priority, from 0; absent: all of them. */
  readonly replicaIndices?: readonly number[] | undefined;
  /** Rules and names are relative to the source's path. */
  readonly filter: FilterSettings;
}

export interface OpenTreesOptions {
  /** What they are opened for, for messages. */
  readonly verb: 'sync' | 'verify';
  readonly symlinks?: 'follow' | 'skip' | 'preserve' | undefined;
  readonly relaxed?: boolean | undefined;
  /** Bytes per second read from the source. */
  readonly bandwidth?: number | undefined;
  /** The catalog is told of all stores. */
  readonly writes: boolean;
  /** Targets are made where they are not. */
  readonly makesTargets: boolean;
}

export interface OpenedTrees extends Subtree {
  readonly scope: string;
  readonly source: Storage;
  readonly targets: readonly SyncTarget[];
}

/** Throws a `ConfigurationError` where what is named makes no sense together. */
export async function openTrees(pando: Pando, named: NamedTrees, options: OpenTreesOptions): Promise<OpenedTrees> {
  const { profile, path } = named.source;
  if (isReserved(path)) throw refuseReserved(path);
  const chosen = chooseTargets(pando.configuration, named, options.verb);
  refuseOverlaps(pando.configuration, profile, chosen);
  if (!options.writes) await pando.checkSource(profile);
  if (options.writes) pando.expectSync([profile, ...chosen.targets.map((target) => target.profile)]);
  const { bandwidth, symlinks = 'follow' } = options;
  const source = await pando.openStore(bandwidth === undefined ? profile : { ...profile, bandwidth }, { symlinks });
  // Without a source nothing is made: its listing says so next.
  const makes = options.makesTargets && pando.hasPlace(profile);
  // What writes nothing makes no catalog either.
  const catalog = options.writes ? await pando.catalog() : await pando.catalogAsItIs();
  const availability = await pando.availability.refresh();
  const closed = options.verb === 'sync' ? availability.whyNotBelow(source.place, 'read', path) : undefined;
  if (closed !== undefined) throw new StorageError('unavailable', { store: source.name }, closed);
  // Nothing lies behind a link to a directory at a target: it would be another object's copy under a second name.
  const asTarget = { symlinks: symlinks === 'follow' ? 'follow-files' : symlinks } as const;
  const targets: SyncTarget[] = [];
  for (const target of chosen.targets) {
    const place = storePlace(target.profile.storage);
    const held = holdBack(availability, place, path);
    const known = await catalog.listNearby(place);
    const inside = storesInside(place, { configured: pando.stores().values(), known });
    const failure = held.failure ?? (makes ? await prepareTarget(pando, target.profile) : undefined);
    const opened = options.relaxed === true ? { ...target.profile, durability: 'relaxed' as const } : target.profile;
    const storage = await pando.openStore(opened, asTarget);
    const keepsNow = async () => (await availability.hear()).whyNotBelow(storage.place, 'delete', path);
    targets.push({ title: target.title, storage, ...held, failure, inside, keepsNow });
  }
  if (options.writes) await openScope(pando, { profile, source, targets, areReplicas: chosen.areReplicas });
  return { scope: profile.name, source, targets, ...(await findSubtree(source, path, named.filter)) };
}

/** What is not to be done at a target now, because somebody said so. */
function holdBack(
  availability: Pick<StoreAvailability, 'whyNotBelow'>,
  place: string,
  path: string,
): Pick<SyncTarget, 'failure' | 'keepsUnmatched'> {
  const message = availability.whyNotBelow(place, 'write', path);
  const failure = message === undefined ? undefined : { kind: HELD_BACK, message };
  return { failure, keepsUnmatched: availability.whyNotBelow(place, 'delete', path) };
}

/** One that cannot be made keeps nobody from the others. */
async function prepareTarget(pando: Pando, profile: Profile): Promise<StorageError | undefined> {
  try {
    await pando.prepareTarget(profile);
    return undefined;
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

/** A profile's own replicas are its standing rule; what is named by hand is opened for this run and leaves that rule alone. */
async function openScope(
  pando: Pando,
  opened: {
    readonly profile: Profile;
    readonly source: Storage;
    readonly targets: readonly SyncTarget[];
    readonly areReplicas: boolean;
  },
): Promise<void> {
  const { profile, source, targets, areReplicas } = opened;
  if (areReplicas) {
    const all = profile.replicas.flatMap(({ profile: name, readPriority: priority }) => {
      const replica = pando.profile(name);
      return replica === undefined ? [] : [{ title: name, priority, storage: { place: storePlace(replica.storage) } }];
    });
    const standing = pando.profile(profile.name) !== undefined;
    return await pando.declareScope(profile, { source, replicas: all, standing });
  }
  const replicas = targets.map((target, i) => ({ ...target, priority: i + 1, isMirror: false }));
  await pando.declareScope(profile, { source, replicas, standing: false });
}
