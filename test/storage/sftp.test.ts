import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Storage } from '../../src/ports/storage.ts';
import { openSftpStorage, type SftpSettings } from '../../src/storage/sftp/sftp-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import {
  expectKind,
  inChunks,
  listAll,
  patternBytes,
  putObject,
  readBody,
  readObject,
} from '../../src/testing/storage-contract/harness.ts';
import { startSshd } from '../servers/sshd.ts';
import { startStallingProxy } from '../servers/stalling-proxy.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pando-sftp-'));
const trace = join(scratch, 'calls');
const sshd = await startSshd({ trace });
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

const OTHER_FINGERPRINT = `SHA256:${'A'.repeat(43)}`;

function open(settings: SftpSettings, other: { idleMs?: number; durability?: 'strict' | 'relaxed' } = {}): Storage {
  const { idleMs = 30_000, durability = 'strict' } = other;
  const timeouts = { idleMs };
  return openSftpStorage({ name: 'far', place: 'sftp://far/', settings, clock: systemClock, durability, timeouts });
}

describe('the key of an SFTP server', () => {
  it.each([
    ['that no known_hosts file has', () => ({ kind: 'known-hosts', file: '/dev/null' }) as const],
    ['other than the fingerprint', () => ({ kind: 'fingerprints', fingerprints: [OTHER_FINGERPRINT] }) as const],
    [
      'other than the known one',
      () => {
        const file = join(scratch, 'other_hosts');
        const [, type, key] = readFileSync(`${sshd.strangeKeyFile}.pub`, 'utf8').match(/^(\S+) (\S+)/) ?? [];
        writeFileSync(file, `[127.0.0.1]:${sshd.port} ${type} ${key}\n`);
        return { kind: 'known-hosts', file } as const;
      },
    ],
    [
      'that was revoked',
      () => {
        const file = join(scratch, 'revoked_hosts');
        const lines = readFileSync(sshd.knownHosts, 'utf8')
          .split('\n')
          .filter((line) => line.includes('ed25519'));
        writeFileSync(file, `${lines.join('\n')}\n@revoked ${lines[0]}\n`);
        return { kind: 'known-hosts', file } as const;
      },
    ],
  ])('%s is refused, and shown', async (_, hostKey) => {
    await using storage = open(sshd.settings(sshd.makeRoot(), { hostKey: hostKey() }));
    const error = await expectKind(storage.head('a'), 'denied');
    expect(error.message).toContain(sshd.fingerprint);
  });

  it('is found in a known_hosts file with hashed names', async () => {
    expect(readFileSync(sshd.knownHosts, 'utf8')).toMatch(/^\|1\|/);
    const hostKey = { kind: 'known-hosts', file: sshd.knownHosts } as const;
    await using storage = open(sshd.settings(sshd.makeRoot(), { hostKey }));
    await expectKind(storage.head('a'), 'not-found');
  });
});

describe('logging in to an SFTP server', () => {
  it('tells no password that is refused', async () => {
    const login = { kind: 'password', password: 'not-the-password' } as const;
    await using storage = open(sshd.settings(sshd.makeRoot(), { login }));
    const error = await expectKind(storage.head('a'), 'denied');
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('not-the-password');
  });

  it('names the key file that cannot be read', async () => {
    const login = { kind: 'key', file: '/there/is/none', passphrase: undefined } as const;
    await using storage = open(sshd.settings(sshd.makeRoot(), { login }));
    expect((await expectKind(storage.head('a'), 'denied')).message).toContain('/there/is/none');
  });
});

describe('the way to an SFTP server', () => {
  it('is opened again when it broke, and what was under way is unavailable', async () => {
    await using proxy = await startStallingProxy(sshd);
    await using storage = open({ ...sshd.settings(sshd.makeRoot()), port: proxy.port });
    const bytes = patternBytes(4 * 1024 * 1024);
    await putObject(storage, 'a', bytes);
    const got = await storage.get('a');
    proxy.cut();
    await expectKind(readBody(got), 'unavailable');
    expect((await readObject(storage, 'a')).equals(bytes)).toBe(true);
  });

  it('that stands still is given up', async () => {
    await using proxy = await startStallingProxy(sshd);
    await using storage = open({ ...sshd.settings(sshd.makeRoot()), port: proxy.port }, { idleMs: 2000 });
    await putObject(storage, 'a', patternBytes(10));
    proxy.stall();
    const calls = [storage.head('a'), storage.get('a'), listAll(storage, ''), putObject(storage, 'b', patternBytes(9))];
    for (const call of await Promise.allSettled(calls))
      expect(call).toMatchObject({ status: 'rejected', reason: { kind: 'timeout' } });
  });
});

