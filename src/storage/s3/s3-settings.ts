import type { RetryPolicy } from '../../domain/transfer/retry.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

/** How to reach a bucket; the shape of the configuration's own settings (docs/configuration.md). */
export interface S3Settings {
  readonly bucket: string;
  /** '' or ends with '/'. */
  readonly prefix: string;
  readonly region: string;
  /** Undefined: Amazon's own for the region. */
  readonly endpointUrl: string | undefined;
  readonly pathStyle: boolean;
  readonly credentials: S3Credentials;
  /** Bytes. Up to it an object is held in memory and written by one PUT; above it, it goes up in parts. */
  readonly multipartThreshold: number;
  /** Bytes; S3 refuses parts below 5 MiB. */
  readonly partBytes: number;
}

export type S3Credentials =
  | {
      readonly kind: 'static';
      readonly accessKey: string;
      readonly secretKey: string;
      readonly sessionToken: string | undefined;
    }
  /** Environment, shared files (`profile`), web identity, instance roles. */
  | { readonly kind: 'chain'; readonly profile: string | undefined };

export interface S3StorageOptions {
  /** Shown in messages. */
  readonly name: string;
  /** Normalised URL of bucket and prefix at this endpoint. */
  readonly place: string;
  readonly settings: S3Settings;
  readonly clock: Clock;
  readonly random: Random;
  /** For requests only the adapter can repeat: those of `stage` and `publish`, whose bytes it holds. */
  readonly retry?: RetryPolicy;
  readonly timeouts?: Partial<S3Timeouts>;
  /** Requests at once, which the connections are sized for. */
  readonly concurrency?: number;
  /** Ask the server what it enforces at once, so that `capabilities` is exact from the start; otherwise before the first write. */
  readonly probe?: boolean;
}

export interface S3Timeouts {
  /** For a connection to be made. */
  readonly connectMs: number;
  /** Without progress of a request: nothing more of its body is taken, or no head of an answer comes. */
  readonly requestMs: number;
  /** Without one byte of a body, before it counts as hung. */
  readonly idleMs: number;
}

export const S3_TIMEOUTS: S3Timeouts = { connectMs: 5_000, requestMs: 30_000, idleMs: 30_000 };
export const S3_RETRY: RetryPolicy = { attemptsMax: 4, delayMs: 200 };
export const S3_CONCURRENCY = 32;

const MIB = 1024 * 1024;

/** S3's own limits of an upload in parts. */
export const PART_BYTES_MIN = 5 * MIB;
export const PART_BYTES_MAX = 5 * 1024 * MIB;
export const PART_COUNT_MAX = 10_000;

/** Parts of one object on their way at once: memory held by one `stage` is this many parts and one being filled. */
export const PARTS_IN_FLIGHT_MAX = 4;
