import { findScopeProblem } from '../domain/object/scope.ts';
import { parseDocument } from './document.ts';
import { SecretVariables, importPartSize, renderImported } from './imported.ts';
import type { Imported, ImportedProfile } from './imported.ts';
import { ConfigurationError, formatPath } from './problem.ts';
import { takeName } from './profile-name.ts';
import { parseBytes } from './quantity.ts';

type Section = Readonly<Record<string, unknown>>;

/** Providers that speak S3, with the endpoint that theirs has by itself. */
const S3_PROVIDERS: Readonly<Record<string, string | undefined>> = {
  s3: undefined,
  s8k: undefined,
  gcs_s3: 'https://storage.googleapis.com',
};
const RENAMED: Readonly<Record<string, string>> = {
  base_path: 'base_path',
  region_name: 'region',
  endpoint_url: 'endpoint_url',
  multipart_threshold: 'multipart_threshold',
  multipart_chunksize: 'part_size',
};

/**
 * Profiles for the `file`, `s3`, `s8k` and `gcs_s3` providers of a multi-storage client's YAML or JSON, with their replicas,
 * retry and `S3Credentials`. Everything else is listed in the notes.
 */
export function importMsc(text: string): Imported {
  const document = parseDocument(text);
  if (!document.isReadable) {
    throw new ConfigurationError(
      document.flaws.map((flaw) => ({ ...flaw, path: formatPath(flaw.path), file: undefined })),
    );
  }
  const root = asSection(document.value);
  const sources = Object.entries(asSection(root['profiles']));
  const notes = listLeft('the file', root, ['profiles']);
  const secrets = new SecretVariables();
  const names = nameProfiles(sources, notes);
  const profiles = new Map<string, ImportedProfile>();
  for (const [theirs, raw] of sources) {
    const name = names.get(theirs);
    if (name !== undefined) profiles.set(name, importProfile(name, asSection(raw), { names, secrets, notes }));
  }
  return {
    yaml: renderImported('a multi-storage client configuration', profiles),
    notes: [...secrets.notes, ...notes],
  };
}

/** Their name → ours, for every profile that can be imported. */
function nameProfiles(sources: readonly (readonly [string, unknown])[], notes: string[]): Map<string, string> {
  const supported = sources.filter(([theirs, raw]) => {
    const type = asSection(asSection(raw)['storage_provider'])['type'];
    if (type === 'file' || (typeof type === 'string' && Object.hasOwn(S3_PROVIDERS, type))) return true;
    notes.push(
      `${theirs} is skipped: ${typeof type === 'string' ? `Pando has no stores of type ${type}` : 'it has no storage_provider with a type'}`,
    );
    return false;
  });
  const taken = new Set(supported.map(([theirs]) => theirs).filter((theirs) => findScopeProblem(theirs) === undefined));
  return new Map(
    supported.map(([theirs]) => {
      if (taken.has(theirs)) return [theirs, theirs];
      const ours = takeName(theirs, taken);
      notes.push(`${theirs} is called ${ours} here`);
      return [theirs, ours];
    }),
  );
}

interface Context {
  readonly names: ReadonlyMap<string, string>;
  readonly secrets: SecretVariables;
  readonly notes: string[];
}

function importProfile(name: string, raw: Section, context: Context): ImportedProfile {
  const { names, notes } = context;
  const provider = asSection(raw['storage_provider']);
  const options = asSection(provider['options']);
  const isFile = provider['type'] === 'file';
  notes.push(...listLeft(name, raw, ['storage_provider', 'credentials_provider', 'replicas', 'retry']));
  notes.push(...listLeft(name, options, isFile ? ['base_path'] : [...Object.keys(RENAMED), 'profile_name']));

  const replicas = (Array.isArray(raw['replicas']) ? raw['replicas'] : []).map(asSection).flatMap((entry) => {
    const theirs = String(entry['replica_profile']);
    const ours = names.get(theirs);
    if (ours === undefined) notes.push(`${name} loses its replica ${theirs}, which was not imported`);
    return ours === undefined ? [] : [{ replica_profile: ours, read_priority: entry['read_priority'] }];
  });
  const { attempts, delay } = asSection(raw['retry']);
  notes.push(...listLeft(`${name}, retry`, asSection(raw['retry']), ['attempts', 'delay']));
  return {
    storage_provider: isFile
      ? { type: 'file', options: { base_path: convert(options['base_path']) } }
      : { type: 's3', options: importOptions(name, String(provider['type']), options, notes) },
    credentials_provider: isFile
      ? undefined
      : importCredentials(name, asSection(raw['credentials_provider']), options, context),
    replicas: replicas.length > 0 ? replicas : undefined,
    retry: attempts === undefined && delay === undefined ? undefined : { attempts, delay },
  };
}

function importOptions(name: string, type: string, options: Section, notes: string[]): Record<string, unknown> {
  const imported: Record<string, unknown> = {};
  const preset = S3_PROVIDERS[type];
  if (preset !== undefined) imported['endpoint_url'] = preset;
  else if (type !== 's3' && options['endpoint_url'] === undefined) notes.push(`${name} needs an endpoint_url`);
  for (const [theirs, ours] of Object.entries(RENAMED)) {
    const value = options[theirs];
    if (value === undefined) continue;
    const bytes = ours === 'part_size' || ours === 'multipart_threshold' ? parseBytes(value) : undefined;
    const size =
      bytes !== undefined && 'value' in bytes ? importPartSize(bytes.value, `${theirs} of ${name}`, notes) : undefined;
    if (bytes === undefined) imported[ours] = convert(value);
    else if (size !== undefined) imported[ours] = size;
  }
  return imported;
}

function importCredentials(
  name: string,
  provider: Section,
  storageOptions: Section,
  { secrets, notes }: Context,
): ImportedProfile['credentials_provider'] {
  const options = asSection(provider['options']);
  const type = provider['type'];
  if (type === undefined) {
    const profile = storageOptions['profile_name'];
    return profile === undefined ? undefined : { type: 'AWSProfile', options: { profile: convert(profile) } };
  }
  if (type !== 'S3Credentials') {
    notes.push(
      `${name} has credentials of type ${JSON.stringify(type)}, which Pando does not know: the AWS environment is used`,
    );
    return undefined;
  }
  const imported: Record<string, unknown> = {};
  for (const key of ['access_key', 'secret_key', 'session_token']) {
    const value = options[key];
    if (value === undefined) continue;
    const isReference = typeof value === 'string' && /^\$(?:\{\w+\}|[A-Za-z_]\w*)$/.test(value);
    imported[key] = isReference ? convert(value) : secrets.replace(name, key, `${key} of ${name} in the imported file`);
  }
  return { type, options: imported };
}

/** Their `$VAR` and `${VAR}` are our `${VAR}`; any other dollar sign is one. */
function convert(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value.replace(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))|\$/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    return name === undefined ? '$$' : `\${${name}}`;
  });
}

function listLeft(where: string, section: Section, carried: readonly string[]): string[] {
  const left = Object.keys(section).filter((key) => !carried.includes(key));
  return left.length === 0 ? [] : [`${where} has keys without a counterpart: ${left.join(', ')}`];
}

function asSection(value: unknown): Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : {};
}
