/**
 * How well a replica's bytes are known to be the object's (docs/replicas.md, "Verified").
 *
 * - `none`: only seen in a listing; no good copy until its first full read.
 * - `written`: the hash of the bytes handed to the store equals the hash of the bytes read, and the store confirmed the length.
 * - `store`: the store itself checked, or returned, a digest.
 * - `read-back`: read again from the store, and equal.
 */
export type Verification = 'none' | 'written' | 'store' | 'read-back';

const RANK: Record<Verification, number> = { none: 0, written: 1, store: 2, 'read-back': 3 };

/** Whether a replica of this level is known as well as is asked. */
export function reachesVerification(level: Verification, asked: Verification): boolean {
  return RANK[level] >= RANK[asked];
}

/** The weaker of two levels: what may be said of a set of replicas is what holds for each of them. */
export function weakerVerification(a: Verification, b: Verification): Verification {
  return RANK[a] <= RANK[b] ? a : b;
}
