import { type CopyFacts, isGoodCopy } from './good-copy.ts';
import { type HopeFacts, mayBeGood } from './lost.ts';

/** A replica at the store that no rule seems to claim. */
export interface ReleasedReplica extends CopyFacts, HopeFacts {
  readonly objectId: number;
  readonly versionId: number;
  readonly bytes: number;
  /** Last read, or made. */
  readonly lastUsedMs: number;
  /** Rules that claim it by now: one may have come since it was released. */
  readonly locks: number;
  /** The rule that released it asked for its delete at once. */
  readonly purge: boolean;
  /** A request reads from it, or is planned to. */
  readonly isSourceInUse: boolean;
  /** It is where its object is authoritative, and a policy counts the copies besides it. */
  readonly isCountedBesides: boolean;
  /** Good copies of its object here and at all other stores, this one too if it is good; and copies under a peer's hold. */
  readonly goodOrHeldCopies: number;
}

export interface StoreSpace {
  /** Undefined: the store does not tell. */
  readonly freeBytes: number | undefined;
  /** The least it should have free; undefined: no such wish. */
  readonly minFreeBytes: number | undefined;
  /** Bytes of replicas `BEING_DELETED`: as good as free, or each run would choose anew for what the last one chose. */
  readonly leavingBytes: number;
  /** Deletes what is released at once, whatever the space. */
  readonly greedy: boolean;
}

export interface DeletionChoice<Released extends ReleasedReplica> {
  /** In the order in which they go. */
  readonly chosen: readonly { readonly replica: Released; readonly why: string }[];
  /** `isHeld`: it would go, were it not for that. */
  readonly kept: readonly { readonly replica: Released; readonly why: string; readonly isHeld: boolean }[];
  /** What the store is short of after all of this. */
  readonly shortBytes: number;
}

/**
 * Which released replicas of one store go now (docs/states.md, "Deletion"): those to be purged, then, while space is short, those
 * used longest ago. The last good copy stays (I7). Pure over one reading of the catalog: just before the store is asked, the
 * caller counts again under the object's lock and asks `reasonToKeep`.
 */
export function chooseDeletions<Released extends ReleasedReplica>(
  released: readonly Released[],
  space: StoreSpace,
): DeletionChoice<Released> {
  const chosen: { replica: Released; why: string }[] = [];
  const kept: { replica: Released; why: string; isHeld: boolean }[] = [];
  const goodChosen = new Map<number, number>();
  let shortBytes = findShortBytes(space);
  for (const replica of released.toSorted(inOrderOfGoing)) {
    const { objectId, goodOrHeldCopies } = replica;
    const before = goodChosen.get(objectId) ?? 0;
    const keep = reasonToKeep({ ...replica, goodOrHeldCopies: goodOrHeldCopies - before });
    const go = reasonToGo(replica, space, shortBytes);
    if (keep !== undefined || go === undefined) {
      kept.push({ replica, why: keep ?? explainSpace(space), isHeld: go !== undefined });
      continue;
    }
    if (isGoodCopy(replica)) goodChosen.set(objectId, before + 1);
    shortBytes = Math.max(0, shortBytes - replica.bytes);
    chosen.push({ replica, why: go });
  }
  return { chosen, kept, shortBytes };
}

/** Why a replica may not go, whatever the space; undefined: it may. */
export function reasonToKeep(replica: ReleasedReplica): string | undefined {
  if (replica.locks > 0) return 'a rule claims it';
  if (replica.state === 'BEING_DELETED') return 'it is being deleted already';
  if (replica.state === 'COPYING') return 'it is still being written';
  if (replica.isSourceInUse) return 'a request reads from it';
  // As long as it keeps the authority: in doubt, or while its store is away, it is still the one that is counted besides.
  if (replica.isCountedBesides && mayBeGood(replica))
    return 'it is the authoritative copy, and a policy counts besides it';
  const remaining = replica.goodOrHeldCopies - (isGoodCopy(replica) ? 1 : 0);
  if (remaining >= 1) return undefined;
  return isGoodCopy(replica) ? 'it is the last good copy' : 'there is no good copy of the object';
}

function reasonToGo(replica: ReleasedReplica, space: StoreSpace, shortBytes: number): string | undefined {
  if (replica.purge) return 'it is to go as soon as nobody claims it';
  if (space.greedy) return 'its store keeps nothing that is released';
  return shortBytes > 0 ? 'its store is short of space, and it was used longest ago' : undefined;
}

function findShortBytes({ freeBytes, minFreeBytes, leavingBytes }: StoreSpace): number {
  if (freeBytes === undefined || minFreeBytes === undefined) return 0;
  return Math.max(0, minFreeBytes - freeBytes - leavingBytes);
}

function explainSpace({ freeBytes, minFreeBytes }: StoreSpace): string {
  if (minFreeBytes === undefined) return 'its store has no least free space to keep';
  return freeBytes === undefined ? 'the free space of its store is not known' : 'its store has space enough';
}

function inOrderOfGoing(a: ReleasedReplica, b: ReleasedReplica): number {
  return (
    Number(b.purge) - Number(a.purge) ||
    a.lastUsedMs - b.lastUsedMs ||
    a.objectId - b.objectId ||
    a.versionId - b.versionId
  );
}
