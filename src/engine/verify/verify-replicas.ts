import { compareKeys, escapeKey } from '../../domain/object/key.ts';
import type { KeyFilter } from '../../domain/transfer/key-filter.ts';
import type { Catalog, RecordBatch } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CopyPool } from '../../ports/copy-pool.ts';
import type { Random } from '../../ports/random.ts';
import { type Listed, type ListingPage, type Storage, StorageError } from '../../ports/storage.ts';
import type { Telling } from '../../ports/telling.ts';
import { flushSoft } from '../flush-soft.ts';
import { OperationIds } from '../operation-ids.ts';
import { ListingCursor } from '../sync/cursor.ts';
import { isFailureExcluded } from '../sync/excluded-failure.ts';
import { KnownCursor } from '../sync/known-cursor.ts';
import { LeaveOutOthers } from '../sync/leave-out-others.ts';
import { type MergedObject, mergeListings } from '../sync/merge-listings.ts';
import { nothingBelow } from '../sync/nothing-below.ts';
import { isAwaitingDelete } from '../sync/plan-object.ts';
import type { SyncPorts } from '../sync/sync-replicas.ts';
import { ProtectedNames } from '../sync/protected-names.ts';
import { recordFindings } from './record-findings.ts';
import { type CopyToRead, ReadQueue } from './read-queue.ts';
import { type ReadCopies, verifyObject } from './verify-object.ts';
import { VerifyTally } from './verify-tally.ts';
import type { VerifyFinding, VerifyListeners, VerifyResult, VerifyTarget } from './verify-types.ts';

export interface VerifyPorts {
  readonly catalog: Pick<
    Catalog,
    'scanScope' | 'areRecorded' | 'record' | 'beginFlush' | 'endFlush' | 'recordEvents' | 'listNearby' | 'readPlaces'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly telling: Telling;
  readonly openPool: SyncPorts['openPool'];
}

export interface VerifyReplicas {
  readonly scope: string;
  readonly source: Storage;
  readonly sourceTitle: string;
  readonly targets: readonly VerifyTarget[];
  readonly prefix: string;
  readonly filter: KeyFilter;
  readonly listeners: VerifyListeners;
  readonly signal: AbortSignal;
}

/** Objects told to the catalog at once. */
const RECORD_BATCH = 256;

/**
 * Reads every copy again and compares (docs/replicas.md, "Verifying"). It changes no bytes anywhere; the catalog is told what
 * was found. Fails as the source's listing fails from the start; everything else is in the result.
 */
export async function verifyReplicas(ports: VerifyPorts, args: VerifyReplicas): Promise<VerifyResult> {
  const startedMs = ports.clock.monotonicMs();
  const tally = new VerifyTally(args);
  const stores = args.targets.map(({ storage }) => storage);
  await flushSoft(ports.catalog, args.scope, [args.source, ...stores]);
  await using pool = await ports.openPool(args.source, stores, {
    scope: args.scope,
    lease: undefined,
    leaseMs: undefined,
  });
  const stopPool = (): void => pool.stop();
  args.signal.addEventListener('abort', stopPool, { once: true });
  const run = new VerifyRun(ports, args, tally, pool);
  try {
    await run.compareAll();
  } catch (error) {
    if (!(error instanceof StorageError) || (tally.listed === 0 && error.kind !== 'aborted')) throw error;
    if (error.kind !== 'aborted') tally.giveUp(0, error.message);
  } finally {
    args.signal.removeEventListener('abort', stopPool);
  }
  const [source, ...targets] = tally.stores.map((store) => store.result());
  return {
    scope: args.scope,
    state: args.signal.aborted ? 'interrupted' : tally.wrong > 0 ? 'differs' : 'intact',
    objects: tally.objects,
    source: source as VerifyResult['source'],
    targets,
    // Objects are read side by side; what was found is told in their order.
    findings: [...tally.findings.toSorted(byName), ...tally.extras.toSorted(byName)],
    seconds: (ports.clock.monotonicMs() - startedMs) / 1000,
  };
}

/** The source's before the targets'. */
function byName(a: VerifyFinding, b: VerifyFinding): number {
  return compareKeys(a.name, b.name) || Number(a.target !== undefined) - Number(b.target !== undefined);
}

class VerifyRun {
  readonly #ports: VerifyPorts;
  readonly #a: VerifyReplicas;
  readonly #tally: VerifyTally;
  readonly #operations: OperationIds;
  readonly #stores: readonly string[];
  readonly #queue: ReadQueue;
  readonly #begunMs: number;
  /** By store: names a listing could not show. */
  readonly #protected: readonly ProtectedNames[];
  /** In some listing, or in the catalog. */
  #isAnythingThere = false;
  #batches: Pick<RecordBatch, 'changes' | 'replicas' | 'events'>[] = [];

