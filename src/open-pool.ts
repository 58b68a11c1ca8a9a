import { availableParallelism } from 'node:os';
import { copyPage } from './engine/sync/copy-page.ts';
import { HeedingPool, type HeedingPoolOptions } from './engine/stores/heeding-pool.ts';
import { readPage } from './engine/verify/read-page.ts';
import { divideBandwidths, openPaces, pacesOf } from './open-bandwidths.ts';
import type { WorkerInit, WorkerStore } from './open-storage.ts';
import type { Clock } from './ports/clock.ts';
import type { CopyPool } from './ports/copy-pool.ts';
import type { Storage } from './ports/storage.ts';
import type { MeterSnapshot, StorageMeter } from './storage/with-meter.ts';
import { InProcessPool } from './transfer-tools/in-process-pool.ts';
import { planPool, type PoolPlan } from './transfer-tools/plan-pool.ts';
import { processLink, threadLink } from './transfer-tools/worker-link.ts';
import { WorkerPool } from './transfer-tools/worker-pool.ts';

export interface PoolOptions {
  /** Copies under way at once, over all workers. */
  readonly transfers?: number | undefined;
  /** Given: so many processes of their own carry out the copies; otherwise threads of this process do. */
  readonly workerProcesses?: number | undefined;
  readonly onWorkerLost?: ((why: string) => void) | undefined;
  /** No thread or process can be started: nothing is copied here. */
  readonly onCannotStart?: ((why: string) => void) | undefined;
  /** `workers`: whoever takes the pages from the catalog carries them out (docs/sync.md, "Workers"). */
  readonly executionMode?: ExecutionMode | undefined;
  /** With `workers`: nobody has taken a page for so long, and they are carried out here. */
  readonly onNoWorker?: ((waitedMs: number) => void) | undefined;
  /** With `workers`: another time than half a minute until then. */
  readonly noWorkerMs?: number | undefined;
}

export type ExecutionMode = 'local' | 'workers';

export interface PoolParts {
  /** The source, then the targets. */
  readonly stores: readonly Storage[];
  /** How each was opened; undefined for one that lives in this thread. */
  readonly opened: readonly (WorkerStore | undefined)[];
  readonly clock: Clock;
  readonly availability: HeedingPoolOptions['availability'];
  readonly isMetered: boolean;
  readonly onRetry: (message: string, attempt: number) => void;
  readonly meterOf: (place: string) => StorageMeter | undefined;
}

/** Enough to hide the latency of a store that is not on this machine. */
const DEFAULT_TRANSFERS = 16;

/** All of them can be opened by somebody else too. */
export function areShareable(opened: readonly (WorkerStore | undefined)[]): opened is readonly WorkerStore[] {
  return opened.every((store) => store !== undefined && store.profile.storage.type !== 'memory');
}

export function planFor(
  stores: readonly WorkerStore[],
  options: PoolOptions,
): PoolPlan & { readonly isRemote: boolean } {
  const isRemote = stores.some(({ profile }) => profile.storage.type !== 'file');
  const plan = planPool({
    isRemote,
    transfers: options.transfers ?? DEFAULT_TRANSFERS,
    workers: options.workerProcesses,
    processors: availableParallelism(),
  });
  return { ...plan, isRemote };
}

/** A pool of threads or processes of this process; for stores that live in this thread, a pool in it. */
export function openLocalPool(parts: PoolParts, options: PoolOptions): CopyPool {
  const { availability, clock } = parts;
  const targets = parts.stores.slice(1).map(({ place }) => place);
  return new HeedingPool(openPool(parts, options), { availability, clock, targets });
}

function openPool({ opened, ...parts }: PoolParts, options: PoolOptions): CopyPool {
  if (!areShareable(opened)) return openInProcess({ opened, ...parts }, options);
  const plan = planFor(opened, options);
  const isThreaded = options.workerProcesses === undefined;
  const stores = opened.map(({ profile, open }) => ({
    profile,
    // Processes share no memory.
    open: {
      ...open,
      blocking: true,
      workers: plan.workers,
      ...(isThreaded ? {} : divideBandwidths(open, plan.workers)),
    },
  }));
  const { isMetered, onRetry, meterOf } = parts;
  const [source, ...targets] = stores as [WorkerStore, ...WorkerStore[]];
  const paces = pacesOf(stores);
  const init: WorkerInit = { source, targets, itemsAtOnce: plan.itemsAtOnce, isMetered, paces };
  const entry = new URL(`./worker-entry${import.meta.url.slice(-3)}`, import.meta.url);
  const open = isThreaded ? threadLink(entry, init) : processLink(entry, init);
  const pool = new WorkerPool({
    ...plan,
    open,
    onWorkerLost: options.onWorkerLost ?? (() => undefined),
    onCannotStart: options.onCannotStart ?? (() => undefined),
    onRetry,
    onMetered: (counts) => {
      for (const [i, { open: store }] of opened.entries()) meterOf(store.place)?.add(counts[i] as MeterSnapshot);
    },
  });
  // Beside the listing, which there takes longer than a worker to start.
  if (plan.isRemote) pool.warm();
  return pool;
}

function openInProcess({ stores, opened, clock }: PoolParts, { transfers }: PoolOptions): CopyPool {
  const pace = openPaces(clock, pacesOf(opened));
  const deps = { clock, pace, itemsAtOnce: Math.ceil((transfers ?? DEFAULT_TRANSFERS) / 2) };
  const [source, ...targets] = stores as [Storage, ...Storage[]];
  return new InProcessPool(2, {
    copy: (page, guards) => copyPage({ ...deps, source, targets, ...guards }, page),
    read: (page, guards) => readPage({ ...deps, stores, ...guards }, page),
  });
}
