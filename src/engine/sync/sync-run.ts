import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Scratch } from '../../ports/scratch.ts';
import type { CopyPool, CopyTarget } from '../../ports/copy-pool.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { flushSoft } from '../flush-soft.ts';
import { headOrMissing } from '../observe-object.ts';
import type { OperationIds } from '../operation-ids.ts';
import { pruneCatalog } from '../prune-catalog.ts';
import { CopyQueue } from './copy-queue.ts';
import { CopyRecorder } from './copy-recorder.ts';
import { LeaveOutOthers } from './leave-out-others.ts';
import { lookAgain } from './look-again.ts';
import type { MergedObject } from './merge-listings.ts';
import { NameClashes } from './name-clashes.ts';
import { nothingBelow } from './nothing-below.ts';
import { ALONE_BYTES } from './pages-under-way.ts';
import { SyncDeletes } from './sync-deletes.ts';
import type { SyncLeases } from './sync-leases.ts';
import { SyncListings } from './sync-listings.ts';
import { SyncPlanner } from './sync-planner.ts';
import type { SyncReplicas } from './sync-replicas.ts';
import type { GrownTarget } from '../../ports/catalog-syncs.ts';
import type { SyncResult } from './sync-types.ts';
import type { Tally } from './tally.ts';

export interface SyncRunPorts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly operationIds: OperationIds;
  readonly openScratch: () => Scratch;
}

export interface SyncRunArgs extends SyncReplicas {
  readonly id: string;
  readonly tally: Tally;
  /** Undefined in a dry run, which writes nothing. */
  readonly means: { readonly leases: SyncLeases; readonly pool: CopyPool } | undefined;
}

/** Observations told to the catalog at once. */
const OBSERVED_BATCH = 1024;

/** One sync from its first listing to its result. */
export class SyncRun {
  readonly #ports: SyncRunPorts;
  readonly #a: SyncRunArgs;
  readonly #storages: readonly Storage[];
  readonly #listings: SyncListings;
  readonly #recorder: CopyRecorder | undefined;
  readonly #queue: CopyQueue | undefined;
  readonly #clashes: NameClashes | undefined;
  readonly #planner: SyncPlanner;
  readonly #deletes: SyncDeletes;

