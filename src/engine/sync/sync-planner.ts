import type { Change, ReplicaChange } from '../../ports/catalog.ts';
import type { Listed, ListingText, Storage } from '../../ports/storage.ts';
import type { OperationIds } from '../operation-ids.ts';
import type { Unmatched } from './delete-unmatched.ts';
import type { KnownObject } from './known-cursor.ts';
import type { MergedObject } from './merge-listings.ts';
import type { NameClashes } from './name-clashes.ts';
import {
  isAwaitingDelete,
  isInDoubt,
  makeNothingToDo,
  type ObjectPlan,
  type PlanContext,
  type PlannedItem,
  planObject,
} from './plan-object.ts';
import { recordSeen } from './record-copies.ts';
import { StoresInside } from './stores-inside.ts';
import type { PlannedAction, SyncOptions, SyncTarget } from './sync-types.ts';
import type { Tally } from './tally.ts';

export interface SyncPlannerOptions {
  readonly scope: string;
  readonly source: Storage;
  readonly targets: readonly SyncTarget[];
  /** Places: the source's, then the targets'. */
  readonly stores: readonly string[];
  readonly options: SyncOptions;
  readonly tally: Tally;
  readonly operationIds: OperationIds;
  /** The listings began then, in milliseconds since 1970. */
  readonly listedAfterMs: number;
  readonly onAction: (action: PlannedAction) => void;
  /** Undefined in a dry run: what would be copied is only counted. */
  readonly copy: ((planned: PlannedItem) => void) | undefined;
  /** Of a dry run: what it foresees that a run finds out. */
  readonly clashes: NameClashes | undefined;
  /** Whether it may be at the source although the listing did not show it: then it is not deleted. */
  readonly isProtected: (key: string) => boolean;
}

/** What a run is about to delete, but for what is held back. */
export interface UnmatchedCounts {
  /** Objects to be deleted anywhere, or only to be forgotten; also those there was no room for. */
  all: number;
  /** Of these: those that the catalog knows, and has not deleted yet. */
  known: number;
  /** Known ones that are held back. */
  knownKept: number;
  readonly atTargets: number[];
}

/** What the catalog is to be told that needs no copy. */
export interface Observations {
  readonly changes: Change[];
  readonly replicas: ReplicaChange[];
  /** Where no target takes part: what the source holds otherwise than the catalog says. Only its bytes tell what it is. */
  readonly other: string[];
  /** Replicas the source no longer shows; told only if nothing hid them. */
  readonly gone: ReplicaChange[];
}

/** Unmatched objects kept in memory; with more, the listings are joined again from where the last one stood. */
const UNMATCHED_MAX = 100_000;

type ListedObject = MergedObject & { readonly source: Listed };

/** Decides, object by object in the order of names, what is to be done, and collects it. */
export class SyncPlanner {
  readonly #o: SyncPlannerOptions;
  readonly #context: PlanContext;
  /** Of other stores, among what is unmatched. */
  readonly inside: StoresInside;
  #observed: Observations = { changes: [], replicas: [], other: [], gone: [] };
  #unmatched: Unmatched[] = [];
  #unmatchedLeft = false;
  /** What is visited after that was visited before, and left for want of room. */
  #isTaken = false;
  readonly #counts: UnmatchedCounts;

