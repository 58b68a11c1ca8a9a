import type { ConflictPolicies } from '../domain/journal/conflict-policy.ts';
import type { Protocol } from '../domain/store/protocol.ts';
import type { ActivityShare } from '../domain/transfer/transfer-limits.ts';
import type { StoreTraits } from '../domain/store/store-traits.ts';

/**
 * A configuration after it was read, expanded and found right (docs/configuration.md). Plain data: it crosses to worker
 * processes. Durations in milliseconds, sizes in bytes, rates in bytes per second.
 */
export interface Configuration {
  /** The file it came from; undefined: nothing was found, only implicit profiles exist. */
  readonly file: string | undefined;
  readonly catalog: CatalogSettings;
  /** Where this machine stands: stores of the same site are near. */
  readonly site?: string | undefined;
  /** Accounts that may do what not everybody may, besides the operating system's own administrator (docs/rules.md, "Who may"). */
  readonly administrators?: readonly string[];
  /** Undefined: it is on nowhere (docs/policies.md, "The default policy"). */
  readonly defaultPolicy?: DefaultPolicySettings | undefined;
  /** How transfers are divided among activities; undefined: by priority alone (docs/transfers.md, "Shares"). */
  readonly activities?: readonly ActivityShare[];
  /** Absent: none. */
  readonly transferTools?: readonly TransferToolSettings[];
  readonly profiles: Readonly<Record<string, Profile>>;
  /** As the file says; absent: it says nothing of a server. */
  readonly server?: ServerSettings;
  /** Absent: the file says nothing of other sites. */
  readonly replication?: ReplicationSettings;
}

/** How a server listens, and where it keeps objects (docs/server.md). */
export interface ServerSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Absolute; undefined: beside the embedded catalog. */
  readonly storagePath: string | undefined;
  /** Undefined: its disk is the limit. */
  readonly storageBytes: number | undefined;
  /** A profile that takes objects in place of `storagePath`. */
  readonly defaultStore: string | undefined;
  /** Files, PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly uploadsMax: number;
}

/** How this site follows others, and others follow it. */
export interface ReplicationSettings {
  /** False: nothing is sent; what comes is taken. */
  readonly enabled: boolean;
  readonly mode: 'async' | 'sync';
  readonly remoteUrl: string | undefined;
  readonly remoteToken: string | undefined;
  readonly batchSize: number;
  readonly batchIntervalMs: number;
  readonly retryAttempts: number;
  readonly retryDelayMs: number;
  /** How many peers of mode sync a write waits for; undefined: for all. */
  readonly syncCopies: number | undefined;
  readonly syncTimeoutMs: number;
  /** What waits for one peer takes no more of the catalog; undefined: 10 GiB, or a tenth of its disk where that is less. */
  readonly backlogBytesMax: number | undefined;
  /** A peer that is away for longer is told of. */
  readonly peerAlarmMs: number;
  /** So long bytes are kept that a peer replaced. */
  readonly undoMs: number;
  /** What another site was to tell a peer is looked for there after so long. */
  readonly forwardAfterMs: number;
  readonly peers: readonly PeerSettings[];
  /** Peers that may send to this site. */
  readonly accept: readonly { readonly id: string; readonly token: string }[];
  /** By scope; `*` is of all others. */
  readonly conflicts: ConflictPolicies;
}

export interface PeerSettings {
  readonly id: string;
  readonly url: string;
  readonly token: string | undefined;
  /** Undefined: all. */
  readonly scopes: readonly string[] | undefined;
  readonly mode: 'async' | 'sync';
  readonly direction: 'both' | 'send' | 'receive';
}

export interface DefaultPolicySettings {
  /** In which it is on; `*` is all. */
  readonly scopes: readonly string[];
  readonly maxBytes: number;
}

