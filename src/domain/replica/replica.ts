import type { Verification } from '../store/verification.ts';

/**
 * The states of a replica (docs/replicas.md, "States").
 *
 * - `UNVERIFIED`: seen in a listing with the right size and time, never read in full; no good copy.
 * - `COPYING`: being written, under a lease; nothing of it is visible.
 * - `AVAILABLE`: durable at the store, verified (I2); or soft, see below.
 * - `TEMPORARY_UNAVAILABLE`, `UNAVAILABLE`: the store cannot give it now, or has not for long.
 * - `SUSPICIOUS`: the store holds, or may hold, other bytes than recorded; not served until looked at.
 * - `BAD`: read and found wrong, or gone.
 * - `BEING_DELETED`: a tombstone or a rule's end wants it gone; not served, tried until done.
 */
export type ReplicaState = (typeof REPLICA_STATES)[number];

/** In this order catalogs keep them as numbers: append only. */
export const REPLICA_STATES = [
  'UNVERIFIED',
  'COPYING',
  'AVAILABLE',
  'TEMPORARY_UNAVAILABLE',
  'UNAVAILABLE',
  'SUSPICIOUS',
  'BAD',
  'BEING_DELETED',
] as const;

/** One version of one object at one store. */
export interface Replica {
  /** The store's name in the catalog: its place. */
  readonly store: string;
  readonly versionId: number;
  readonly state: ReplicaState;
  /** Key under which these very bytes lie. */
  readonly place: string;
  /** The store's token when the bytes were verified or seen; undefined while `COPYING`. */
  readonly token: string | undefined;
  readonly verification: Verification;
  /**
   * `AVAILABLE` and not flushed yet (docs/versions.md, "Soft copies"): it serves, and counts for nothing else. After the machine
   * was started anew such a copy is told as `SUSPICIOUS`, until its bytes were read again.
   */
  readonly soft?: true;
}
