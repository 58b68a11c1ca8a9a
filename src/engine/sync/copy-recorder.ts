import { escapeKey } from '../../domain/object/key.ts';
import type { Catalog, Change, RecordBatch, RecordOutcome, ReplicaChange } from '../../ports/catalog.ts';
import type { SyncLease } from '../../ports/catalog-syncs.ts';
import type { CopyOutcome, CopyTargetOutcome } from '../../ports/copy-pool.ts';
import type { PlaceChange } from '../../ports/places.ts';
import type { Storage } from '../../ports/storage.ts';
import { HELD_BACK } from '../../domain/transfer/held-back.ts';
import { softPlaces } from '../flush-soft.ts';
import { PageOrder } from './page-order.ts';
import type { PlannedItem } from './plan-object.ts';
import { recordCopy } from './record-copies.ts';
import { takeBackLate } from './take-back-late.ts';
import type { Tally } from './tally.ts';

export interface CopyRecorderOptions {
  readonly catalog: Catalog;
  readonly scope: string;
  /** Places: the source's, then the targets'. */
  readonly stores: readonly string[];
  readonly targets: readonly Storage[];
  readonly tally: Tally;
  readonly lease: SyncLease;
}

const CONFLICT = {
  kind: 'changed',
  message: 'another version was written while this one was copied; the next sync brings it',
};

/**
 * Worth a second attempt, after the deletes. `fenced` says that a worker came too late with one page, not that the lease is lost;
 * `full` may have been the doing of a large object that was copied beside, and has failed too.
 */
const BLOCKED: ReadonlySet<string> = new Set(['precondition-failed', 'blocked', 'fenced', 'full']);
/** Items kept for that; of a target that is really full there may be millions. */
const BLOCKED_MAX = 10_000;

export interface EndedPage {
  /** The page as it was given to `pageSent`. */
  readonly sent: readonly PlannedItem[];
  /** The same items, with what was learnt of them since. */
  readonly planned: readonly PlannedItem[];
  readonly outcomes: readonly CopyOutcome[];
}

type FailedCopy = Extract<CopyTargetOutcome, { kind: 'failed' }>;

/** What is worth a second attempt, and why the first one failed. */
interface Blocked {
  readonly planned: PlannedItem;
  readonly failed: readonly FailedCopy[];
}

/** Tells the catalog what was carried out, under the run's lease, and counts it once it is recorded. */
export class CopyRecorder {
  readonly #o: CopyRecorderOptions;
  readonly #order = new PageOrder();
  readonly #blocked: Blocked[] = [];
  /** The lease was lost: another run has taken over, and nothing of this one counts any more. */
  isFenced = false;

  constructor(options: CopyRecorderOptions) {
    this.#o = options;
  }

  /** Last name up to which all pages have ended. */
  get position(): string {
    return this.#order.position;
  }

  /** Pages are sent in the order of their names, and end in any order. */
  pageSent(planned: readonly PlannedItem[]): void {
    this.#order.sent(planned);
  }

  pageMoved(sent: readonly PlannedItem[], bytes: number): void {
    this.#o.tally.pageMoved(sent, bytes);
  }

