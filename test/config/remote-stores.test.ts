import { describe, expect, it } from 'vitest';
import type { StorageSettings } from '../../src/config/configuration.ts';
import { storePlace } from '../../src/config/place.ts';
import { renderConfiguration } from '../../src/config/show.ts';
import { briefly, configure, problemsOf } from './configure.ts';

const FINGERPRINT = `SHA256:${'a'.repeat(43)}`;

function profileOf(type: string, options: Record<string, unknown>): string {
  return JSON.stringify({ profiles: { data: { storage_provider: { type, options } } } });
}

function storageOf(type: string, options: Record<string, unknown>, environment = {}): StorageSettings | undefined {
  return configure(profileOf(type, options), environment).profiles['data']?.storage;
}

function problemsIn(type: string, options: Record<string, unknown>): string[] {
  return briefly(problemsOf(profileOf(type, options))).map((text) => text.replace(/^.*?options\./, ''));
}

const SSH = { host: 'files.example.com', user: 'me', base_path: '/srv/data' };
const KEY = { ...SSH, key_file: '~/.ssh/id' };

describe('a profile of type webdav', () => {
  it('has a password, a token or neither, and counts as soft unless it says otherwise', () => {
    const url = 'https://Dav.example.com/files/';
    expect(storageOf('webdav', { url, user: 'me', password: '${P}' }, { P: 'secret' })).toEqual({
      type: 'webdav',
      url: 'https://dav.example.com/files/',
      login: { kind: 'basic', user: 'me', password: 'secret' },
      flushes: false,
    });
    expect(storageOf('webdav', { url, token: 't' })).toMatchObject({ login: { kind: 'bearer', token: 't' } });
    expect(storageOf('webdav', { url, flushes: true })).toMatchObject({ login: { kind: 'none' }, flushes: true });
  });

  it('is refused with half of a login, two of them, or credentials in its address', () => {
    const url = 'https://dav.example.com';
    expect(problemsIn('webdav', { url, user: 'me' })).toEqual(['user: user has no password']);
    expect(problemsIn('webdav', { url, password: 'p' })).toEqual(['password: password has no user']);
    expect(problemsIn('webdav', { url, user: 'me', password: 'p', token: 't' })).toEqual([
      'token: token says again who asks, as user does',
    ]);
    const [problem] = problemsIn('webdav', { url: 'https://me:TOPSECRET@dav.example.com' });
    expect(problem).toContain('it has credentials in it');
    expect(problem).not.toContain('TOPSECRET');
  });
});

describe('a profile of type sftp', () => {
  it('goes by the known hosts of the user where it names no key of the host', () => {
    expect(storageOf('sftp', KEY)).toEqual({
      type: 'sftp',
      host: 'files.example.com',
      port: 22,
      user: 'me',
      path: '/srv/data',
      login: { kind: 'key', file: '/home/someone/.ssh/id', passphrase: undefined },
      hostKey: { kind: 'known-hosts', file: '/home/someone/.ssh/known_hosts' },
    });
    expect(storageOf('sftp', { ...KEY, host_key: FINGERPRINT })).toMatchObject({
      hostKey: { kind: 'fingerprints', fingerprints: [FINGERPRINT] },
    });
  });

  it('asks the agent where it has neither key nor password', () => {
    const login = { kind: 'agent', socket: '/run/agent' };
    expect(storageOf('sftp', SSH, { SSH_AUTH_SOCK: '/run/agent' })).toMatchObject({ login });
    expect(problemsIn('sftp', SSH)).toEqual([
      'user: user has no way to log in, and no agent runs (SSH_AUTH_SOCK is not set)',
    ]);
  });

  it.each([
    [{ ...KEY, password: 'p' }, 'password: password says again how to log in, as key_file does'],
    [{ ...SSH, password: 'p', passphrase: 'q' }, 'passphrase: passphrase has no key_file'],
    [{ ...KEY, host_key: 'md5:aa' }, 'host_key: host_key is not the fingerprint of a host key'],
    [{ ...KEY, host_key: [] }, 'host_key: host_key is not the fingerprint of a host key'],
    [
      { ...KEY, host_key: FINGERPRINT, known_hosts: '/k' },
      'known_hosts: known_hosts says again which host key is right, as host_key does',
    ],
    [{ ...KEY, host: 'me@host' }, 'host: host is not a host: it has more in it than a name or an address'],
    [{ ...KEY, port: 0 }, 'port: port must be a whole number from 1 to 65535'],
  ])('is refused as %o', (options, problem) => {
    expect(problemsIn('sftp', options)).toEqual([problem]);
  });
});

describe('what both have in common', () => {
  const profiles = {
    a: { storage_provider: { type: 'webdav', options: { url: 'http://h/x', user: 'me', password: 'TOPSECRET' } } },
    b: { storage_provider: { type: 'webdav', options: { url: 'http://h/x', token: 'TOPSECRET' } } },
    c: { storage_provider: { type: 'sftp', options: { ...SSH, password: 'TOPSECRET' } } },
    d: { storage_provider: { type: 'sftp', options: { ...KEY, passphrase: 'TOPSECRET' } } },
  };

  it('shows no secret', () => {
    const shown = renderConfiguration(configure(JSON.stringify({ profiles })));
    expect(shown).not.toContain('TOPSECRET');
    expect(shown.match(/\*\*\*/g)?.length).toBe(5);
  });

  it('has one place however it is written', () => {
    const place = (type: string, options: Record<string, unknown>): string => {
      const storage = storageOf(type, options);
      return storage === undefined ? '' : storePlace(storage);
    };
    expect(place('webdav', { url: 'http://127.0.0.1:8080/a b/' })).toBe('http://localhost:8080/a%20b/');
    expect(place('webdav', { url: 'https://dav.example.com//VO///data//' })).toBe('https://dav.example.com/VO/data/');
    expect(place('sftp', { ...KEY, base_path: '//srv//data//' })).toBe('sftp://files.example.com/srv/data/');
    expect(place('sftp', { ...KEY, base_path: '//' })).toBe('sftp://files.example.com/');
    expect(place('sftp', { ...KEY, host: 'Files.Example.COM', base_path: '/srv/data/' })).toBe(
      'sftp://files.example.com/srv/data/',
    );
    expect(place('sftp', { ...KEY, port: 2222, base_path: 'data' })).toBe('sftp://me@files.example.com:2222/./data/');
  });

  it('is no second copy of itself', () => {
    const { a, b } = profiles;
    const doubled = { profiles: { a: { ...a, replicas: [{ replica_profile: 'b', read_priority: 1 }] }, b } };
    expect(briefly(problemsOf(JSON.stringify(doubled))).join()).toContain('is no second copy');
  });
});
