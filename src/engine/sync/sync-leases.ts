import { describeOwner } from '../../domain/transfer/claim-owner.ts';
import type { Catalog, Holder } from '../../ports/catalog.ts';
import type { BeginSync, SyncBegun, SyncHeld, SyncLease, SyncRecord } from '../../ports/catalog-syncs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Processes } from '../../ports/processes.ts';
import { type LeaseHeld, StorageError, type StoreLease } from '../../ports/storage.ts';
import type { SyncListeners, SyncTarget } from './sync-types.ts';

/** A sync that does not renew for so long has died. Renewed three times in that time. */
const SYNC_LEASE_MS = 30_000;
/** Between two looks at a target another sync holds. */
const WAIT_MS = 1_000;

export interface LeasePorts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly processes: Processes;
  /** Another length of the leases than `SYNC_LEASE_MS`; a store or catalog that is slow to answer needs a longer one. */
  readonly leaseMs?: number;
}

export interface TakeLeases {
  readonly sync: Pick<BeginSync, 'scope' | 'prefix' | 'source' | 'purpose'>;
  /** Ids of runs; one that lost its lease while it waited begins as another. */
  readonly nextId: () => string;
  readonly targets: readonly SyncTarget[];
  readonly wait: boolean;
  readonly listeners: SyncListeners;
  readonly signal: AbortSignal;
  readonly onTargetFailure: (target: number, error: StorageError) => void;
}

export type Held = SyncHeld | (LeaseHeld & { readonly kind: 'held-at-store'; readonly target: string });

/**
 * The right to write to all targets: one lease in the catalog, and one at each target for those who know another catalog.
 * Renewed while the run goes on; `isLost` once that failed, and then nothing more is published.
 */
export class SyncLeases implements AsyncDisposable {
  readonly lease: SyncLease;
  readonly resumes: SyncRecord | undefined;
  /** As the catalog said when the lease was taken. */
  readonly settlesMs: number;
  isLost = false;
  /** Until then results may be published (`Clock.monotonicMs`). */
  publishUntilMs: number;
  readonly #ports: LeasePorts;
  readonly #leaseMs: number;
  readonly #stores: StoreHeld[];
  readonly #onTargetFailure: TakeLeases['onTargetFailure'];
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;

  private constructor(
    ports: LeasePorts,
    taken: Taken,
    onTargetFailure: TakeLeases['onTargetFailure'],
    onRenewed: (untilMs: number) => void,
    onLost: () => void,
  ) {
    this.#ports = ports;
    this.#leaseMs = leaseMsOf(ports);
    this.lease = taken.lease;
    this.resumes = taken.resumes;
    this.settlesMs = taken.settlesMs;
    this.#stores = taken.stores;
    this.#onTargetFailure = onTargetFailure;
    this.publishUntilMs = taken.untilMs;
    this.#renewing = this.#renew(onRenewed, onLost);
  }

  static async take(
    ports: LeasePorts,
    args: TakeLeases,
    on: { renewed: (untilMs: number) => void; lost: () => void },
  ): Promise<SyncLeases | Held> {
    // What this run holds in the catalog while it waits for one that knows another catalog.
    let begun: SyncBegun | undefined;
    try {
      for (;;) {
        const untilMs = ports.clock.monotonicMs() + publishableMs(leaseMsOf(ports));
        const answer = await begin(ports, args, begun);
        begun = answer.kind === 'begun' ? answer : undefined;
        const taken = answer.kind === 'begun' ? await takeStores(ports, args, answer, untilMs) : answer;
        if (!('kind' in taken)) {
          begun = undefined;
          return new SyncLeases(ports, taken, args.onTargetFailure, on.renewed, on.lost);
        }
        if (!args.wait) return taken;
        args.listeners.onWait?.(taken);
        await ports.clock.sleep(WAIT_MS, args.signal);
      }
    } finally {
      if (begun !== undefined) await ports.catalog.endSync(begun.lease, 'interrupted', NO_PROGRESS);
    }
  }

  /** Nothing may be written now, though it may still be renewed: this process slept, or the renewal takes long. */
  get isOver(): boolean {
    return this.#ports.clock.monotonicMs() >= this.publishUntilMs;
  }

