import { z } from 'zod';
import {
  attributeValue,
  bucketPath,
  choice,
  count,
  directory,
  duration,
  endpoint,
  flag,
  priority,
  rate,
  size,
  text,
} from './fields.ts';
import type { ConfigurationPath, Finding } from './problem.ts';
import { suggest } from './suggestion.ts';

/**
 * A section: these keys and no others. The message of its `unrecognized_keys` issue is the list of keys it knows, from which
 * `readSection` makes one finding with a suggestion per unknown key.
 */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(' ');
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? known : undefined) });
}

const fileOptions = section({ base_path: directory });

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

const memoryOptions = section({ base_path: text.optional() });

/** Of a link nobody would take unasked. */
const DISTANCE_MAX = 1000;

/** Each kind of store, and the names that others give it. */
const FILE_TYPES = ['file', 'posix', 'local'] as const;
const S3_TYPES = ['s3', 's8k'] as const;

const storageProvider = z.discriminatedUnion('type', [
  section({ type: z.enum(FILE_TYPES).transform(() => 'file' as const), options: fileOptions }),
  section({ type: z.enum(S3_TYPES).transform(() => 's3' as const), options: s3Options }),
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

/** What rules know of the store. */
const traits = {
  site: text.optional(),
  kind: choice('disk', 'tape').optional(),
  aliases: z.array(text).optional(),
  attributes: z.record(z.string(), attributeValue).optional(),
  availability: section({ read: flag.optional(), write: flag.optional(), delete: flag.optional() }).optional(),
  limits: section({
    max_space: size('1MiB', '9PB').optional(),
    min_free_space: size('1MiB', '9PB').optional(),
  }).optional(),
  greedy: flag.optional(),
  distance: z.record(z.string(), count(DISTANCE_MAX)).optional(),
};

const profile = section({
  ...traits,
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
});

/** The top level. A capability that brings a key of its own adds it here, with a section like `profile`. */
const top = section({ catalog: text.optional(), profiles: z.unknown().optional() });

export type StorageInput = z.output<typeof storageProvider>;
export type CredentialsInput = z.output<typeof credentialsProvider>;
export type ProfileInput = z.output<typeof profile>;

/** A section that was read: its value where nothing is wrong with it, and everything that is wrong. */
export interface SectionRead<T> {
  readonly value: T | undefined;
  readonly findings: readonly Finding[];
}

export const readTop = (input: unknown) => readSection(top, input, []);
export const readProfile = (input: unknown, path: ConfigurationPath) => readSection(profile, input, path);
export const readStorage = (input: unknown, path: ConfigurationPath) => readSection(storageProvider, input, path);

function readSection<T>(schema: z.ZodType<T>, input: unknown, path: ConfigurationPath): SectionRead<T> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return { value: result.data, findings: [] };
  return { value: undefined, findings: result.error.issues.flatMap((issue) => describeIssue(issue, path)) };
}

function describeIssue(issue: z.core.$ZodIssue, prefix: ConfigurationPath): Finding[] {
  const path = [...prefix, ...issue.path.filter((part) => typeof part !== 'symbol')];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknownKey(key, path, issue.message.split(' ')));
  }
  if (issue.code === 'custom') return [{ path, message: issue.message, remedy: String(issue.params?.['remedy']) }];
  return [issue.code === 'invalid_union' ? describeUnknownType(issue, path) : describeWrongShape(issue, path)];
}

function describeUnknownKey(key: string, section: ConfigurationPath, known: readonly string[]): Finding {
  return {
    path: [...section, key],
    at: 'key',
    message: 'is not a key that Pando knows here',
    remedy: suggest(key, known),
  };
}

function describeUnknownType(issue: z.core.$ZodIssueInvalidUnion, path: ConfigurationPath): Finding {
  const types = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const type: unknown =
    typeof issue.input === 'object' && issue.input !== null && 'type' in issue.input ? issue.input.type : undefined;
  const message = type === undefined ? 'has no value' : 'is not a type that Pando knows here';
  return { path, message, remedy: suggest(typeof type === 'string' ? type : '', types) };
}

function describeWrongShape(issue: z.core.$ZodIssue, path: ConfigurationPath): Finding {
  if (issue.input === undefined) return { path, message: 'has no value', remedy: 'write one' };
  if (issue.code === 'invalid_type' && issue.expected === 'array') {
    return { path, message: 'must be a list', remedy: 'begin each entry with "- "' };
  }
  return {
    path,
    message: 'must be a section with keys of its own',
    remedy: 'write "key: value" lines below it, indented',
  };
}
