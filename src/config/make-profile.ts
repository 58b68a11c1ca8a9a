import type { AcceptancePolicy } from '../domain/store/acceptance.ts';
import type { Profile, ProfileProtocol, StorageSettings } from './configuration.ts';
import { makeDomains } from './make-protocols.ts';
import { makeTraits } from './make-traits.ts';
import type { ProfileInput } from './schema.ts';

/** Longer than any healthy first byte, and short enough that a hung store is left before the caller gives up. */
const DEADLINE_MS_DEFAULT = 30_000;
/** With the delay doubling each time, five attempts last about three seconds. */
const RETRY_DEFAULT = { attemptsMax: 5, delayMs: 200 } as const;

/** A profile with every setting that was not said at its default: the one place where the defaults are. */
export function makeProfile(
  name: string,
  storage: StorageSettings,
  said: Partial<ProfileInput> = {},
  more: { readonly accepts?: AcceptancePolicy | undefined; readonly protocols?: readonly ProfileProtocol[] } = {},
): Profile {
  const sourceChanges = said.source_changes ?? 'internal';
  const replicas = (said.replicas ?? []).map((entry) => ({
    profile: entry.replica_profile,
    readPriority: entry.read_priority,
  }));
  return {
    name,
    storage,
    // The sort is stable: ties stay in the order listed.
    replicas: replicas.toSorted((a, b) => a.readPriority - b.readPriority),
    consistency: said.consistency ?? (sourceChanges === 'external' ? 'current' : 'validated'),
    sourceChanges,
    durability: said.durability ?? 'strict',
    deadlineMs: said.deadline ?? DEADLINE_MS_DEFAULT,
    retry: {
      attemptsMax: said.retry?.attempts ?? RETRY_DEFAULT.attemptsMax,
      delayMs: said.retry?.delay ?? RETRY_DEFAULT.delayMs,
    },
    concurrency: said.concurrency,
    bandwidth: said.bandwidth,
    bandwidthFrom: said.bandwidth_from ?? {},
    traits: makeTraits(said, more.accepts),
    domains: makeDomains(said.domains, 0),
    protocols: more.protocols ?? [],
    ...(said.administrators === undefined ? {} : { administrators: said.administrators }),
    pathAlgorithm: said.paths?.algorithm,
  };
}