  async recordPage({ sent, planned, outcomes }: EndedPage): Promise<void> {
    const { scope, stores, tally } = this.#o;
    const context = { scope, stores };
    const changes: Change[] = [];
    const replicas: ReplicaChange[] = [];
    const places: PlaceChange[] = [];
    for (const [i, one] of planned.entries()) {
      const outcome = outcomes[i] as CopyOutcome;
      const record = recordCopy(context, one, outcome);
      if (record?.change !== undefined) changes.push(record.change);
      if (record !== undefined) replicas.push(...record.replicas);
      if (one.item.targets.some(({ expected }) => expected !== undefined))
        places.push(...this.#overwritten(one, outcome));
    }
    this.#order.ended(sent);
    const recorded = await this.record({ changes, replicas, places });
    const items = planned.map(({ item }) => item);
    if (recorded.fenced) await takeBackLate(this.#o, items, outcomes);
    for (const [i, change] of changes.entries()) {
      if (recorded.changes[i]?.kind === 'conflict') tally.fail(change.name, undefined, CONFLICT);
    }
    tally.pageEnded(sent);
    for (const [i, one] of planned.entries()) this.#count(one, outcomes[i] as CopyOutcome);
    tally.report('copying');
    tally.telling.info?.('page recorded', {
      objects: planned.length,
      done: tally.done,
      copied: tally.bytesCopied,
      failed: tally.failed,
    });
  }

  async record(batch: RecordBatch): Promise<RecordOutcome> {
    const { catalog, lease, tally } = this.#o;
    if ((batch.changes?.length ?? 0) + (batch.replicas?.length ?? 0) === 0) return { fenced: false, changes: [] };
    const sync = { position: this.#order.position, objects: tally.done, bytes: tally.bytesCopied };
    const outcome = await catalog.record({ ...batch, soft: softPlaces(this.#o.targets), lease, sync });
    this.isFenced ||= outcome.fenced;
    return outcome;
  }

  /**
   * Items with the targets at which they are worth a second attempt; each is given once.
   * Small ones first: where room is short, as much as possible finds some.
   */
  *takeBlocked(): Generator<PlannedItem> {
    const blocked = this.#blocked.sort((a, b) => a.planned.item.size - b.planned.item.size);
    for (let one = blocked.shift(); one !== undefined; one = blocked.shift()) yield one.planned;
  }

  /** Of a run that did not come to their second attempt, the first one is the last. */
  failBlocked(): void {
    for (const { planned, failed } of this.#blocked.splice(0)) this.#countFailures(planned, failed);
  }

  /** Where other bytes lay, which other scopes may count among their copies. */
  #overwritten({ item }: PlannedItem, { targets }: CopyOutcome): PlaceChange[] {
    const { scope, stores } = this.#o;
    return targets.flatMap((one) => {
      const isOver = item.targets.some(({ target, expected }) => target === one.target && expected !== undefined);
      if (one.kind !== 'copied' || !isOver) return [];
      return { scope, store: stores[one.target + 1] as string, key: item.key, became: 'other', token: one.token };
    });
  }

  #count(planned: PlannedItem, outcome: CopyOutcome): void {
    const { tally } = this.#o;
    tally.done++;
    const { debug } = tally.telling;
    for (const { target } of planned.seen) tally.target(target).unchanged++;
    const mayTryAgain = planned.first === undefined && this.#blocked.length < BLOCKED_MAX;
    if (mayTryAgain) this.#noteBlocked(planned, outcome);
    const failed: FailedCopy[] = [];
    for (const one of outcome.targets) {
      if (one.kind === 'same') tally.target(one.target).unchanged++;
      else if (one.kind === 'failed') {
        if (!mayTryAgain || !isBlocked(one)) failed.push(one);
      } else {
        const size = outcome.source?.size ?? planned.item.size;
        tally.target(one.target).copied(size, wasThere(planned, one.target), one.verification);
        tally.bytesCopied += size;
        debug?.('copied', {
          object: escapeKey(planned.item.key),
          target: tally.target(one.target).target.title,
          bytes: size,
          verified: one.verification,
        });
      }
    }
    this.#countFailures(planned, failed);
  }

  /** What failed at the source is told once, whatever the number of targets. */
  #countFailures(planned: PlannedItem, failed: readonly FailedCopy[]): void {
    if (this.isFenced) return;
    let isSourceTold = false;
    for (const { target, failure, isAtSource = false } of failed) {
      if (failure.kind === 'aborted' || (isAtSource && isSourceTold)) continue;
      // As one that takes no writes when a sync begins: told once, and the others go on.
      if (failure.kind === HELD_BACK) {
        this.#o.tally.giveUp(target, failure);
        continue;
      }
      isSourceTold ||= isAtSource;
      this.#o.tally.fail(planned.item.key, isAtSource ? undefined : target, failure);
    }
  }

  #noteBlocked(planned: PlannedItem, outcome: CopyOutcome): void {
    const failed = outcome.targets.filter(isBlocked);
    if (failed.length === 0) return;
    const blocked = new Set(failed.map(({ target }) => target));
    const item = { ...planned.item, targets: planned.item.targets.filter(({ target }) => blocked.has(target)) };
    this.#blocked.push({ planned: { ...planned, item, seen: [], first: planned.item }, failed });
  }
}

function wasThere({ first, item }: PlannedItem, target: number): boolean {
  return (first ?? item).targets.find((one) => one.target === target)?.expected !== undefined;
}

function isBlocked(outcome: CopyTargetOutcome): outcome is FailedCopy {
  return outcome.kind === 'failed' && BLOCKED.has(outcome.failure.kind);
}
