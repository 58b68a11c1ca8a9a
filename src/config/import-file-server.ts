import { escapeDollars } from './expand-variables.ts';
import type { ImportedProfile, SecretVariables } from './imported.ts';

/** A `webdav` or `sftp` remote of rclone, and the path below it that is meant. */
interface FileServer {
  readonly kind: 'webdav' | 'sftp';
  readonly profile: string;
  readonly remote: string;
  readonly path: string;
  readonly options: ReadonlyMap<string, string>;
}

/** Keys that have a counterpart here, or that mean nothing without rclone. */
const CARRIED = {
  webdav: new Set(['type', 'url', 'vendor', 'user', 'pass', 'bearer_token']),
  sftp: new Set([
    'type',
    'host',
    'port',
    'user',
    'pass',
    'key_file',
    'key_file_pass',
    'known_hosts_file',
    'shell_type',
  ]),
};

interface ImportContext {
  readonly secrets: SecretVariables;
  readonly notes: string[];
  /** By remote and key: aliases of one remote share its variables. */
  readonly variables: Map<string, string>;
}

/** Passwords are obscured in an rclone.conf: none is carried over, each becomes a variable. */
export function importFileServer(server: FileServer, { secrets, notes, variables }: ImportContext): ImportedProfile {
  const { kind, remote, options } = server;
  const left = [...options.keys()].filter((key) => !CARRIED[kind].has(key));
  if (left.length > 0) notes.push(`[${remote}] has options without a counterpart: ${left.join(', ')}`);
  const secret = (key: string, suffix: string): string | undefined => {
    if (!options.get(key)) return undefined;
    const id = `${remote} ${key}`;
    const known = variables.get(id) ?? secrets.replace(remote, suffix, `${key} of [${remote}] in rclone.conf`);
    variables.set(id, known);
    return known;
  };
  const imported = kind === 'webdav' ? importWebdav(server, secret) : importSftp(server, secret, notes);
  const said = Object.entries(imported).filter(([, value]) => value !== undefined);
  return { storage_provider: { type: kind, options: Object.fromEntries(said) } };
}

type Secret = (key: string, suffix: string) => string | undefined;

function importWebdav({ path, options }: FileServer, secret: Secret): Record<string, unknown> {
  const below = path === '' ? '' : `/${path.split('/').map(encodeURIComponent).join('/')}`;
  const url = `${(options.get('url') ?? '').replace(/\/+$/, '')}${below}`;
  const token = secret('bearer_token', 'TOKEN');
  if (token !== undefined) return { url: escapeDollars(url), token };
  return { url: escapeDollars(url), user: text(options, 'user'), password: secret('pass', 'PASSWORD') };
}

function importSftp({ profile, path, remote, options }: FileServer, secret: Secret, notes: string[]) {
  if (!options.get('known_hosts_file'))
    notes.push(
      `[${remote}] names no known_hosts_file: ${profile} goes by ~/.ssh/known_hosts, or by host_key if you add one`,
    );
  const keyFile = text(options, 'key_file');
  const port = Number(options.get('port') ?? '');
  return {
    host: text(options, 'host'),
    port: port > 0 ? port : undefined,
    user: text(options, 'user') ?? '${USER}',
    base_path: path === '' ? '.' : escapeDollars(path),
    key_file: keyFile,
    passphrase: keyFile === undefined ? undefined : secret('key_file_pass', 'PASSPHRASE'),
    password: keyFile === undefined ? secret('pass', 'PASSWORD') : undefined,
    known_hosts: text(options, 'known_hosts_file'),
  };
}

function text(options: ReadonlyMap<string, string>, key: string): string | undefined {
  const value = options.get(key);
  return value ? escapeDollars(value) : undefined;
}
