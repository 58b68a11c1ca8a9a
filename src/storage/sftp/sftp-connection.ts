import { readFileSync } from 'node:fs';
import type { Client, ConnectConfig } from 'ssh2';
import { findKnownHostKeys, fingerprintOf, type KnownHostKey, signaturesOf } from './host-keys.ts';
import { SftpFailure, toFailure } from './sftp-errors.ts';
import { SftpSession } from './sftp-session.ts';
import type { SftpSettings, SftpTimeouts } from './sftp-settings.ts';

/** A link that is dead without a word is noticed after this many silences of this length. */
const KEEPALIVE_MS = 10_000;
const SILENCES_MAX = 3;

/** The one way to a server: opened when it is first needed, and again after it was lost. */
export class SftpConnection {
  readonly #settings: SftpSettings;
  readonly #timeouts: SftpTimeouts;
  #opening: Promise<SftpSession> | undefined;
  #session: SftpSession | undefined;
  #client: Client | undefined;

  constructor(settings: SftpSettings, timeouts: SftpTimeouts) {
    this.#settings = settings;
    this.#timeouts = timeouts;
  }

  /** Where there is one: for what is not worth a new one. */
  get current(): SftpSession | undefined {
    return this.#session?.isOpen === true ? this.#session : undefined;
  }

  /** Rejects with an `SftpFailure`. */
  async session(): Promise<SftpSession> {
    if (this.current !== undefined) return this.current;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    this.#session = await this.#opening;
    return this.#session;
  }

  close(): void {
    this.#session?.end(new SftpFailure('unavailable', 'the store was closed'));
    this.#client?.end();
    this.#client = undefined;
  }

  async #open(): Promise<SftpSession> {
    const trust = readTrust(this.#settings);
    const login = readLogin(this.#settings);
    const { Client: SshClient } = await loadSsh();
    const client = new SshClient();
    this.#client = client;
    let refusedKey: string | undefined;
    return new Promise<SftpSession>((resolve, reject) => {
      let session: SftpSession | undefined;
      const lose = (failure: SftpFailure): void => {
        client.destroy();
        session?.end(failure);
        reject(failure);
      };
      client.on('ready', () => {
        // A request that waits for more to be sent with it costs 40 ms: both ends would wait for the other's acknowledgement.
        client.setNoDelay(true);
        client.sftp((error, sftp) => {
          if (error !== undefined) return lose(new SftpFailure('unsupported', 'the server offers no SFTP'));
          const { idleMs } = this.#timeouts;
          session = new SftpSession(sftp, { idleMs, giveUp: () => client.destroy() });
          sftp.on('close', () => lose(new SftpFailure('unavailable', 'the connection was closed')));
          resolve(session);
        });
      });
      // Servers that ask for the password in words of their own.
      client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
        answer(prompts.map(() => login.password ?? '')),
      );
      client.on('error', (error) =>
        lose(refusedKey === undefined ? toFailure(error) : new SftpFailure('denied', refusedKey)),
      );
      client.on('close', () => lose(new SftpFailure('unavailable', 'the connection was closed')));
      const config: ConnectConfig = {
        host: this.#settings.host,
        port: this.#settings.port,
        username: this.#settings.user,
        ...login,
        tryKeyboard: login.password !== undefined,
        hostVerifier: (key: Buffer) => {
          refusedKey = trust.judge(key);
          return refusedKey === undefined;
        },
        ...(trust.signatures.length === 0 ? {} : { algorithms: { serverHostKey: trust.signatures as never } }),
        readyTimeout: this.#timeouts.connectMs,
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: SILENCES_MAX,
      };
      try {
        client.connect(config);
      } catch (error) {
        // What ssh2 says of a key it cannot read has nothing of the key in it.
        lose(new SftpFailure('denied', (error as Error).message, { cause: error }));
      }
    });
  }
}

/** Optional: who uses no store of this type need not have it. */
async function loadSsh(): Promise<typeof import('ssh2')> {
  try {
    return (await import('ssh2')).default;
  } catch (error) {
    const why = 'stores of type sftp need the package ssh2: npm install ssh2';
    throw new SftpFailure('unsupported', why, { cause: error });
  }
}

function readLogin({ login }: SftpSettings): Pick<ConnectConfig, 'password' | 'privateKey' | 'passphrase' | 'agent'> {
  switch (login.kind) {
    case 'password':
      return { password: login.password };
    case 'agent':
      return { agent: login.socket };
    case 'key': {
      const privateKey = readOwn(login.file, 'the key file');
      return { privateKey, ...(login.passphrase === undefined ? {} : { passphrase: login.passphrase }) };
    }
  }
}

function readOwn(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SftpFailure('denied', `${what} ${file} cannot be read: ${code}`, { cause: error });
  }
}

interface Trust {
  /** Kinds of keys the server is asked for; none: any. */
  readonly signatures: readonly string[];
  /** Why a key is refused; undefined: it is the server's. */
  judge(key: Buffer): string | undefined;
}

function readTrust({ host, port, hostKey }: SftpSettings): Trust {
  if (hostKey.kind === 'fingerprints') {
    const { fingerprints } = hostKey;
    const judge = (key: Buffer) => {
      const shown = fingerprintOf(key);
      return fingerprints.includes(shown)
        ? undefined
        : `the server shows the host key ${shown}, which host_key does not name`;
    };
    return { signatures: [], judge };
  }
  const { file } = hostKey;
  const keys = findKnownHostKeys(readOwn(file, 'the file of known hosts'), host, port);
  return { signatures: signaturesOf(keys), judge: (key) => judgeByKnownHosts(key, keys, file) };
}

function judgeByKnownHosts(key: Buffer, keys: readonly KnownHostKey[], file: string): string | undefined {
  const found = keys.filter((known) => known.key === key.toString('base64'));
  const shown = fingerprintOf(key);
  if (found.some(({ isRevoked }) => isRevoked)) return `the server shows the host key ${shown}, which ${file} revokes`;
  if (found.length > 0) return undefined;
  return keys.length === 0
    ? `${file} has no key of this host; it shows ${shown}: compare that with the server's own, and name it as host_key`
    : `the server shows the host key ${shown}, which is not the one in ${file}`;
}
