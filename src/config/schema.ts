import * as z from 'zod';
import { CONFLICT_POLICIES } from '../domain/journal/conflict-policy.ts';
import {
  transfersAtOnce,
  attributeValue,
  bucketPath,
  choice,
  count,
  directory,
  distance,
  duration,
  durationOrNone,
  endpoint,
  fingerprints,
  flag,
  host,
  localDirectory,
  priority,
  protocolPriority,
  rate,
  size,
  text,
} from './fields.ts';
import type { ConfigurationPath } from './problem.ts';
import { readSection, section } from './section.ts';

const fileOptions = section({ base_path: localDirectory });

/** S3's own limits: parts of 5 MiB to 5 GiB, and no single PUT above 5 GiB. */
const s3Options = section({
  base_path: bucketPath,
  region: text.optional(),
  region_name: text.optional(),
  endpoint_url: endpoint.optional(),
  path_style: flag.optional(),
  multipart_threshold: size('5MiB', '5GiB').optional(),
  part_size: size('5MiB', '5GiB').optional(),
});

const PORT_MAX = 65_535;

const webdavOptions = section({
  url: endpoint,
  user: text.optional(),
  password: text.optional(),
  token: text.optional(),
  flushes: flag.optional(),
});

const sftpOptions = section({
  host,
  port: count(PORT_MAX).optional(),
  user: text,
  base_path: directory,
  key_file: directory.optional(),
  passphrase: text.optional(),
  password: text.optional(),
  agent: directory.optional(),
  host_key: fingerprints.optional(),
  known_hosts: directory.optional(),
});

const memoryOptions = section({ base_path: text.optional() });

/** Copies at once: more than all workers of a large site have under way. */
const TRANSFERS_MAX = 100_000;

/** Of a link nobody would take unasked. */
const DISTANCE_MAX = 1000;

/** Each kind of store, and the names that others give it. */
const FILE_TYPES = ['file', 'posix', 'local'] as const;
const S3_TYPES = ['s3', 's8k'] as const;

const storageProvider = z.discriminatedUnion('type', [
  section({ type: z.enum(FILE_TYPES).transform(() => 'file' as const), options: fileOptions }),
  section({ type: z.enum(S3_TYPES).transform(() => 's3' as const), options: s3Options }),
  section({ type: z.literal('webdav'), options: webdavOptions }),
  section({ type: z.literal('sftp'), options: sftpOptions }),
  section({ type: z.literal('memory'), options: memoryOptions.optional() }),
]);

const credentialsProvider = z.discriminatedUnion('type', [
  section({
    type: z.literal('S3Credentials'),
    options: section({ access_key: text, secret_key: text, session_token: text.optional() }),
  }),
  section({ type: z.literal('AWSProfile'), options: section({ profile: text }) }),
]);

const replica = section({ replica_profile: text, read_priority: priority });

/** Priorities by operation; null, or left out beside others that are said: not for that. */
const operations = section({
  read: protocolPriority.optional(),
  write: protocolPriority.optional(),
  delete: protocolPriority.optional(),
});
const domains = section({ lan: operations.optional(), wan: operations.optional() });

/** Another way to the same bytes. */
const protocol = section({
  name: text.optional(),
  storage_provider: storageProvider,
  credentials_provider: credentialsProvider.optional(),
  domains: domains.optional(),
});

/** What rules know of the store. */
const traits = {
  site: text.optional(),
  kind: choice('disk', 'tape').optional(),
  aliases: z.array(text).optional(),
  attributes: z.record(z.string(), attributeValue).optional(),
  /** Read by `readAcceptancePolicy`. */
  accepts: z.unknown().optional(),
  availability: section({ read: flag.optional(), write: flag.optional(), delete: flag.optional() }).optional(),
  limits: section({
    max_space: size('1MiB', '9PB').optional(),
    min_free_space: size('1MiB', '9PB').optional(),
    incoming: transfersAtOnce(TRANSFERS_MAX).optional(),
    outgoing: transfersAtOnce(TRANSFERS_MAX).optional(),
    incoming_from: z.record(z.string(), transfersAtOnce(TRANSFERS_MAX)).optional(),
  }).optional(),
  greedy: flag.optional(),
  away_after: durationOrNone('1s', '365d').optional(),
  /** Follows from `paths.algorithm`; who says it is told where they disagree. */
  deterministic: flag.optional(),
  distance: z.record(z.string(), distance(DISTANCE_MAX)).optional(),
  /** Others' transfers may pass through it, at this cost besides the distances. */
  relay: count(DISTANCE_MAX).optional(),
  paths: section({ algorithm: text.optional() }).optional(),
  domains: domains.optional(),
  protocols: z.array(protocol).optional(),
};

