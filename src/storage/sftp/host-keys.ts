import { createHmac, hash } from 'node:crypto';

/** One line of a known_hosts file that is about the host asked for. */
export interface KnownHostKey {
  readonly type: string;
  readonly key: string;
  readonly isRevoked: boolean;
}

/** `SHA256:…` of a public key as it comes over the wire. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${hash('sha256', key, 'base64').replace(/=+$/, '')}`;
}

/** The keys a known_hosts file has for a host and port: plain and hashed names, patterns, revoked keys. Authorities are left out. */
export function findKnownHostKeys(text: string, host: string, port: number): KnownHostKey[] {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const found: KnownHostKey[] = [];
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[0] === undefined || fields[0] === '' || fields[0].startsWith('#')) continue;
    const marker = fields[0].startsWith('@') ? fields.shift() : undefined;
    const [names = '', type = '', key = ''] = fields;
    if (marker === '@cert-authority' || key === '' || !namesHost(names, name)) continue;
    found.push({ type, key, isRevoked: marker === '@revoked' });
  }
  return found;
}

function namesHost(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt = '', hashed = ''] = names.split('|');
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hashed;
  }
  const patterns = names.split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1), name))) return false;
  return patterns.some((pattern) => matches(pattern, name));
}

function matches(pattern: string, name: string): boolean {
  const source = pattern
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name.toLowerCase());
}

/** What the server is to be asked for, so that it shows a key that is known and not one of another kind. */
export function signaturesOf(keys: readonly KnownHostKey[]): string[] {
  const types = new Set(keys.filter(({ isRevoked }) => !isRevoked).map(({ type }) => type));
  return [...types].flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type]));
}
