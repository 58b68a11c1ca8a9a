import type { Protocol } from '../domain/store/protocol.ts';
import type {
  CatalogSettings,
  Configuration,
  Profile,
  ProfileProtocol,
  StorageSettings,
  TransferToolSettings,
} from './configuration.ts';
import { describeReplication, describeServer } from './show-server.ts';
import { describeTraits } from './show-traits.ts';
import { formatBytes, formatDuration } from './quantity.ts';
import { MASK, withoutUndefined } from './show-section.ts';
import { yamlBlock } from './yaml-text.ts';

/** The configuration in effect: the shape and keys of the file, every default filled in, every secret masked. */
export function describeConfiguration(configuration: Configuration): Record<string, unknown> {
  const profiles = Object.entries(configuration.profiles).map(
    ([name, profile]) => [name, describeProfile(profile)] as const,
  );
  const { site, administrators, defaultPolicy, activities, transferTools } = configuration;
  return withoutUndefined({
    catalog: describeCatalog(configuration.catalog),
    site,
    administrators,
    default_policy:
      defaultPolicy === undefined
        ? undefined
        : { scopes: defaultPolicy.scopes, max_size: formatBytes(defaultPolicy.maxBytes) },
    activities:
      activities === undefined
        ? undefined
        : Object.fromEntries(activities.map(({ activity, weight }) => [activity, weight])),
    transfer_tools:
      transferTools === undefined
        ? undefined
        : Object.fromEntries(transferTools.map((tool) => [tool.name, describeTransferTool(tool)])),
    server: describeServer(configuration.server),
    replication: describeReplication(configuration.replication),
    profiles: Object.fromEntries(profiles),
  });
}

/** `describeConfiguration` as YAML, with where it comes from. */
export function renderConfiguration(configuration: Configuration): string {
  const origin = configuration.file === undefined ? 'no file was found' : `from ${configuration.file}`;
  return `# The configuration in effect (${origin}); secrets are shown as ${MASK}.\n${yamlBlock(describeConfiguration(configuration))}`;
}

/** Where the catalog is, without its password. */
export function describeCatalog(catalog: CatalogSettings): string {
  if (catalog.kind === 'sqlite') return `sqlite:${catalog.path}`;
  const url = new URL(catalog.url);
  if (url.password !== '') url.password = MASK;
  for (const key of url.searchParams.keys().toArray()) {
    if (/pass|secret|key/i.test(key)) url.searchParams.set(key, MASK);
  }
  return url.href;
}

function describeTransferTool(tool: TransferToolSettings): Record<string, unknown> {
  return withoutUndefined({
    type: tool.type,
    endpoint: tool.endpoint,
    token: tool.token.kind === 'text' ? MASK : undefined,
    token_file: tool.token.kind === 'file' ? tool.token.path : undefined,
    vo: tool.vo,
    from: tool.from,
    to: tool.to,
    activities: tool.activities,
    schemes: tool.schemes,
    poll: formatDuration(tool.pollMs),
    batch: tool.batchMax,
    deadline: formatDuration(tool.deadlineMs),
  });
}

function describeProfile(profile: Profile): Record<string, unknown> {
  return withoutUndefined({
    ...describeStorage(profile.storage),
    replicas: profile.replicas.map((entry) => ({ replica_profile: entry.profile, read_priority: entry.readPriority })),
    consistency: profile.consistency,
    source_changes: profile.sourceChanges,
    durability: profile.durability,
    deadline: formatDuration(profile.deadlineMs),
    retry: { attempts: profile.retry.attemptsMax, delay: formatDuration(profile.retry.delayMs) },
    concurrency: profile.concurrency,
    bandwidth: profile.bandwidth === undefined ? undefined : formatRate(profile.bandwidth),
    bandwidth_from: describeRates(profile.bandwidthFrom),
    ...describeTraits(profile.traits),
    administrators: profile.administrators,
    paths: profile.pathAlgorithm === undefined ? undefined : { algorithm: profile.pathAlgorithm },
    domains: describeDomains(profile.domains),
    protocols: describeProtocols(profile.protocols),
  });
}

function describeRates(rates: Readonly<Record<string, number>>): Record<string, string> | undefined {
  const entries = Object.entries(rates);
  return entries.length === 0 ? undefined : Object.fromEntries(entries.map(([name, rate]) => [name, formatRate(rate)]));
}

function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

function describeStorage(storage: StorageSettings): Record<string, unknown> {
  switch (storage.type) {
    case 'file':
      return { storage_provider: { type: 'file', options: { base_path: storage.basePath } } };
    case 'webdav':
      return { storage_provider: { type: 'webdav', options: describeWebdav(storage) } };
    case 'sftp':
      return { storage_provider: { type: 'sftp', options: describeSftp(storage) } };
    case 'memory':
      return { storage_provider: { type: 'memory', options: { base_path: storage.name } } };
    case 's3': {
      const options = withoutUndefined({
        base_path: `${storage.bucket}/${storage.prefix}`.replace(/\/$/, ''),
        region: storage.region,
        endpoint_url: storage.endpointUrl,
        path_style: storage.pathStyle,
        multipart_threshold: formatBytes(storage.multipartThreshold),
        part_size: formatBytes(storage.partBytes),
      });
      return { storage_provider: { type: 's3', options }, credentials_provider: describeCredentials(storage) };
    }
  }
}

function describeWebdav({ url, login, flushes }: StorageSettings & { type: 'webdav' }): Record<string, unknown> {
  const said = login.kind === 'basic' ? { user: login.user, password: MASK } : { token: MASK };
  return { url: url.replace(/\/$/, ''), ...(login.kind === 'none' ? {} : said), flushes };
}

function describeSftp({ host, port, user, path, login, hostKey }: StorageSettings & { type: 'sftp' }) {
  return withoutUndefined({
    host,
    port,
    user,
    base_path: path,
    key_file: login.kind === 'key' ? login.file : undefined,
    passphrase: login.kind === 'key' && login.passphrase !== undefined ? MASK : undefined,
    password: login.kind === 'password' ? MASK : undefined,
    agent: login.kind === 'agent' ? login.socket : undefined,
    host_key: hostKey.kind === 'fingerprints' ? hostKey.fingerprints : undefined,
    known_hosts: hostKey.kind === 'known-hosts' ? hostKey.file : undefined,
  });
}

function describeCredentials({ credentials }: StorageSettings & { type: 's3' }): Record<string, unknown> | undefined {
  if (credentials.kind === 'chain') {
    return credentials.profile === undefined
      ? undefined
      : { type: 'AWSProfile', options: { profile: credentials.profile } };
  }
  const session = credentials.sessionToken === undefined ? {} : { session_token: MASK };
  return { type: 'S3Credentials', options: { access_key: MASK, secret_key: MASK, ...session } };
}

/** Undefined where all is as it is unless said. */
function describeDomains(domains: Protocol['domains']): Protocol['domains'] | undefined {
  const priorities = Object.values(domains).flatMap((domain) => Object.values(domain));
  return priorities.every((priority) => priority === 0) ? undefined : domains;
}

function describeProtocols(protocols: readonly ProfileProtocol[]): readonly Record<string, unknown>[] | undefined {
  if (protocols.length === 0) return undefined;
  return protocols.map(({ name, storage, domains }) => ({ name, ...describeStorage(storage), domains }));
}