const profile = section({
  ...traits,
  /** Accounts that may set the policies of objects that are authoritative here. */
  administrators: z.array(text).optional(),
  storage_provider: storageProvider,
  credentials_provider: credentialsProvider.optional(),
  replicas: z.array(replica).optional(),
  consistency: choice('validated', 'current', 'any').optional(),
  source_changes: choice('internal', 'external').optional(),
  durability: choice('strict', 'relaxed').optional(),
  deadline: duration('10ms', '1d').optional(),
  retry: section({ attempts: count(100).optional(), delay: duration('0s', '1h').optional() }).optional(),
  concurrency: count(10_000).optional(),
  bandwidth: rate('1kB', '1TB').optional(),
  bandwidth_from: z.record(z.string(), rate('1kB', '1TB')).optional(),
});

const transferTool = section({
  type: choice('fts3'),
  endpoint,
  token: text.optional(),
  token_file: directory.optional(),
  vo: text,
  from: text.optional(),
  to: text.optional(),
  activities: z.array(text).optional(),
  schemes: z.array(text).optional(),
  poll: duration('100ms', '1h').optional(),
  batch: count(1000).optional(),
  deadline: duration('100ms', '1h').optional(),
});

const server = section({
  port: count(PORT_MAX, 0).optional(),
  host: host.optional(),
  storage_path: directory.optional(),
  storage_size: size('1MiB', '9PB').optional(),
  default_store: text.optional(),
  tls: section({ cert: directory, key: directory }).optional(),
  max_uploads: count(10_000).optional(),
});

const peer = section({
  id: text,
  url: endpoint,
  token: text.optional(),
  scopes: z.array(text).optional(),
  mode: choice('async', 'sync').optional(),
  direction: choice('both', 'send', 'receive').optional(),
});

const replication = section({
  enabled: flag.optional(),
  mode: choice('async', 'sync').optional(),
  remote_url: endpoint.optional(),
  remote_token: text.optional(),
  batch_size: count(10_000).optional(),
  batch_interval: duration('1ms', '1h').optional(),
  retry_attempts: count(1_000).optional(),
  retry_delay: duration('1ms', '1d').optional(),
  sync_copies: count(100).optional(),
  sync_timeout: duration('100ms', '1h').optional(),
  max_backlog: size('16KiB', '9PB').optional(),
  peer_alarm: duration('1s', '365d').optional(),
  forward_after: duration('1s', '365d').optional(),
  undo_window: duration('1m', '3650d').optional(),
  peers: z.array(peer).optional(),
  accept: z.array(section({ id: text, token: text })).optional(),
  conflicts: z.record(z.string(), choice(...CONFLICT_POLICIES)).optional(),
});

/** The top level. A capability that brings a key of its own adds it here, with a section like `profile`. */
const top = section({
  catalog: text.optional(),
  site: text.optional(),
  administrators: z.array(text).optional(),
  default_policy: section({
    scopes: z.array(text).optional(),
    max_size: size('0', '9PB').optional(),
  }).optional(),
  /** Read by `readActivities`. */
  activities: z.unknown().optional(),
  /** Read by `readTransferTools`. */
  transfer_tools: z.unknown().optional(),
  profiles: z.unknown().optional(),
  server: server.optional(),
  replication: replication.optional(),
});

export type TopInput = z.output<typeof top>;
export type StorageInput = z.output<typeof storageProvider>;
export type CredentialsInput = z.output<typeof credentialsProvider>;
export type ProfileInput = z.output<typeof profile>;
export type TransferToolInput = z.output<typeof transferTool>;
export type ServerInput = z.output<typeof server>;
export type ReplicationInput = z.output<typeof replication>;
export type DomainsInput = z.output<typeof domains>;

export const readTop = (input: unknown) => readSection(top, input, []);
export const readProfile = (input: unknown, path: ConfigurationPath) => readSection(profile, input, path);
export const readStorage = (input: unknown, path: ConfigurationPath) => readSection(storageProvider, input, path);
export const readTransferTool = (input: unknown, path: ConfigurationPath) => readSection(transferTool, input, path);