  async #renew(onRenewed: (untilMs: number) => void, onLost: () => void): Promise<void> {
    const { clock, catalog } = this.#ports;
    for (;;) {
      try {
        await clock.sleep(this.#leaseMs / 3, this.#stop.signal);
      } catch {
        return;
      }
      const askedMs = clock.monotonicMs();
      try {
        const isHeld = await catalog.renewSync(this.lease, this.#leaseMs);
        if (isHeld) await this.#renewStores();
        if (!isHeld) return this.#lose(onLost);
        this.publishUntilMs = askedMs + publishableMs(this.#leaseMs);
        onRenewed(this.publishUntilMs);
      } catch (error) {
        if (error instanceof StorageError && error.kind === 'precondition-failed') return this.#lose(onLost);
        if (clock.monotonicMs() >= this.publishUntilMs) return this.#lose(onLost);
      }
    }
  }

  /** A target at which it cannot be renewed in time is given up, the others go on. */
  async #renewStores(): Promise<void> {
    const { clock } = this.#ports;
    for (const held of this.#stores.slice()) {
      const askedMs = clock.monotonicMs();
      try {
        await held.lease.renew(clock.nowMs());
        held.untilMs = askedMs + publishableMs(this.#leaseMs);
      } catch (error) {
        if (!(error instanceof StorageError) || error.kind === 'precondition-failed') throw error;
        if (clock.monotonicMs() < held.untilMs) continue;
        this.#stores.splice(this.#stores.indexOf(held), 1);
        this.#onTargetFailure(held.target, error);
      }
    }
  }

  #lose(onLost: () => void): void {
    this.isLost = true;
    onLost();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    for (const { lease } of this.#stores) await lease.release().catch(() => undefined);
  }
}

/** The lease that lies in one target. */
interface StoreHeld {
  readonly target: number;
  readonly lease: StoreLease;
  /** As `publishUntilMs`, for this target. */
  untilMs: number;
}

interface Taken {
  readonly lease: SyncLease;
  readonly resumes: SyncRecord | undefined;
  readonly settlesMs: number;
  readonly stores: StoreHeld[];
  readonly untilMs: number;
}

const NO_PROGRESS = { position: '', objects: 0, bytes: 0 };

/** Short of the lease's end, so that what is begun in time is over in time. */
function publishableMs(leaseMs: number): number {
  return leaseMs * 0.8;
}

function leaseMsOf(ports: LeasePorts): number {
  return ports.leaseMs ?? SYNC_LEASE_MS;
}

/** The lease in the catalog: the one that is held already, if it still is. */
async function begin(ports: LeasePorts, args: TakeLeases, held: SyncBegun | undefined): Promise<SyncBegun | SyncHeld> {
  const { catalog, processes } = ports;
  const leaseMs = leaseMsOf(ports);
  if (held !== undefined && (await catalog.renewSync(held.lease, leaseMs))) return held;
  const wanted = {
    ...args.sync,
    id: args.nextId(),
    // Without targets it is the source that one run at a time looks at.
    targets: args.targets.length === 0 ? [args.sync.source] : args.targets.map(({ storage }) => storage.place),
    holder: processes.self,
    leaseMs,
  };
  const deadHolders: Holder[] = [];
  for (;;) {
    const answer = await catalog.beginSync({ ...wanted, deadHolders });
    if (answer.kind === 'begun' || !processes.isDead(answer.holder)) return answer;
    deadHolders.push(answer.holder);
  }
}

/** The leases in the targets: all of them but those of targets that fail, or none. */
async function takeStores(
  ports: LeasePorts,
  args: TakeLeases,
  { lease, resumes, settlesMs }: SyncBegun,
  untilMs: number,
): Promise<Taken | Held> {
  const { clock, processes } = ports;
  const leaseMs = leaseMsOf(ports);
  const stores: StoreHeld[] = [];
  for (const [target, { storage, title, failure }] of args.targets.entries()) {
    if (failure !== undefined) continue;
    const holder = describeOwner(processes.self);
    try {
      const answer = await storage.lease({ holder, process: processes.self, leaseMs, nowMs: clock.nowMs() });
      if ('release' in answer) {
        stores.push({ target, lease: answer, untilMs });
        continue;
      }
      for (const one of stores) await one.lease.release();
      return { kind: 'held-at-store', target: title, ...answer };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      args.onTargetFailure(target, error);
    }
  }
  return { lease, resumes, settlesMs, stores, untilMs };
}
