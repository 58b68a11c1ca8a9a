import { datasetPaths } from '../domain/store/paths/dataset-paths.ts';
import { PATH_ALGORITHM_NAMES } from '../domain/store/paths/path-algorithms.ts';
import type { Operation, Protocol, ProtocolPriorities } from '../domain/store/protocol.ts';
import type { ProfileProtocol, StorageSettings } from './configuration.ts';
import { storePlace } from './place.ts';
import type { ConfigurationPath, Finding } from './problem.ts';
import type { DomainsInput, ProfileInput } from './schema.ts';
import { makeStorageSettings, type StorageContext } from './storage-settings.ts';
import { suggest } from './suggestion.ts';

const OPERATIONS: readonly Operation[] = ['read', 'write', 'delete'];

/** What a protocol is for. Where nothing is said of a domain, it has `priority` for everything; where something is, only that. */
export function makeDomains(said: DomainsInput | undefined, priority: number): Protocol['domains'] {
  const prioritiesOf = (own: NonNullable<DomainsInput>['lan']): ProtocolPriorities => {
    const entries = OPERATIONS.map((operation) => [operation, own === undefined ? priority : (own[operation] ?? null)]);
    return Object.fromEntries(entries) as ProtocolPriorities;
  };
  return { lan: prioritiesOf(said?.lan), wan: prioritiesOf(said?.wan) };
}

/** What the protocol of a store is called unless it is said: the scheme of its place. */
export function protocolName(storage: StorageSettings): string {
  return new URL(storePlace(storage)).protocol.slice(0, -1);
}

/** The ways that were added to a store, and what is wrong with them or with its path algorithm. */
export function readProtocols(
  profile: ProfileInput,
  context: StorageContext,
  path: ConfigurationPath,
): { readonly value: readonly ProfileProtocol[]; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const own = makeStorageSettings(profile.storage_provider, profile.credentials_provider, context);
  const names = new Set([protocolName(own)]);
  const value = (profile.protocols ?? []).map((said, at) => {
    const storage = makeStorageSettings(said.storage_provider, said.credentials_provider, context);
    const name = said.name ?? protocolName(storage);
    if (names.has(name)) {
      const message = `is called ${name}, and so is another protocol of this store`;
      findings.push({ path: [...path, 'protocols', at], message, remedy: 'give it a name of its own' });
    }
    names.add(name);
    return { name, storage, domains: makeDomains(said.domains, at + 1) };
  });
  const algorithm = profile.paths?.algorithm;
  if (algorithm !== undefined && !PATH_ALGORITHM_NAMES.includes(algorithm)) {
    const message = 'is not a path algorithm';
    findings.push({ path: [...path, 'paths', 'algorithm'], message, remedy: suggest(algorithm, PATH_ALGORITHM_NAMES) });
  }
  const isByName = algorithm !== datasetPaths.name;
  if (profile.deterministic !== undefined && profile.deterministic !== isByName) {
    const message = `does not go with paths that ${isByName ? 'the name alone tells' : 'the dataset tells'}`;
    const remedy = 'leave it out, or choose another paths.algorithm';
    findings.push({ path: [...path, 'deterministic'], message, remedy });
  }
  return { value, findings };
}