describe('a directory on an SFTP server', () => {
  it('lists names that are not UTF-8 as failures, and one that only looks so as it is', async () => {
    const root = sshd.makeRoot();
    const bad = Buffer.concat([Buffer.from(`${root}/dir/bad-`), Buffer.from([0xff])]);
    mkdirSync(join(root, 'dir'));
    writeFileSync(bad, 'x');
    writeFileSync(join(root, 'dir/good-\ufffd'), 'x');
    await using storage = open(sshd.settings(root));
    const listed = await listAll(storage, '');
    expect(listed.keys).toEqual(['dir/good-\ufffd']);
    expect(listed.failures).toMatchObject([{ kind: 'not-utf8', protects: 'dir/' }]);
  });

  it('follows no symbolic link, to a file or on the way to one', async () => {
    const [root, outside] = [sshd.makeRoot(), sshd.makeRoot()];
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(join(outside, 'secret'), join(root, 'link'));
    symlinkSync(outside, join(root, 'dir'));
    await using storage = open(sshd.settings(root));
    const { keys, failures } = await listAll(storage, '');
    expect(keys).toEqual([]);
    expect(failures.map(({ kind, protects }) => [kind, protects])).toEqual([
      ['symlink', 'dir/'],
      ['symlink', 'link/'],
    ]);
    for (const key of ['link', 'dir/secret']) {
      await expectKind(storage.get(key), 'denied');
      await expectKind(storage.head(key), 'denied');
      await expectKind(storage.delete(key), 'denied');
    }
    await expectKind(putObject(storage, 'dir/new', patternBytes(3)), 'denied');
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('gives what replaces a file of the same size and second another token', async () => {
    await using storage = open(sshd.settings(sshd.makeRoot()));
    const attributes = { modifiedNs: 1_700_000_000_000_000_000n };
    const tokens = new Set<string>();
    for (const seed of [1, 2]) tokens.add((await putObject(storage, 'a', patternBytes(9, seed), { attributes })).token);
    expect(tokens.size).toBe(2);
    expect(tokens).toContain((await storage.head('a')).token);
  });

  it('says nothing of a mark whose file something else replaced', async () => {
    const root = sshd.makeRoot();
    await using storage = open(sshd.settings(root));
    await putObject(storage, 'a', patternBytes(9));
    writeFileSync(join(root, 'a'), 'other');
    expect((await storage.head('a')).mark).toBeUndefined();
  });

  it('has the bytes flushed before they get their name, and the name after', async () => {
    const root = sshd.makeRoot();
    await using storage = open(sshd.settings(root));
    const from = callsOf(root).length;
    await putObject(storage, 'a', inChunks(patternBytes(100_000)), { ifAbsent: true });
    await putObject(storage, 'a', patternBytes(10));
    const calls = callsOf(root).slice(from);
    const expected = [
      /^fsync\(.*staging/,
      /^link.*staging.*\/a"/,
      /^fsync\(/,
      /^fsync\(.*staging/,
      /^rename\(.*\/a"/,
      /^fsync\(/,
    ];
    let at = 0;
    for (const call of calls) if (expected[at]?.test(call)) at++;
    expect(calls, `step ${at} did not come`).toSatisfy(() => at === expected.length);
  });

  it('with durability relaxed flushes nothing, says that it is soft, and flushes every file when all of it is to be', async () => {
    const root = sshd.makeRoot();
    await using storage = open(sshd.settings(root), { durability: 'relaxed' });
    expect(storage.capabilities.soft).toBe(true);
    await putObject(storage, 'dir/a', patternBytes(10));
    const isFlush = (call: string): boolean => call.startsWith('fsync(');
    expect(callsOf(root).filter(isFlush)).toEqual([]);
    await storage.flushAll();
    const flushed = callsOf(root).filter(isFlush).join('\n');
    for (const path of [`${root}/dir/a`, `${root}/dir`, root]) expect(flushed).toContain(`<${path}>`);
  });
});

/** The system calls about a store so far, without the process that made them. */
function callsOf(root: string): string[] {
  return readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes(root))
    .map((line) => line.replace(/^\d+\s+/, ''));
}
