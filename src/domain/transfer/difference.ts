import { reachesVerification, type Verification } from '../store/verification.ts';

/**
 * What a sync does about one object at one target (docs/sync.md, "Comparison"). Pure: facts in, decision out.
 */
export type Comparison = 'version' | 'size-mtime' | 'checksum';

/** What a listing shows of an object. */
export interface ListedFact {
  readonly size: number;
  readonly token: string;
  readonly modifiedNs: bigint | undefined;
}

/** What the catalog knows of a replica: whether it is of the current version, and under which token. */
export interface ReplicaFact {
  readonly isCurrent: boolean;
  readonly token: string;
  /** `AVAILABLE`; otherwise it was only seen, never read. */
  readonly isVerified: boolean;
  /** How its bytes are known; asked for only where `verify` is. */
  readonly verification?: Verification | undefined;
}

export interface DifferenceFacts {
  readonly comparison: Comparison;
  /** The weakest level of verification that will do; undefined: a copy that looks right need not have been read. */
  readonly verify?: Verification | undefined;
  readonly source: ListedFact;
  readonly target: ListedFact | undefined;
  /** Of the current version; undefined where the catalog knows none, or only a tombstone. */
  readonly sourceReplica: ReplicaFact | undefined;
  readonly targetReplica: ReplicaFact | undefined;
  /** By the catalog's own word one side may hold other bytes than those recorded under its token. */
  readonly isInDoubt: boolean;
  /** The catalog has the current version's hash. */
  readonly isHashKnown: boolean;
  /** Resolution of modification times, nanoseconds; 0n: the store keeps none. */
  readonly sourceResolutionNs: bigint;
  readonly targetResolutionNs: bigint;
}

export type Difference =
  | { readonly kind: 'add' }
  | { readonly kind: 'update' }
  /** `recorded`: the catalog says so of these very tokens. Otherwise it is to be told. */
  | { readonly kind: 'unchanged'; readonly recorded: boolean }
  /** Only reading both, or asking the target, can tell. */
  | { readonly kind: 'compare'; readonly by: 'hash' | 'time' };

const ADD: Difference = { kind: 'add' };
const UPDATE: Difference = { kind: 'update' };
const RECORDED: Difference = { kind: 'unchanged', recorded: true };
const SEEN: Difference = { kind: 'unchanged', recorded: false };
const BY_HASH: Difference = { kind: 'compare', by: 'hash' };
const BY_TIME: Difference = { kind: 'compare', by: 'time' };

export function decideDifference(facts: DifferenceFacts): Difference {
  const { comparison, source, target, sourceReplica, targetReplica } = facts;
  if (target === undefined) return ADD;
  if (source.size !== target.size) return UPDATE;
  if (comparison === 'checksum') return BY_HASH;
  const sourceIsKnown = sourceReplica?.isCurrent === true && sourceReplica.token === source.token;
  const targetIsKnown = targetReplica?.isCurrent === true && targetReplica.token === target.token;
  if (comparison === 'version') {
    if (sourceIsKnown && targetIsKnown) return isKnownWell(facts) ? RECORDED : BY_HASH;
    // One side changed under a catalog that knows the bytes: a touched file is read once, a changed one is copied.
    if ((sourceIsKnown || targetIsKnown) && facts.isHashKnown) return BY_HASH;
    // The target holds an older version by the catalog's own word.
    if (sourceIsKnown && targetReplica?.isCurrent === false && targetReplica.token === target.token) return UPDATE;
  }
  // Size and time of what a machine had not written when it stopped look right, and its bytes may be zeros.
  if (facts.isInDoubt) return BY_HASH;
  const difference = decideByTime(facts, target);
  if (difference === UPDATE || facts.verify === undefined) return difference;
  return sourceIsKnown && targetIsKnown && isKnownWell(facts) ? difference : BY_HASH;
}

/** Whether the copy is known as well as is asked, of a source that was itself read. */
function isKnownWell({ verify, sourceReplica, targetReplica }: DifferenceFacts): boolean {
  if (verify === undefined) return true;
  if (sourceReplica?.isVerified !== true || targetReplica?.isVerified !== true) return false;
  return reachesVerification(targetReplica.verification ?? 'none', verify);
}

function decideByTime(
  { source, sourceResolutionNs, targetResolutionNs }: DifferenceFacts,
  target: ListedFact,
): Difference {
  if (targetResolutionNs === 0n || sourceResolutionNs === 0n) return BY_TIME;
  return sameModified(source.modifiedNs, target.modifiedNs, [sourceResolutionNs, targetResolutionNs]) ? SEEN : UPDATE;
}

/** Whether two times agree as far as the coarser of the two stores keeps them. Unknown times never agree. */
export function sameModified(
  a: bigint | undefined,
  b: bigint | undefined,
  resolutionsNs: readonly [bigint, bigint],
): boolean {
  if (a === undefined || b === undefined) return false;
  if (a === b) return true;
  const coarser = resolutionsNs[0] > resolutionsNs[1] ? resolutionsNs[0] : resolutionsNs[1];
  const difference = a > b ? a - b : b - a;
  return difference < coarser;
}