  constructor(ports: VerifyPorts, args: VerifyReplicas, tally: VerifyTally, pool: CopyPool) {
    this.#ports = ports;
    this.#a = args;
    this.#tally = tally;
    this.#operations = new OperationIds(ports.clock, ports.random);
    this.#begunMs = ports.clock.nowMs();
    this.#stores = [args.source.place, ...args.targets.map(({ storage }) => storage.place)];
    this.#protected = this.#stores.map(() => new ProtectedNames());
    this.#queue = new ReadQueue({
      pool,
      onRead: (object, copies) => this.#note(object, copies),
      onMoved: (bytes) => tally.moved(bytes),
    });
  }

  async compareAll(): Promise<void> {
    const { source, targets, prefix, scope, signal } = this.#a;
    const open = (storage: Storage, store: number): ListingCursor =>
      new ListingCursor({
        store: storage.name,
        pages: storage.list(prefix, { signal }),
        onPage: (page) => this.#notePage(store, page),
      });
    const sourceCursor = open(source, 0);
    const targetCursors = targets.map(({ storage }, i) => open(storage, i + 1));
    const known = new KnownCursor(this.#ports.catalog, {
      scope,
      prefix,
      stores: this.#stores,
      details: true,
      startAfter: undefined,
    });
    const at = { scope, store: source.place };
    const seen = new LeaveOutOthers(this.#ports.catalog, at, (object) => this.#visit(object));
    try {
      await mergeListings({
        source: sourceCursor,
        targets: targetCursors,
        known,
        onTargetFailure: (target, error) => {
          if (error.kind !== 'aborted') this.#tally.giveUp(target + 1, error.message);
        },
        visit: (object) => {
          this.#isAnythingThere = true;
          seen.visit(object);
        },
        pause: async () => {
          await seen.visitWaiting();
          await this.#pause();
        },
      });
      await seen.visitWaiting();
      const isNowhere = !this.#isAnythingThere && this.#tally.wrong === 0 && !signal.aborted;
      if (isNowhere && prefix !== '') throw await nothingBelow(source, prefix);
      this.#tally.isComplete = true;
      this.#ports.telling.info?.('listings read to their end', { objects: this.#tally.listed });
    } finally {
      try {
        // What was read before the listing broke off was read.
        await seen.visitWaiting().finally(() => this.#queue.drain());
        await this.#record(1);
      } finally {
        await Promise.all([sourceCursor.close(), known.close(), ...targetCursors.map((cursor) => cursor.close())]);
      }
    }
  }

  #notePage(store: number, page: ListingPage): void {
    const { filter } = this.#a;
    if (page.failures.length + page.markers > 0) this.#isAnythingThere = true;
    for (const failure of page.failures) {
      if (isFailureExcluded(filter, failure)) continue;
      this.#protected[store]?.add(failure.protects);
      this.#tally.findListed(store, failure);
    }
  }

  #visit(object: MergedObject): void {
    const { filter } = this.#a;
    if (filter.judge(object.key) !== 'included' || isAwaitingDelete(object)) return;
    if (object.source === undefined) return this.#visitUnmatched(object);
    if (filter.admits(object.source)) this.#read(object);
  }

  /** What is known to have been at the source is missing there, and its copies are read; anything else at a target is extra. */
  #visitUnmatched(object: MergedObject): void {
    const { key, targets, known } = object;
    // It may be there all the same; why nobody can say was told.
    if (this.#protected[0]?.covers(key) === true) return;
    const atSource = known?.isTombstone === false ? known.replica(0) : undefined;
    if (atSource !== undefined && atSource.state !== 'BEING_DELETED') return this.#read(object);
    for (const [i, listed] of targets.entries())
      if (listed !== undefined) this.#tally.find(i + 1, key, 'extra', 'the source has no such object');
  }

  #read(object: MergedObject): void {
    const { key, source, targets } = object;
    const copies = [source, ...targets.map((listed, i) => this.#copyAt(i + 1, key, listed))];
    this.#tally.list(copies);
    this.#queue.add(object, copies);
  }

  /** What a listing may have hidden is asked for by its name. */
  #copyAt(store: number, key: string, listed: Listed | undefined): CopyToRead | undefined {
    if (this.#tally.isOut(store)) return undefined;
    return listed ?? (this.#protected[store]?.covers(key) === true ? { key, size: 0, token: undefined } : undefined);
  }

  async #pause(): Promise<void> {
    await this.#queue.room();
    await this.#record(RECORD_BATCH);
    this.#tally.report();
  }

  #note(object: MergedObject, copies: ReadCopies): void {
    const context = { scope: this.#a.scope, stores: this.#stores, readAfterMs: this.#begunMs };
    this.#tally.objects++;
    const findings = verifyObject(this.#tally, object, copies);
    this.#ports.telling.debug?.('read again', {
      object: escapeKey(object.key),
      found: findings.findings.map(({ store, kind }) => `${this.#tally.store(store).title} ${kind}`).join(', '),
    });
    this.#batches.push(recordFindings(context, findings, this.#operations.next()));
    this.#tally.report();
  }

  async #record(atLeast: number): Promise<void> {
    if (this.#batches.length < atLeast) return;
    const batches = this.#batches;
    this.#batches = [];
    await this.#ports.catalog.record({
      changes: batches.flatMap(({ changes }) => changes ?? []),
      replicas: batches.flatMap(({ replicas }) => replicas ?? []),
      events: batches.flatMap(({ events }) => events ?? []),
    });
  }
}
