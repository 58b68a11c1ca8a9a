import type { SftpLogin, StorageSettings, WebdavLogin } from './configuration.ts';
import type { ConfigurationPath, Finding } from './problem.ts';
import type { StorageInput } from './schema.ts';
import { readVariable, resolvePath } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

type WebdavOptions = Extract<StorageInput, { type: 'webdav' }>['options'];
type SftpOptions = Extract<StorageInput, { type: 'sftp' }>['options'];

const SFTP_PORT = 22;
const AGENT_VARIABLE = 'SSH_AUTH_SOCK';

export function makeWebdavSettings(options: WebdavOptions): StorageSettings & { type: 'webdav' } {
  return {
    type: 'webdav',
    url: withSingleSlashes(`${options.url}/`),
    login: webdavLogin(options),
    flushes: options.flushes ?? false,
  };
}

function webdavLogin({ user, password, token }: WebdavOptions): WebdavLogin {
  if (token !== undefined) return { kind: 'bearer', token };
  return user === undefined ? { kind: 'none' } : { kind: 'basic', user, password: password ?? '' };
}

export function makeSftpSettings(
  options: SftpOptions,
  context: Surroundings & { readonly base: string },
): StorageSettings & { type: 'sftp' } {
  const local = (path: string): string => resolvePath(path, context.base, context.home);
  const { host, port, user, base_path: path, host_key: fingerprints, known_hosts: knownHosts } = options;
  return {
    type: 'sftp',
    host,
    port: port ?? SFTP_PORT,
    user,
    path: withSingleSlashes(path).replace(/(?<=.)\/$/, ''),
    login: sftpLogin(options, context, local),
    hostKey:
      fingerprints === undefined
        ? { kind: 'known-hosts', file: local(knownHosts ?? '~/.ssh/known_hosts') }
        : { kind: 'fingerprints', fingerprints },
  };
}

/** But for those of a URL’s scheme: servers take several for one, and a place has one name. */
function withSingleSlashes(address: string): string {
  return address.replace(/(?<!^https?:)\/{2,}/g, '/');
}

function sftpLogin(options: SftpOptions, surroundings: Surroundings, local: (path: string) => string): SftpLogin {
  const { key_file: keyFile, passphrase, password, agent } = options;
  if (keyFile !== undefined) return { kind: 'key', file: local(keyFile), passphrase };
  if (password !== undefined) return { kind: 'password', password };
  return { kind: 'agent', socket: agent === undefined ? (agentOf(surroundings) ?? '') : local(agent) };
}

function agentOf(surroundings: Surroundings): string | undefined {
  return readVariable(surroundings, AGENT_VARIABLE);
}

/** What no option of such a store can see by itself. `path` is that of the options. */
export function checkRemoteOptions(
  store: StorageInput,
  path: ConfigurationPath,
  surroundings: Surroundings,
): Finding[] {
  if (store.type === 'webdav') return checkWebdav(store.options, path);
  return store.type === 'sftp' ? checkSftp(store.options, path, surroundings) : [];
}

function checkWebdav({ user, password, token }: WebdavOptions, path: ConfigurationPath): Finding[] {
  const finding = (key: string, message: string, remedy: string): Finding[] => [
    { path: [...path, key], at: 'key', message, remedy },
  ];
  if (token !== undefined && user !== undefined)
    return finding('token', 'says again who asks, as user does', 'keep user and password, or token');
  if (user !== undefined && password === undefined) return finding('user', 'has no password', 'add password: ${NAME}');
  if (user === undefined && password !== undefined) return finding('password', 'has no user', 'add user');
  return [];
}

function checkSftp(options: SftpOptions, path: ConfigurationPath, surroundings: Surroundings): Finding[] {
  const findings: Finding[] = [];
  const find = (key: string, message: string, remedy: string): void =>
    void findings.push({ path: [...path, key], at: 'key', message, remedy });
  const logins = (['key_file', 'password', 'agent'] as const).filter((key) => options[key] !== undefined);
  if (logins[1] !== undefined)
    find(logins[1], `says again how to log in, as ${logins[0]} does`, 'keep one of key_file, password and agent');
  if (options.passphrase !== undefined && options.key_file === undefined)
    find('passphrase', 'has no key_file', 'add the key_file it opens, or remove it');
  if (options.host_key !== undefined && options.known_hosts !== undefined)
    find('known_hosts', 'says again which host key is right, as host_key does', 'keep one of the two');
  if (logins.length === 0 && agentOf(surroundings) === undefined)
    find('user', `has no way to log in, and no agent runs (${AGENT_VARIABLE} is not set)`, 'add key_file or password');
  return findings;
}
