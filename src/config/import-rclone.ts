import { isAbsolute } from 'node:path';
import { escapeDollars } from './expand-variables.ts';
import { importFileServer } from './import-file-server.ts';
import { SecretVariables, importPartSize, renderImported } from './imported.ts';
import type { Imported, ImportedProfile } from './imported.ts';
import { parseIni } from './ini.ts';
import { ConfigurationError, problemOutsideFiles } from './problem.ts';
import { takeName } from './profile-name.ts';

type Remote = ReadonlyMap<string, string>;
type Remotes = ReadonlyMap<string, Remote>;

/** What an rclone path such as `remote:bucket/dir` or `/dir` comes down to when its aliases are followed. */
type Place =
  | { readonly kind: 'file'; readonly path: string }
  | S3Place
  | { readonly kind: 'webdav' | 'sftp'; readonly remote: string; readonly path: string }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** Providers that need a host name per bucket, where rclone switches path style off by itself. */
const VIRTUAL_HOST_PROVIDERS = new Set(['AWS', 'Alibaba', 'HuaweiOBS', 'Netease', 'TencentCOS']);
/** Keys of an s3 remote that have a counterpart here, or that mean nothing without it. */
const CARRIED = new Set([
  'type',
  'provider',
  'access_key_id',
  'secret_access_key',
  'session_token',
  'env_auth',
  'profile',
  'region',
  'endpoint',
  'force_path_style',
  'chunk_size',
  'upload_cutoff',
  'bucket',
  'base_path',
]);
const ALIAS_DEPTH_MAX = 10;

/**
 * Profiles for the `s3`, `webdav`, `sftp`, `local` and `alias` remotes of an `rclone.conf`. An rclone remote names no bucket: an alias of
 * `remote:bucket/dir` does, and a remote that no alias uses gets a variable for it. Everything else is listed in the notes.
 */
