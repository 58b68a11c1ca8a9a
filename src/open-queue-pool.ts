import { statSync } from 'node:fs';
import type { Configuration, Profile } from './config/configuration.ts';
import { storePlace } from './config/place.ts';
import { describeOwner } from './domain/transfer/claim-owner.ts';
import { DueWaits } from './engine/due-waits.ts';
import type { OperationIds } from './engine/operation-ids.ts';
import type { PoolOfSync } from './engine/sync/sync-replicas.ts';
import { takeBackLate } from './engine/sync/take-back-late.ts';
import { openLocalPool, planFor, type PoolOptions, type PoolParts } from './open-pool.ts';
import type { OpenStore, WorkerStore } from './open-storage.ts';
import type { Catalog } from './ports/catalog.ts';
import type { Clock } from './ports/clock.ts';
import type { CopyPool } from './ports/copy-pool.ts';
import type { NewPageJob, PageJob, PageStore } from './ports/page-queue.ts';
import type { Processes } from './ports/processes.ts';
import type { Storage } from './ports/storage.ts';
import type { Telling } from './ports/telling.ts';
import { carryOutJob, type OpenedJob } from './transfer-tools/workers/carry-out-job.ts';
import { type CarryOutPages, carryOutPages } from './transfer-tools/workers/carry-out-pages.ts';
import { QueuePool } from './transfer-tools/workers/queue-pool.ts';

/** A worker that is not heard of for so long has lost its pages. */
const PAGE_LEASE_MS = 30_000;

export interface QueuePoolParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly telling: Telling;
  readonly operations: OperationIds;
}

/** A pool of whoever takes pages from the catalog; of this process, where nobody does. */
export async function openQueuePool(
  { catalog, clock, processes, telling, operations }: QueuePoolParts,
  { parts, options, asked }: { readonly parts: PoolParts; readonly options: PoolOptions; readonly asked: PoolOfSync },
): Promise<CopyPool> {
  const opened = parts.opened as readonly WorkerStore[];
  const [, ...targets] = parts.stores;
  const job: NewPageJob = {
    id: operations.next(),
    scope: asked.scope,
    stores: opened.map(describeStore),
    sync: asked.lease,
    holder: processes.self,
    leaseMs: asked.leaseMs ?? PAGE_LEASE_MS,
  };
  const owner = describeOwner(processes.self);
  const carryOutHere = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await using pool = openLocalPool(parts, options);
      const here = { pool, takeBackLate: takeBackBy(catalog, job.scope, targets) };
      await carryOutJob({ queue: catalog, clock, telling }, { ...here, job, owner, signal });
      await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
    }
  };
  telling.info?.('pages go to workers', { job: job.id, stores: job.stores.map(({ title }) => title).join(', ') });
  return QueuePool.open({
    queue: catalog,
    clock,
    job,
    pageItems: planFor(opened, options).pageItems,
    noWorkerMs: options.noWorkerMs,
    onNoWorker: options.onNoWorker ?? (() => undefined),
    carryOutHere,
  });
}

/** Who has lost its leases claims again after so long. */
const AGAIN_MS = 1_000;

function describeStore({ profile, open }: WorkerStore): PageStore {
  const { name, title = name, storage } = profile;
  return { title, place: open.place, identity: identityOf(storage), symlinks: open.symlinks };
}

/**
 * Directories of one path need not be one directory on two machines, and a copy of the wrong one would be recorded as the right one.
 * The number of a root is the same wherever a shared file system is mounted.
 */
function identityOf(storage: Profile['storage']): string | undefined {
  if (storage.type !== 'file') return undefined;
  return statSync(storage.basePath, { throwIfNoEntry: false, bigint: true })?.ino.toString() ?? 'missing';
}

/** How stores and pools are opened in this process. */
export interface OpensHere {
  readonly openStore: (profile: Profile, open: Pick<OpenStore, 'symlinks'>) => Promise<Storage>;
  readonly openPool: (stores: readonly Storage[]) => CopyPool;
}

/** A job of somebody else, where the profiles of this configuration have its stores; where not, it is left to others. */
export async function openPageJob(
  here: { readonly catalog: Catalog; readonly configuration: Configuration; readonly telling: Telling },
  job: PageJob,
  opens: OpensHere,
): Promise<(OpenedJob & AsyncDisposable) | undefined> {
  const stores: Storage[] = [];
  try {
    for (const store of job.stores) {
      const profile = findStore(here.configuration, store);
      // Its copies count as durable by what the run says of them, so they are flushed here.
      stores.push(await opens.openStore({ ...profile, durability: 'strict' }, store));
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    here.telling.info?.('pages are left to other workers', { job: job.id, why });
    return undefined;
  }
  here.telling.info?.('carrying out pages', { job: job.id, of: describeOwner(job.holder) });
  const pool = opens.openPool(stores);
  return {
    pool,
    takeBackLate: takeBackBy(here.catalog, job.scope, stores.slice(1)),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

function findStore({ profiles }: Configuration, { place, title, identity }: PageStore): Profile {
  const found = Object.values(profiles).find(({ storage }) => storePlace(storage) === place);
  if (found === undefined) throw new Error(`${title}: no profile has the place ${place}`);
  if (identityOf(found.storage) !== identity) throw new Error(`${title}: ${place} is another directory here`);
  return found;
}

function takeBackBy(catalog: Catalog, scope: string, targets: readonly Storage[]): OpenedJob['takeBackLate'] {
  return (items, outcomes) => takeBackLate({ catalog, scope, targets }, items, outcomes);
}

/** Pages of whatever jobs there are in the catalog, which tells of new ones. Returns how many. */
export async function carryOutJobs(
  { catalog, clock, telling }: Pick<QueuePoolParts, 'catalog' | 'clock' | 'telling'>,
  args: CarryOutPages,
): Promise<number> {
  using waits = new DueWaits(catalog, clock);
  return await carryOutPages({ queue: catalog, clock, waits, telling }, args);
}