/** A service that moves bytes in place of the workers (docs/transfers.md, "Configuration"). */
export interface TransferToolSettings {
  readonly name: string;
  readonly type: 'fts3';
  readonly endpoint: string;
  /** `file`: read before each request, so that it may be renewed. */
  readonly token:
    | { readonly kind: 'none' }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'file'; readonly path: string };
  /** The virtual organisation whose jobs these are. */
  readonly vo: string;
  /** Store expressions. */
  readonly from: string;
  readonly to: string;
  /** Undefined: all. */
  readonly activities: readonly string[] | undefined;
  /** Of URLs it can use. */
  readonly schemes: readonly string[];
  readonly pollMs: number;
  readonly batchMax: number;
  readonly deadlineMs: number;
}

export type CatalogSettings =
  | {
      readonly kind: 'sqlite';
      readonly path: string;
      /** In the caller's thread, which stands still while the catalog works: for what asks it little, and ends. */
      readonly sharesThread?: boolean;
    }
  | { readonly kind: 'postgres'; readonly url: string };

export interface Profile {
  readonly name: string;
  /** How messages call its store; by default as the profile is called. */
  readonly title?: string;
  readonly storage: StorageSettings;
  /** By read priority, ties in the order listed. */
  readonly replicas: readonly { readonly profile: string; readonly readPriority: number }[];
  readonly consistency: 'validated' | 'current' | 'any';
  /** `external`: others write to the source behind Pando's back; reads ask it first. */
  readonly sourceChanges: 'internal' | 'external';
  /** `relaxed`: copies are soft until a later flush; they serve and do not count. */
  readonly durability: 'strict' | 'relaxed';
  /** How long one attempt of a read or request may take before it counts as hung. */
  readonly deadlineMs: number;
  readonly retry: { readonly attemptsMax: number; readonly delayMs: number };
  /** Requests to the store at once; undefined: the adapter's own default. */
  readonly concurrency: number | undefined;
  readonly bandwidth: number | undefined;
  /** Bytes per second of what is copied to it from other stores, by their names. */
  readonly bandwidthFrom: Readonly<Record<string, number>>;
  readonly traits: StoreTraits;
  /** What its own protocol is for. */
  readonly domains: Protocol['domains'];
  /** Other ways to the same bytes. */
  readonly protocols: readonly ProfileProtocol[];
  /** Of the store, besides those of Pando. */
  readonly administrators?: readonly string[];
  /** As said; undefined: `plain` for a profile that mirrors or is mirrored, `hash` for others. */
  readonly pathAlgorithm: string | undefined;
}

export interface ProfileProtocol extends Protocol {
  readonly storage: StorageSettings;
}

export type StorageSettings =
  | { readonly type: 'file'; readonly basePath: string }
  | {
      readonly type: 's3';
      readonly bucket: string;
      /** '' or ends with '/'. */
      readonly prefix: string;
      readonly region: string;
      readonly endpointUrl: string | undefined;
      readonly pathStyle: boolean;
      readonly credentials: S3Credentials;
      /** Bytes; above it an object goes up in parts of `partBytes`. */
      readonly multipartThreshold: number;
      readonly partBytes: number;
    }
  | {
      readonly type: 'webdav';
      /** Ends with '/'; without credentials. */
      readonly url: string;
      readonly login: WebdavLogin;
      readonly flushes: boolean;
    }
  | {
      readonly type: 'sftp';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      /** Absolute, or relative to where the server puts the user; without a slash at its end. */
      readonly path: string;
      readonly login: SftpLogin;
      readonly hostKey: TrustedHostKey;
    }
  | { readonly type: 'memory'; readonly name: string };

export type WebdavLogin =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

export type SftpLogin =
  | { readonly kind: 'key'; readonly file: string; readonly passphrase: string | undefined }
  | { readonly kind: 'password'; readonly password: string }
  /** Path of its socket. */
  | { readonly kind: 'agent'; readonly socket: string };

export type TrustedHostKey =
  | { readonly kind: 'fingerprints'; readonly fingerprints: readonly string[] }
  | { readonly kind: 'known-hosts'; readonly file: string };

export type S3Credentials =
  | {
      readonly kind: 'static';
      readonly accessKey: string;
      readonly secretKey: string;
      readonly sessionToken: string | undefined;
    }
  /** Environment, shared files (`profile`), web identity, instance roles: the AWS SDK's own chain. */
  | { readonly kind: 'chain'; readonly profile: string | undefined };
