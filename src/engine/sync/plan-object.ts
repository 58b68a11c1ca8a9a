import type { Verification } from '../../domain/store/verification.ts';
import {
  type Comparison,
  type Difference,
  decideDifference,
  type ReplicaFact,
} from '../../domain/transfer/difference.ts';
import type { CopyItem, CopyMethod, CopyTarget } from '../../ports/copy-pool.ts';
import type { Listed, Storage } from '../../ports/storage.ts';
import type { KnownObject } from './known-cursor.ts';
import type { MergedObject } from './merge-listings.ts';

/** An item on its way to the pool, with what recording its outcome will need. */
export interface PlannedItem {
  readonly item: CopyItem;
  readonly source: Listed;
  readonly known: KnownObject | undefined;
  /** Targets that look right and need no copy, but the catalog has not been told. */
  readonly seen: readonly SeenTarget[];
  /** Of a second attempt: the item as it was first planned. */
  readonly first?: CopyItem;
}

export interface SeenTarget {
  readonly target: number;
  readonly token: string;
}

export interface ObjectPlan {
  /** Targets to be copied to or compared; empty when nothing is to be done. */
  readonly targets: readonly (CopyTarget & { readonly action: 'add' | 'update' | 'compare' })[];
  readonly seen: readonly SeenTarget[];
  /** Targets the catalog already says this of. */
  readonly unchanged: readonly number[];
}

export interface PlanContext {
  readonly comparison: Comparison;
  /** The weakest level of verification that will do, of what is there too; undefined: whatever it is. */
  readonly verify: Verification | undefined;
  readonly source: Storage;
  readonly targets: readonly Storage[];
  readonly isOut: (target: number) => boolean;
  /** The plan of an object that is as recorded everywhere, made once: it is nearly every object's. */
  readonly nothingToDo: ObjectPlan;
}

export function makeNothingToDo(targets: number): ObjectPlan {
  return { targets: [], seen: [], unchanged: Array.from({ length: targets }, (_, index) => index) };
}

/** What is to be done about one object of the source at each target. */
export function planObject(context: PlanContext, object: MergedObject & { readonly source: Listed }): ObjectPlan {
  const { source, known } = object;
  const current = known?.isTombstone === false ? known : undefined;
  const { comparison, verify } = context;
  if (comparison === 'version' && verify === undefined && isAllRecorded(context, object, current))
    return context.nothingToDo;
  const sourceReplica = replicaFact(current, 0);
  const targets: (CopyTarget & { action: 'add' | 'update' | 'compare' })[] = [];
  const seen: SeenTarget[] = [];
  const unchanged: number[] = [];
  for (const [index, storage] of context.targets.entries()) {
    if (context.isOut(index)) continue;
    const listed = object.targets[index];
    const targetReplica = replicaFact(current, index + 1);
    const difference = decideDifference({
      comparison,
      verify,
      source,
      target: listed,
      sourceReplica,
      targetReplica,
      isInDoubt: isInDoubt(current, 0, source.token) || isInDoubt(current, index + 1, listed?.token),
      isHashKnown: sourceReplica?.isVerified === true || targetReplica?.isVerified === true,
      sourceResolutionNs: context.source.capabilities.mtimeResolutionNs,
      targetResolutionNs: storage.capabilities.mtimeResolutionNs,
    });
    if (difference.kind !== 'unchanged')
      targets.push({ target: index, how: method(difference), expected: listed?.token, action: difference.kind });
    else if (difference.recorded) unchanged.push(index);
    else seen.push({ target: index, token: listed?.token as string });
  }
  return { targets, seen, unchanged };
}

/** The short way of `decideDifference` for what it would find unchanged at all targets. */
function isAllRecorded(
  { isOut }: PlanContext,
  { source, targets }: MergedObject & { readonly source: Listed },
  current: KnownObject | undefined,
): boolean {
  if (current === undefined || !current.holdsCurrent(0, source.token)) return false;
  for (let index = 0; index < targets.length; index++) {
    const listed = targets[index];
    if (isOut(index) || listed === undefined || listed.size !== source.size) return false;
    if (!current.holdsCurrent(index + 1, listed.token)) return false;
  }
  return true;
}

function method(difference: Exclude<Difference, { kind: 'unchanged' }>): CopyMethod {
  if (difference.kind !== 'compare') return 'copy';
  return difference.by === 'hash' ? 'compare-hash' : 'compare-time';
}

function replicaFact(known: KnownObject | undefined, store: number): ReplicaFact | undefined {
  const replica = known?.replica(store);
  if (replica === undefined) return undefined;
  const isServed = replica.state === 'AVAILABLE' || replica.state === 'UNVERIFIED';
  return {
    isCurrent: isServed && replica.versionId === known?.versionId,
    token: replica.token,
    isVerified: replica.state === 'AVAILABLE',
    verification: replica.verification,
  };
}

/** Under its recorded token, which is the listed one, the store may hold other bytes of the current version, or does. */
export function isInDoubt(known: KnownObject | undefined, store: number, listed: string | undefined): boolean {
  const replica = known?.replica(store);
  if (replica === undefined || replica.token !== listed || replica.versionId !== known?.versionId) return false;
  return replica.state === 'SUSPICIOUS' || replica.state === 'BAD';
}

/**
 * Whether the object at the source is one that was deleted through Pando and whose bytes still wait to go: it must not come
 * back by being listed (I5). Other bytes under the same name are a new object. Where the token is not known, because the source was moved,
 * only the delete can tell, which looks at the bytes.
 */
export function isAwaitingDelete({ source, known }: MergedObject): boolean {
  if (known?.isTombstone !== true || source === undefined) return false;
  const replica = known.replica(0);
  return replica?.state === 'BEING_DELETED' && (replica.token === source.token || !replica.hasToken);
}
