import { findScopeProblem } from '../domain/object/scope.ts';
import type { MirrorFacts } from './check-mirrors.ts';
import type { Profile, StorageSettings } from './configuration.ts';
import type { ConfigurationPath, Finding } from './problem.ts';
import { readAcceptancePolicy } from './replication-policies.ts';
import { makeProfile } from './make-profile.ts';
import { readProtocols } from './make-protocols.ts';
import { fitName } from './profile-name.ts';
import { readProfile, readStorage } from './schema.ts';
import type { ProfileInput } from './schema.ts';
import { checkRemoteOptions } from './remote-settings.ts';
import { makeStorageSettings } from './storage-settings.ts';
import type { StorageContext } from './storage-settings.ts';
import type { Surroundings } from './surroundings.ts';

export interface ProfilesRead {
  /** Without a prototype. Holds only what is right by itself. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Of every profile, right or not. */
  readonly mirrors: ReadonlyMap<string, MirrorFacts>;
  readonly findings: readonly Finding[];
}

/** Every profile by itself; what concerns several of them is `checkMirrors`. */
export function readProfiles(input: unknown, context: Omit<StorageContext, 'profileName'>): ProfilesRead {
  const profiles: Record<string, Profile> = Object.create(null);
  const mirrors = new Map<string, MirrorFacts>();
  const findings: Finding[] = [];
  if (input !== undefined && !isSection(input)) {
    const message = 'must be a section with a key for each profile';
    findings.push({ path: ['profiles'], message, remedy: 'write "name:" below it, indented' });
    return { profiles, mirrors, findings };
  }
  for (const [name, raw] of Object.entries(input ?? {})) {
    const path = ['profiles', name];
    findings.push(...checkName(name, path));
    const own = { ...context, profileName: name };
    const read = readProfile(raw, path);
    findings.push(...read.findings);
    mirrors.set(name, { replicas: replicaNames(raw), storage: readStore(raw, own) });
    // Told with whatever else is wrong with the profile.
    const accepts = isSection(raw) ? raw['accepts'] : undefined;
    const acceptance = accepts === undefined ? undefined : readAcceptancePolicy(accepts, [...path, 'accepts']);
    findings.push(...(acceptance?.findings ?? []));
    if (read.value === undefined) continue;
    findings.push(...checkProfile(read.value, path, context));
    const storage = makeStorageSettings(read.value.storage_provider, read.value.credentials_provider, own);
    const protocols = readProtocols(read.value, own, path);
    findings.push(...protocols.findings);
    profiles[name] = makeProfile(name, storage, read.value, { accepts: acceptance?.value, protocols: protocols.value });
  }
  return { profiles, mirrors, findings };
}

function checkName(name: string, path: ConfigurationPath): Finding[] {
  const problem = findScopeProblem(name);
  if (problem === undefined) return [];
  const message = `cannot be the name of a profile: it ${problem}`;
  return [{ path, at: 'key', message, remedy: `call it ${fitName(name)}, for example` }];
}

/** What no field can see by itself. */
function checkProfile(profile: ProfileInput, path: ConfigurationPath, surroundings: Surroundings): Finding[] {
  const findings: Finding[] = [];
  const { storage_provider: store, credentials_provider: credentials } = profile;
  if (credentials !== undefined && store.type !== 's3') {
    const message = `belongs to stores of type s3, and this one is of type ${store.type}`;
    findings.push({ path: [...path, 'credentials_provider'], at: 'key', message, remedy: 'remove it' });
  }
  if (store.type === 's3' && store.options.region !== undefined && store.options.region_name !== undefined) {
    const at = [...path, 'storage_provider', 'options', 'region_name'];
    findings.push({ path: at, at: 'key', message: 'says again what region says', remedy: 'keep one of the two' });
  }
  findings.push(...checkRemoteOptions(store, [...path, 'storage_provider', 'options'], surroundings));
  return findings;
}

function replicaNames(raw: unknown): (string | undefined)[] {
  const entries = isSection(raw) && Array.isArray(raw['replicas']) ? raw['replicas'] : [];
  return entries.map((entry: unknown) => {
    const name = isSection(entry) ? entry['replica_profile'] : undefined;
    return typeof name === 'string' && name !== '' ? name : undefined;
  });
}

function readStore(raw: unknown, context: StorageContext): StorageSettings | undefined {
  const store = isSection(raw) ? readStorage(raw['storage_provider'], []).value : undefined;
  return store === undefined ? undefined : makeStorageSettings(store, undefined, context);
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
