import { dirname } from 'node:path';
import { chooseCatalog } from './catalog-settings.ts';
import { readActivities } from './activities.ts';
import { checkCatalogPlace, checkMirrors } from './check-mirrors.ts';
import { DEFAULT_POLICY_BYTES_MAX } from '../domain/rule/default-policy.ts';
import type { Configuration, DefaultPolicySettings, ServerSettings } from './configuration.ts';
import { parseDocument } from './document.ts';
import { expandVariables } from './expand-variables.ts';
import { findProfile } from './find-profile.ts';
import { findFile } from './find-file.ts';
import { inOrder, placeFindings } from './place-findings.ts';
import { ConfigurationError, formatPath, problemOutsideFiles } from './problem.ts';
import { readBeginning } from './read-beginning.ts';
import { readProfiles } from './read-profiles.ts';
import { readTop, type TopInput } from './schema.ts';
import { checkSourcesNamed } from './check-sources-named.ts';
import { findEndpointProblems } from './storage-settings.ts';
import { currentSurroundings, readVariable } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';
import { makeReplicationSettings } from './replication-settings.ts';
import { makeOwnStore, makeServerSettings, OWN_STORE } from './server-settings.ts';
import { readTransferTools } from './transfer-tools.ts';
import { whyUnreadable } from './why-unreadable.ts';

/** Larger than any configuration somebody wrote; a data file named by mistake is not read into memory. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

export interface LoadOptions {
  /** The value of `--config`: this file and no other. */
  readonly config?: string | undefined;
  /** The value of `--data`: the directory of the embedded catalog. */
  readonly data?: string | undefined;
  readonly surroundings?: Surroundings | undefined;
}

/**
 * Finds, reads and checks the configuration. Where no file is found and none was asked for, the configuration is empty and only
 * implicit profiles exist. Throws a `ConfigurationError` with everything that is wrong.
 */
export function loadConfiguration(options: LoadOptions = {}): Configuration {
  const surroundings = options.surroundings ?? currentSurroundings();
  const found = findFile(options.config, surroundings);
  const text = found.path === undefined ? '' : readText(found.path, found.origin);
  return parseConfiguration(text, { file: found.path, data: options.data, surroundings });
}

export interface ParseOptions {
  /** Absolute: named in problems, and its directory is where relative paths start. */
  readonly file: string | undefined;
  readonly data?: string | undefined;
  readonly surroundings: Surroundings;
}

/** `loadConfiguration` for a text that is already at hand. */
export function parseConfiguration(text: string, options: ParseOptions): Configuration {
  const { file, data, surroundings } = options;
  const base = file === undefined ? surroundings.directory : dirname(file);
  const document = parseDocument(text);
  const flaws = document.flaws.map((flaw) => ({ ...flaw, path: formatPath(flaw.path), file }));
  if (!document.isReadable) throw new ConfigurationError(flaws);
  const expansion = expandVariables(document.value, surroundings.environment);
  const top = readTop(expansion.value ?? {});
  const read = readProfiles(member(expansion.value, 'profiles'), { ...surroundings, base });
  const activities = readActivities(member(expansion.value, 'activities'));
  const tools = readTransferTools(member(expansion.value, 'transfer_tools'), {
    ...surroundings,
    base,
    profiles: read.profiles,
  });
  const ownStore = top.value?.server?.storage_path !== undefined && top.value.server.default_store === undefined;
  const catalog = chooseCatalog({ data, catalog: member(expansion.value, 'catalog'), base }, surroundings);

  const outside = findEndpointProblems(read.mirrors, surroundings);
  const findings = [
    ...expansion.findings,
    ...top.findings,
    ...activities.findings,
    ...read.findings,
    ...tools.findings,
    ...(ownStore && findProfile({ profiles: read.profiles }, OWN_STORE) !== undefined ? [OWN_STORE_TAKEN] : []),
    ...checkMirrors(read.mirrors),
    ...checkSourcesNamed(read.profiles, [...read.mirrors.keys()]),
  ];
  if ('value' in catalog.parsed) findings.push(...checkCatalogPlace(catalog.parsed.value, read.mirrors));
  else if (catalog.origin === 'catalog') {
    findings.push({ path: ['catalog'], message: catalog.parsed.problem, remedy: CATALOG_REMEDY });
  } else {
    outside.push(problemOutsideFiles(catalog.origin, `${catalog.origin} ${catalog.parsed.problem}`, CATALOG_REMEDY));
  }
  const problems = [...outside, ...inOrder([...flaws, ...placeFindings(findings, document, file)])];
  if (problems.length > 0 || !('value' in catalog.parsed)) throw new ConfigurationError(problems);
  const site = readVariable(surroundings, 'PANDO_SITE') ?? top.value?.site;
  const server = top.value?.server && makeServerSettings(top.value.server, { base, home: surroundings.home });
  const { replication } = top.value ?? {};
  return {
    file,
    catalog: catalog.parsed.value,
    site,
    ...(top.value?.administrators === undefined ? {} : { administrators: top.value.administrators }),
    ...(top.value?.default_policy === undefined ? {} : { defaultPolicy: defaultPolicyOf(top.value.default_policy) }),
    ...(activities.value === undefined ? {} : { activities: activities.value }),
    ...(tools.value.length === 0 ? {} : { transferTools: tools.value }),
    profiles: withOwnStore(read.profiles, server),
    ...(server === undefined ? {} : { server }),
    ...(replication === undefined ? {} : { replication: makeReplicationSettings(replication) }),
  };
}

/** Every command knows the store of the server. */
function withOwnStore(
  profiles: Configuration['profiles'],
  server: ServerSettings | undefined,
): Configuration['profiles'] {
  const { storagePath, storageBytes, defaultStore } = server ?? {};
  if (storagePath === undefined || defaultStore !== undefined) return profiles;
  return { ...profiles, [OWN_STORE]: makeOwnStore(storagePath, storageBytes) };
}

function defaultPolicyOf(said: NonNullable<TopInput['default_policy']>): DefaultPolicySettings {
  return { scopes: said.scopes ?? [], maxBytes: said.max_size ?? DEFAULT_POLICY_BYTES_MAX };
}

const OWN_STORE_TAKEN = {
  path: ['profiles', OWN_STORE],
  message: 'has the name of the store that server.storage_path makes',
  remedy: `call the profile otherwise, or write server.default_store: ${OWN_STORE} in place of storage_path`,
};

const CATALOG_REMEDY = 'write sqlite:/path/to/catalog.sqlite or postgres://user@host/database';

function member(section: unknown, key: string): unknown {
  return typeof section === 'object' && section !== null
    ? Object.getOwnPropertyDescriptor(section, key)?.value
    : undefined;
}

function readText(path: string, origin: '--config' | 'PANDO_CONFIG' | 'found'): string {
  try {
    const bytes = readBeginning(path, FILE_BYTES_MAX + 1);
    if (bytes.length > FILE_BYTES_MAX) throw unreadable(path, 'it is larger than 4 MiB, and no configuration');
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (error instanceof TypeError) throw unreadable(path, 'it is not UTF-8 text');
    const reason = whyUnreadable(error);
    throw unreadable(path, origin === 'found' ? reason : `${reason}; ${origin} names it`);
  }
}

function unreadable(file: string, reason: string): ConfigurationError {
  const remedy = 'name a YAML or JSON file that you can read; `pando init` writes one';
  return new ConfigurationError([{ path: '', file, line: undefined, column: undefined, message: reason, remedy }]);
}
