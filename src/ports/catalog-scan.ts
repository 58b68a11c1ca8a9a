import type { ReplicaState } from '../domain/replica/replica.ts';
import type { Verification } from '../domain/store/verification.ts';

export interface ScanQuery {
  readonly scope: string;
  readonly prefix: string;
  readonly after?: string;
  readonly limit: number;
  /**
   * Only replicas at these stores are told, in this order, and only those that lie under their objects' names: what rules and uploads
   * have placed elsewhere in a store is not what a listing of the names shows.
   */
  readonly stores: readonly string[];
  /** Tombstones too. */
  readonly deleted: boolean;
  /** Sizes and hashes too, which costs a look at each version. */
  readonly details: boolean;
  /** The replicas' levels of verification too. */
  readonly levels?: boolean;
}

/** Column-wise, because millions of rows cross a thread. All columns but those not asked for have the length of `names`. */
export interface ScanPage {
  readonly names: readonly string[];
  readonly versionIds: readonly number[];
  readonly tombstones: readonly boolean[];
  /** Empty unless `details` were asked for. */
  readonly sizes: readonly number[];
  /** Empty unless `details` were asked for. */
  readonly sha256s: readonly (string | null)[];
  /** Per store asked for: of the *newest* version that store holds. */
  readonly replicas: readonly ScanReplicas[];
  readonly next: string | undefined;
}

export interface ScanReplicas {
  readonly versionIds: readonly (number | null)[];
  readonly tokens: readonly (string | null)[];
  readonly states: readonly (ReplicaState | null)[];
  /** Only where `levels` were asked for. */
  readonly verifications?: readonly (Verification | null)[];
}

/** A page of listings that are alike, as text: names in byte order, and under which token each store lists them, joined by NUL. */
export interface RecordedQuery {
  readonly scope: string;
  readonly prefix: string;
  readonly after?: string;
  readonly stores: readonly string[];
  readonly names: string;
  /** By store. */
  readonly tokens: readonly string[];
}