  constructor(ports: SyncRunPorts, args: SyncRunArgs) {
    const { catalog, clock, operationIds, openScratch } = ports;
    const { scope, source, targets, options, tally, signal, means, listeners } = args;
    this.#ports = ports;
    this.#a = args;
    this.#storages = targets.map(({ storage }) => storage);
    const stores = [source.place, ...this.#storages.map(({ place }) => place)];
    this.#listings = new SyncListings({
      catalog,
      scope,
      source,
      targets: this.#storages,
      stores,
      options,
      tally,
      signal,
      openScratch,
    });
    if (means !== undefined) {
      const { leases, pool } = means;
      const recorder = new CopyRecorder({
        catalog,
        scope,
        stores,
        targets: this.#storages,
        tally,
        lease: leases.lease,
      });
      const publishUntilMs = (): number => leases.publishUntilMs;
      this.#recorder = recorder;
      this.#queue = new CopyQueue({ pool, recorder, catalog, readBack: options.readBack, publishUntilMs });
    }
    const isGoing = ({ key, source: atSource }: MergedObject): boolean =>
      options.deleteUnmatched &&
      atSource === undefined &&
      options.filter.judge(key) === 'included' &&
      !this.#listings.protected.covers(key);
    this.#clashes = options.dryRun ? new NameClashes({ targets: this.#storages, tally, isGoing }) : undefined;
    this.#planner = new SyncPlanner({
      scope,
      source,
      targets,
      stores,
      options,
      tally,
      operationIds,
      listedAfterMs: clock.nowMs(),
      onAction: (action) => listeners.onAction?.(action),
      clashes: this.#clashes,
      isProtected: (key) => this.#listings.protected.covers(key),
      copy: this.#queue === undefined ? undefined : (planned) => this.#queue?.add(planned),
    });
    this.#deletes = new SyncDeletes({
      ports,
      scope,
      source,
      targets: this.#storages,
      options,
      tally,
      listeners,
      signal,
      listings: this.#listings,
      planner: this.#planner,
      leases: means?.leases,
    });
  }

  async carryOut(startedMs: number): Promise<SyncResult> {
    const { tally, means, signal } = this.#a;
    const stopPool = (): void => means?.pool.stop();
    signal.addEventListener('abort', stopPool, { once: true });
    let refusal: string | undefined;
    try {
      await this.#settle();
      await this.#clean();
      await this.#flushSoft();
      await this.#copyAll();
      if (!this.#isOver) refusal = await this.#deletes.carryOut();
      if (!this.#isOver) await this.#copyBlocked();
      await this.#clashes?.settle(refusal === undefined);
    } catch (error) {
      const isFromTheStart = error instanceof StorageError && error.kind === 'not-found' && tally.source.objects === 0;
      if (!(error instanceof StorageError) || isFromTheStart) {
        await this.#end('failed');
        throw error;
      }
      if (error.kind !== 'aborted') this.#failSource(error);
    } finally {
      signal.removeEventListener('abort', stopPool);
    }
    this.#recorder?.failBlocked();
    if (!this.#isOver) await this.#cleanAfter();
    const state = this.#state(refusal);
    await this.#end(state);
    if (!this.#isOver && !this.#a.options.dryRun) await pruneCatalog(this.#ports.catalog, this.#a.signal);
    return this.#result(state, refusal, startedMs);
  }

  /** What was not listed to its end says of nothing that it is not there. */
  #failSource(error: StorageError): void {
    const { tally, options } = this.#a;
    tally.fail('', undefined, error);
    if (!options.deleteUnmatched || tally.complete) return;
    for (const target of tally.targets) target.heldBack = target.unmatched;
  }

  #state(refusal: string | undefined): SyncResult['state'] {
    if (this.#isOver) return 'interrupted';
    if (refusal !== undefined) return 'refused';
    return this.#a.tally.failed > 0 ? 'failed' : 'done';
  }

  #result(state: SyncResult['state'], refusal: string | undefined, startedMs: number): SyncResult {
    const { id, scope, options, tally, means } = this.#a;
    const resumes = means?.leases.resumes;
    return {
      id,
      scope,
      dryRun: options.dryRun,
      state,
      refusal,
      source: { ...tally.source },
      targets: tally.targets.map((one) => one.result()),
      failures: tally.failures,
      resumed: resumes === undefined ? undefined : { syncId: resumes.id, startedMs: resumes.startedMs },
      seconds: (this.#ports.clock.monotonicMs() - startedMs) / 1000,
    };
  }

  async #end(state: SyncResult['state']): Promise<void> {
    const { means, tally } = this.#a;
    if (means === undefined || means.leases.isLost) return;
    const progress = { position: this.#recorder?.position ?? '', objects: tally.done, bytes: tally.bytesCopied };
    await this.#ports.catalog.endSync(means.leases.lease, state, progress, await this.#grown(state));
  }

  /** A target that has what the source has and nothing else is in line with it. */
  async #grown(state: SyncResult['state']): Promise<readonly GrownTarget[]> {
    const { scope, tally, options } = this.#a;
    if (options.prefix !== '') return [];
    const before = await this.#ports.catalog.readGrown(
      scope,
      tally.targets.map(({ target }) => target.storage.place),
    );
    return tally.targets.flatMap(({ target, added, deleted, unmatched }, index): readonly GrownTarget[] => {
      const isInLine = state !== 'interrupted' && !tally.isOut(index) && unmatched === deleted;
      return [{ target: target.storage.place, objects: isInLine ? 0 : (before[index] ?? 0) + added }];
    });
  }

  get #isOver(): boolean {
    return this.#a.signal.aborted || this.#recorder?.isFenced === true;
  }

  /** Whatever is looked at before could be another thing after. */
  async #settle(): Promise<void> {
    const { means, listeners, signal } = this.#a;
    const waitMs = means?.leases.settlesMs ?? 0;
    if (waitMs <= 0) return;
    listeners.onSettle?.(waitMs);
    // Told to stop meanwhile, the run ends at the next look.
    await this.#ports.clock.sleep(waitMs, signal).catch(() => undefined);
  }

  /** What dead writers left at the targets goes first: it is ours alone while we hold the lease. */
  async #clean(): Promise<void> {
    const { tally, options } = this.#a;
    if (options.dryRun) return;
    for (const [index, storage] of this.#storages.entries()) {
      if (tally.isOut(index)) continue;
      try {
        await storage.clean();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        tally.giveUp(index, error);
      }
    }
  }

  /** What earlier runs and writes left soft, before it is taken for a good copy. */
  async #flushSoft(): Promise<void> {
    const { scope, source, tally, options } = this.#a;
    if (options.dryRun) return;
    const storages = this.#storages.filter((_, index) => !tally.isOut(index));
    await flushSoft(this.#ports.catalog, scope, [source, ...storages]);
  }

  /**
   * What workers left that died in this run; what cannot be removed now is removed by the next one. Where nothing failed,
   * nobody goes on any more with what an interrupted run kept of these objects.
   */
  async #cleanAfter(): Promise<void> {
    const { tally, options } = this.#a;
    if (options.dryRun) return;
    const isFinished = (key: string): boolean =>
      tally.failed === 0 && key.startsWith(options.prefix) && options.filter.judge(key) === 'included';
    for (const [index, storage] of this.#storages.entries()) {
      if (!tally.isOut(index)) await storage.clean({ isFinished }).catch(() => 0);
    }
  }

  async #copyAll(): Promise<void> {
    const { tally, signal, scope, source, options } = this.#a;
    const { catalog } = this.#ports;
    const seen = new LeaveOutOthers(catalog, { scope, store: source.place }, (object) => this.#planner.visit(object));
    let isAnythingThere = false;
    try {
      await this.#listings.merge(undefined, {
        visit: (object) => {
          isAnythingThere = true;
          seen.visit(object);
        },
        visitRecorded: this.#planner.canVisitPages
          ? (page) => {
              isAnythingThere = true;
              this.#planner.visitRecorded(page);
            }
          : undefined,
        pause: async () => {
          await seen.visitWaiting();
          await this.#queue?.room();
          if (this.#planner.observedCount >= OBSERVED_BATCH) await this.#recordObserved();
          tally.report('copying');
        },
      });
      await seen.visitWaiting();
      const isNowhere = !isAnythingThere && this.#listings.isSourceEmpty && tally.failed === 0 && !signal.aborted;
      if (isNowhere && options.prefix !== '') throw await nothingBelow(source, options.prefix);
      tally.complete = !signal.aborted;
      const { objects, bytes } = tally.source;
      tally.telling.info?.('listings read to their end', { objects, bytes, planned: tally.bytesPlanned });
    } finally {
      // Also what a listing that broke off had shown.
      await seen.visitWaiting();
      await this.#queue?.drain();
      await this.#recordObserved();
      tally.report('copying');
    }
  }

  async #recordObserved(): Promise<void> {
    const { changes, replicas, other, gone } = this.#planner.takeObserved();
    if (gone.length > 0) await this.#listings.checkSourceStays();
    const missing = gone.filter(({ name }) => !this.#listings.protected.covers(name));
    await this.#recorder?.record({ changes, replicas: [...missing, ...replicas] });
    await lookAgain(this.#ports, this.#a, other);
  }

  /**
   * Something lay at the target that the listing had not shown (a file where a directory must be and that is deleted by now, or what a
   * worker published before it died), there was no room beside a large object, or a worker came too late. They are tried once more,
   * onto what is there now (docs/sync.md, "What happens"). Small ones first and large ones alone: where room is short, as much as
   * possible finds some.
   */
  async #copyBlocked(): Promise<void> {
    for (const planned of this.#recorder?.takeBlocked() ?? []) {
      if (planned.item.size >= ALONE_BYTES) await this.#queue?.drain();
      if (this.#isOver) break;
      const targets = await Promise.all(planned.item.targets.map((one) => this.#lookAgain(planned.item.key, one)));
      this.#queue?.add({ ...planned, item: { ...planned.item, targets } });
    }
    await this.#queue?.drain();
  }

  async #lookAgain(key: string, { target }: CopyTarget): Promise<CopyTarget> {
    const storage = this.#storages[target] as Storage;
    try {
      const head = await headOrMissing(() => storage.head(key));
      return { target, how: 'copy', expected: head?.token };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return { target, how: 'copy', expected: undefined };
    }
  }
}