export function importRclone(text: string): Imported {
  if (/^\s*(?:#.*\s+)*RCLONE_ENCRYPT_V\d+:/.test(text)) {
    const remedy = 'write the output of `rclone config show` to a file and import that';
    throw new ConfigurationError([problemOutsideFiles('rclone.conf', 'rclone.conf is encrypted', remedy)]);
  }
  const remotes = parseIni(text);
  const context: Context = {
    remotes,
    secrets: new SecretVariables(),
    notes: [],
    credentials: new Map(),
    variables: new Map(),
  };
  const { secrets, notes } = context;
  const places = [...remotes].map(([name, remote]) => ({ name, place: findPlace(name, remote, remotes) }));
  const aliased = new Set(
    places.flatMap(({ name, place }) => (isS3(place) && place.remote !== name ? [place.remote] : [])),
  );
  const taken = new Set<string>();
  const profiles = new Map<string, ImportedProfile>();
  for (const { name, place } of places) {
    if (place.kind === 'unsupported') {
      notes.push(`[${name}] is skipped: ${place.reason}`);
    } else if (isS3(place) && place.path === '' && aliased.has(name)) {
      notes.push(`[${name}] has no profile of its own: it names no bucket, and its aliases are imported`);
    } else {
      const ours = takeName(name, taken);
      if (ours !== name) notes.push(`[${name}] is called ${ours} here: ${NAME_RULE}`);
      profiles.set(ours, importPlace(ours, place, context));
    }
  }
  return { yaml: renderImported('rclone.conf', profiles), notes: [...new Set([...secrets.notes, ...notes])] };
}

type S3Place = { readonly kind: 's3'; readonly remote: string; readonly path: string };

const NAME_RULE = 'the name of a profile has letters, digits, ".", "_" and "-"';

interface Context {
  readonly remotes: Remotes;
  readonly secrets: SecretVariables;
  readonly notes: string[];
  /** By remote: aliases of one remote share its credentials. */
  readonly credentials: Map<string, ImportedProfile['credentials_provider']>;
  /** By remote and key, for the same reason. */
  readonly variables: Map<string, string>;
}

function isS3(place: Place): place is S3Place {
  return place.kind === 's3';
}

function importPlace(
  profile: string,
  place: Exclude<Place, { kind: 'unsupported' }>,
  context: Context,
): ImportedProfile {
  if (place.kind === 'file') return importDirectory(place.path);
  if (isS3(place)) return importS3(profile, place, context);
  const options: Remote = context.remotes.get(place.remote) ?? new Map();
  return importFileServer({ ...place, profile, options }, context);
}

function importDirectory(path: string): ImportedProfile {
  return { storage_provider: { type: 'file', options: { base_path: escapeDollars(path) } } };
}

function importS3(profile: string, place: S3Place, context: Context): ImportedProfile {
  const { remotes, secrets, notes, credentials } = context;
  const remote: Remote = remotes.get(place.remote) ?? new Map();
  if (!credentials.has(place.remote))
    credentials.set(place.remote, importCredentials(place.remote, remote, secrets, notes));
  const basePath =
    place.path === ''
      ? secrets.replace(profile, 'BUCKET', `the bucket (or bucket/prefix) of ${profile}`)
      : escapeDollars(place.path);
  return {
    storage_provider: { type: 's3', options: { base_path: basePath, ...importOptions(place.remote, remote, notes) } },
    credentials_provider: credentials.get(place.remote),
  };
}

function findPlace(name: string, remote: Remote, remotes: Remotes): Place {
  return remote.get('type') === 'alias' ? resolveAlias(name, remotes) : placeOfRemote(name, remote);
}

function placeOfRemote(name: string, remote: Remote): Place {
  const type = remote.get('type');
  if (type === 'local') return { kind: 'file', path: remote.get('base_path') ?? '/' };
  if (type === 's3') return { kind: 's3', remote: name, path: remote.get('base_path') ?? remote.get('bucket') ?? '' };
  if (type === 'webdav' || type === 'sftp') return { kind: type, remote: name, path: '' };
  return { kind: 'unsupported', reason: type === undefined ? 'it has no type' : `Pando has no stores of type ${type}` };
}

function resolveAlias(name: string, remotes: Remotes): Place {
  let target = remotes.get(name)?.get('remote') ?? '';
  for (let depth = 0; depth < ALIAS_DEPTH_MAX; depth++) {
    if (isAbsolute(target)) return { kind: 'file', path: target };
    const [, remoteName = '', path = ''] = /^([^:]+):(.*)$/.exec(target) ?? [];
    const remote = remotes.get(remoteName);
    if (remote === undefined)
      return { kind: 'unsupported', reason: 'its alias leads to no remote of this file and no absolute path' };
    if (remote.get('type') === 'alias') {
      target = joinPath(remote.get('remote') ?? '', path);
      continue;
    }
    const place = placeOfRemote(remoteName, remote);
    if (place.kind === 'file') return { kind: 'file', path: joinPath(place.path, path) };
    if (place.kind === 'unsupported') return place;
    // An absolute path of SFTP stays one: `remote:/srv` is not `remote:srv`.
    return { ...place, path: place.kind === 'sftp' && path.startsWith('/') ? path : joinPath(place.path, path) };
  }
  return { kind: 'unsupported', reason: 'its alias leads back to itself' };
}

function joinPath(base: string, path: string): string {
  const rest = path.replace(/^\/+|\/+$/g, '');
  if (rest === '') return base;
  return base === '' || base.endsWith('/') || base.endsWith(':') ? `${base}${rest}` : `${base}/${rest}`;
}

function importCredentials(
  name: string,
  remote: Remote,
  secrets: SecretVariables,
  notes: string[],
): ImportedProfile['credentials_provider'] {
  const profile = remote.get('profile');
  if (!remote.get('access_key_id')) {
    if (remote.get('env_auth') !== 'true')
      notes.push(`[${name}] has no keys: anonymous access is not supported, the AWS environment is used`);
    return profile ? { type: 'AWSProfile', options: { profile: escapeDollars(profile) } } : undefined;
  }
  const replace = (suffix: string, key: string) => secrets.replace(name, suffix, `${key} of [${name}] in rclone.conf`);
  return {
    type: 'S3Credentials',
    options: {
      access_key: replace('ACCESS_KEY', 'access_key_id'),
      secret_key: replace('SECRET_KEY', 'secret_access_key'),
      ...(remote.get('session_token') ? { session_token: replace('SESSION_TOKEN', 'session_token') } : {}),
    },
  };
}

function importOptions(name: string, remote: Remote, notes: string[]): Record<string, unknown> {
  const provider = remote.get('provider') ?? 'AWS';
  const options: Record<string, unknown> = {};
  const region = remote.get('region');
  if (region) options['region'] = escapeDollars(region);
  const endpoint = remote.get('endpoint') || (provider === 'GCS' ? 'https://storage.googleapis.com' : '');
  if (endpoint !== '')
    options['endpoint_url'] = escapeDollars(/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`);
  else if (provider !== 'AWS') notes.push(`[${name}] has no endpoint: add endpoint_url for ${provider}`);
  const pathStyle =
    remote.get('force_path_style') ?? (endpoint !== '' && VIRTUAL_HOST_PROVIDERS.has(provider) ? 'false' : undefined);
  if (pathStyle === 'true' || pathStyle === 'false') options['path_style'] = pathStyle === 'true';
  for (const [theirs, ours] of [
    ['chunk_size', 'part_size'],
    ['upload_cutoff', 'multipart_threshold'],
  ] as const) {
    const bytes = parseRcloneSize(remote.get(theirs));
    const imported = bytes === undefined ? undefined : importPartSize(bytes, `${theirs} of [${name}]`, notes);
    if (imported !== undefined) options[ours] = imported;
  }
  const left = [...remote.keys()].filter((key) => !CARRIED.has(key));
  if (left.length > 0) notes.push(`[${name}] has options without a counterpart: ${left.join(', ')}`);
  return options;
}

/** rclone's sizes are binary whatever the suffix looks like, and KiB without one. */
function parseRcloneSize(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([BKMGTP]?)i?B?$/i.exec(text ?? '');
  if (match === null) return undefined;
  const power = match[2] === '' ? 1 : 'BKMGTP'.indexOf((match[2] ?? '').toUpperCase());
  return Math.round(Number(match[1]) * 1024 ** power);
}
