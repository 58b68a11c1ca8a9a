import type { Clock } from '../../ports/clock.ts';

/** How to reach a directory over SFTP; the shape of the configuration's own settings (docs/configuration.md). */
export interface SftpSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absolute, or relative to the directory the server gives to the user; without a slash at its end. */
  readonly path: string;
  readonly login: SftpLogin;
  readonly hostKey: TrustedHostKey;
}

export type SftpLogin =
  | { readonly kind: 'key'; readonly file: string; readonly passphrase: string | undefined }
  | { readonly kind: 'password'; readonly password: string }
  /** Path of the agent's socket. */
  | { readonly kind: 'agent'; readonly socket: string };

/** What the server must prove to be. Nothing else is ever taken, and nothing is learnt. */
export type TrustedHostKey =
  /** `SHA256:…`, as `ssh-keygen -l` writes it. */
  | { readonly kind: 'fingerprints'; readonly fingerprints: readonly string[] }
  /** A file as OpenSSH keeps it. */
  | { readonly kind: 'known-hosts'; readonly file: string };

export interface SftpStorageOptions {
  /** Shown in messages. */
  readonly name: string;
  /** Normalised URL of the directory. */
  readonly place: string;
  readonly settings: SftpSettings;
  readonly clock: Clock;
  /** `relaxed`: nothing is flushed, so replicas are soft. */
  readonly durability?: 'strict' | 'relaxed';
  readonly timeouts?: Partial<SftpTimeouts>;
}

export interface SftpTimeouts {
  /** For a connection to be made, the host key proven and the user logged in. */
  readonly connectMs: number;
  /** Without any answer while requests wait for one, before the connection counts as hung and is given up. */
  readonly idleMs: number;
}

export const SFTP_TIMEOUTS: SftpTimeouts = { connectMs: 15_000, idleMs: 30_000 };
