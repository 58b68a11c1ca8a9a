import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

/** How to reach a collection over WebDAV; the shape of the configuration's own settings (docs/configuration.md). */
export interface WebdavSettings {
  /** http or https, ends with '/', without credentials. */
  readonly url: string;
  readonly login: WebdavLogin;
  /** The server is known to answer a write only when its bytes are durable; otherwise copies are soft. */
  readonly flushes: boolean;
}

export type WebdavLogin =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

export interface WebdavStorageOptions {
  /** Shown in messages. */
  readonly name: string;
  /** Normalised URL of the collection. */
  readonly place: string;
  readonly settings: WebdavSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeouts?: Partial<WebdavTimeouts>;
  /** Bytes up to which an object is held in memory and written by one PUT; above it, it is staged in the store. */
  readonly smallBytesMax?: number;
}

export interface WebdavTimeouts {
  /** For a connection to be made. */
  readonly connectMs: number;
  /** Without progress: nothing more of a body is taken, no head of an answer, or no byte of its body comes. */
  readonly idleMs: number;
}

export const WEBDAV_TIMEOUTS: WebdavTimeouts = { connectMs: 5_000, idleMs: 30_000 };
/** With 16 transfers a quarter of a gibibyte is held, as for objects that go to S3 in one PUT. */
export const SMALL_BYTES_MAX = 16 * 1024 * 1024;
export const WEBDAV_CONCURRENCY = 32;
/** Of requests whose bytes the adapter holds, and that may be sent twice. */
export const WEBDAV_RETRY = { attemptsMax: 4, delayMs: 200 } as const;