  constructor(options: SyncPlannerOptions) {
    this.#o = options;
    this.inside = new StoresInside(options.targets);
    this.#counts = { all: 0, known: 0, knownKept: 0, atTargets: options.targets.map(() => 0) };
    this.#context = {
      comparison: options.options.comparison,
      verify: options.options.verify,
      source: options.source,
      targets: options.targets.map(({ storage }) => storage),
      isOut: (target) => options.tally.isOut(target),
      nothingToDo: makeNothingToDo(options.targets.length),
    };
  }

  visit(object: MergedObject): void {
    const plan = this.#plan(object);
    this.#o.clashes?.note(object, plan === undefined ? NOWHERE : addedBy(plan));
  }

  #plan(object: MergedObject): ObjectPlan | undefined {
    const { tally, options } = this.#o;
    const verdict = options.filter.judge(object.key);
    if (object.source === undefined) {
      if (verdict === 'included') this.visitUnmatched(object);
      return undefined;
    }
    if (verdict !== 'included') {
      tally.source[verdict]++;
      return undefined;
    }
    if (!options.filter.admits(object.source)) {
      tally.source.excluded++;
      return undefined;
    }
    return isAwaitingDelete(object) ? undefined : this.#visitListed(object as ListedObject);
  }

  /** Whether a page that is recorded as it is listed needs no look at each of its objects. */
  get canVisitPages(): boolean {
    const { options, targets, clashes } = this.#o;
    if (targets.length === 0 || clashes !== undefined || options.verify !== undefined) return false;
    return options.comparison === 'version' && options.filter.admitsAll;
  }

  /** A whole page of what is as recorded everywhere. */
  visitRecorded({ sizes }: ListingText): void {
    const { tally, targets } = this.#o;
    const objects = sizes.length;
    tally.source.objects += objects;
    tally.source.bytes += sizes.reduce((sum, size) => sum + size, 0);
    tally.done += objects;
    for (const index of targets.keys()) if (!tally.isOut(index)) tally.target(index).unchanged += objects;
  }

  get observedCount(): number {
    const { changes, replicas, other, gone } = this.#observed;
    return changes.length + replicas.length + other.length + gone.length;
  }

  get unmatchedCounts(): Readonly<UnmatchedCounts> {
    return this.#counts;
  }

  takeObserved(): Observations {
    const observed = this.#observed;
    this.#observed = { changes: [], replicas: [], other: [], gone: [] };
    return observed;
  }

  /** What is at targets and not at the source, from after `startAfter` on; `isAll` is false where there was no more room. */
  takeUnmatched(): { readonly unmatched: readonly Unmatched[]; readonly isAll: boolean } {
    const taken = { unmatched: this.#unmatched, isAll: !this.#unmatchedLeft };
    this.#unmatched = [];
    this.#unmatchedLeft = false;
    this.#isTaken = true;
    return taken;
  }

  #visitListed(object: ListedObject): ObjectPlan {
    const { tally, targets, copy } = this.#o;
    tally.source.objects++;
    tally.source.bytes += object.source.size;
    const plan = planObject(this.#context, object);
    for (const index of plan.unchanged) tally.target(index).unchanged++;
    if (plan.targets.length === 0) {
      tally.done++;
      if (targets.every((_, index) => tally.isOut(index))) this.#noteListed(object);
      else this.#noteSeen(object, plan.seen);
      return plan;
    }
    for (const { action, target } of plan.targets)
      this.#o.onAction({ action, key: object.key, target: targets[target]?.title ?? '', bytes: object.source.size });
    tally.bytesPlanned += object.source.size * plan.targets.length;
    if (copy === undefined) this.#countDry(object, plan);
    else copy(this.#plannedItem(object, plan));
    return plan;
  }

  #plannedItem({ key, source, known }: ListedObject, plan: ObjectPlan): PlannedItem {
    const operation = this.#o.operationIds.next();
    const item = { key, size: source.size, targets: plan.targets, operation, known: undefined };
    const inDoubt =
      known?.isTombstone === false && (isInDoubt(known, 0, source.token) || this.#isReadAgain(known, source, plan));
    return { item: inDoubt ? { ...item, isSourceInDoubt: true } : item, source, known, seen: plan.seen };
  }

  /** A source that was read before and is read to verify others: bytes that rotted in it must not take the place of good copies. */
  #isReadAgain(known: KnownObject, { token }: Listed, { targets }: ObjectPlan): boolean {
    if (this.#o.options.verify === undefined || !targets.some(({ action }) => action === 'compare')) return false;
    return known.holdsCurrent(0, token) && known.replica(0)?.state === 'AVAILABLE';
  }

  #countDry(object: ListedObject, plan: ObjectPlan): void {
    for (const { action, target } of plan.targets) {
      const tally = this.#o.tally.target(target);
      if (action === 'add') tally.added++;
      else tally.updated++;
      tally.bytes += object.source.size;
    }
    for (const { target } of plan.seen) this.#o.tally.target(target).unchanged++;
  }

  /** Nobody copies it, and so nobody would read it: what it is now is made known all the same, for whoever reads it or has rules for it. */
  #noteListed(object: ListedObject): void {
    const { tally, options } = this.#o;
    const { key, source, known } = object;
    const atSource = known?.replica(0);
    // Somebody's write, or a delete, is under way there.
    if (atSource?.state === 'COPYING' || (atSource?.state === 'BEING_DELETED' && atSource.token === source.token))
      return;
    if (known?.isTombstone === false && known.holdsCurrent(0, source.token)) return;
    // Hashes were asked for only where there are no targets at all.
    const mayBeRead = known?.sha256 !== undefined || this.#o.targets.length > 0;
    const isCompared = known !== undefined && (known.isTombstone || mayBeRead);
    if (!isCompared || options.dryRun) tally.source[known?.isTombstone === false ? 'changed' : 'registered']++;
    if (options.dryRun) return;
    if (isCompared) this.#observed.other.push(key);
    else this.#record(object, []);
  }

  #noteSeen(object: ListedObject, seen: ObjectPlan['seen']): void {
    if (seen.length === 0) return;
    const { tally, options } = this.#o;
    for (const { target } of seen) tally.target(target).unchanged++;
    if (!options.dryRun && options.comparison === 'version') this.#record(object, seen);
  }

  #record({ key, source, known }: ListedObject, seen: ObjectPlan['seen']): void {
    const { operationIds, scope, stores, listedAfterMs } = this.#o;
    const object = { key, operation: operationIds.next(), source, listedAfterMs, known, seen };
    const { change, replicas } = recordSeen({ scope, stores }, object);
    if (change !== undefined) this.#observed.changes.push(change);
    this.#observed.replicas.push(...replicas);
  }

  visitUnmatched({ key, targets, known }: MergedObject): void {
    const { tally, options } = this.#o;
    const at = targets.flatMap((listed, target) =>
      listed === undefined || tally.isOut(target) ? [] : [{ target, token: listed.token }],
    );
    if (!this.#isTaken) for (const { target } of at) tally.target(target).unmatched++;
    if (!options.deleteUnmatched) {
      this.#noteGone(key, known);
      return;
    }
    if (at.length === 0 && (known === undefined || known.isTombstone || known.replica(0) === undefined)) return;
    if (!this.#isTaken) {
      this.inside.note(key, at, known);
      this.#count(key, at, known?.isTombstone === false);
    }
    if (this.#unmatched.length >= UNMATCHED_MAX) this.#unmatchedLeft = true;
    else this.#unmatched.push({ key, known: versionOf(known), replicas: this.#replicasOf(known), at });
  }

  #count(key: string, at: Unmatched['at'], isKnown: boolean): void {
    const counts = this.#counts;
    const isKept = this.#o.isProtected(key);
    if (isKnown) counts[isKept ? 'knownKept' : 'known']++;
    if (isKept) return;
    counts.all++;
    for (const { target } of at) counts.atTargets[target] = (counts.atTargets[target] ?? 0) + 1;
  }

  /** Not asked to delete: the source's replica is missing, the object stays. */
  #noteGone(key: string, known: KnownObject | undefined): void {
    const { scope, source, options } = this.#o;
    const atSource = known?.isTombstone === false ? known.replica(0) : undefined;
    if (atSource === undefined || atSource.state === 'BEING_DELETED' || options.dryRun) return;
    const { versionId } = atSource;
    this.#observed.gone.push({ scope, name: key, versionId, store: source.place, to: 'drop' });
  }

  #replicasOf(known: KnownObject | undefined): { store: string; versionId: number }[] {
    return this.#o.stores.flatMap((store, index) => {
      const replica = known?.replica(index);
      return replica === undefined ? [] : [{ store, versionId: replica.versionId }];
    });
  }
}

const NOWHERE: ReadonlySet<number> = new Set();

function addedBy({ targets }: ObjectPlan): ReadonlySet<number> {
  return new Set(targets.flatMap(({ target, expected }) => (expected === undefined ? target : [])));
}

/** A row of the catalog keeps its whole page in memory; what is kept for long must not. */
function versionOf(known: KnownObject | undefined): Unmatched['known'] {
  return known === undefined ? undefined : { versionId: known.versionId, isTombstone: known.isTombstone };
}
