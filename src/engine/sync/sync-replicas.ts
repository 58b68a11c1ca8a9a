import { describeOwner } from '../../domain/transfer/claim-owner.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { SyncLease } from '../../ports/catalog-syncs.ts';
import type { CopyPool } from '../../ports/copy-pool.ts';
import type { Random } from '../../ports/random.ts';
import type { Scratch } from '../../ports/scratch.ts';
import type { Storage } from '../../ports/storage.ts';
import type { Telling } from '../../ports/telling.ts';
import { OperationIds } from '../operation-ids.ts';
import { type Held, type LeasePorts, SyncLeases } from './sync-leases.ts';
import { SyncRun } from './sync-run.ts';
import type { SyncListeners, SyncOptions, SyncResult, SyncTarget } from './sync-types.ts';
import { Tally } from './tally.ts';

export interface SyncPorts extends LeasePorts {
  readonly catalog: Catalog;
  readonly random: Random;
  readonly openScratch: () => Scratch;
  readonly telling: Telling;
  readonly openPool: (source: Storage, targets: readonly Storage[], asked: PoolOfSync) => Promise<CopyPool>;
}

/** For whom a pool is opened. */
export interface PoolOfSync {
  readonly scope: string;
  /** What the copies stand on; undefined: the pool only reads. */
  readonly lease: SyncLease | undefined;
  /** Of what others carry out for the pool; undefined: its own choice. */
  readonly leaseMs: number | undefined;
}

export interface SyncReplicas {
  readonly scope: string;
  readonly source: Storage;
  readonly targets: readonly SyncTarget[];
  readonly options: SyncOptions;
  readonly listeners: SyncListeners;
  readonly signal: AbortSignal;
}

/** A target is held by another sync and the caller did not want to wait. */
export class SyncHeldError extends Error {
  override readonly name = 'SyncHeldError';
  readonly held: Held;

  constructor(held: Held, message: string) {
    super(message);
    this.held = held;
  }
}

/**
 * Makes the targets equal to the source (docs/sync.md): one listing and one read of the source feed all of them; what is
 * recorded done is not done again; one failing object or target stops no other; nothing is deleted on an incomplete listing.
 *
 *     leases ── listings joined ── pages of copies ── recorded ── unmatched counted, guarded, asked again, deleted ── result
 *
 * Fails with `SyncHeldError`, or with the `StorageError` of a source that cannot be listed from the start; everything else is
 * in the result.
 */
export async function syncReplicas(ports: SyncPorts, args: SyncReplicas): Promise<SyncResult> {
  const startedMs = ports.clock.monotonicMs();
  const operationIds = new OperationIds(ports.clock, ports.random);
  const tally = new Tally(args.targets, args.listeners, ports.telling);
  for (const [index, { failure }] of args.targets.entries()) if (failure !== undefined) tally.giveUp(index, failure);
  if (args.options.dryRun) {
    const run = new SyncRun({ ...ports, operationIds }, { ...args, id: operationIds.next(), tally, means: undefined });
    return await run.carryOut(startedMs);
  }
  const { prefix, purpose } = args.options;
  const stop = new AbortController();
  const signal = AbortSignal.any([args.signal, stop.signal]);
  let pool: CopyPool | undefined;
  const leases = await SyncLeases.take(
    ports,
    {
      nextId: () => operationIds.next(),
      sync: { scope: args.scope, prefix, purpose, source: args.source.place },
      targets: args.targets,
      wait: args.options.wait,
      listeners: args.listeners,
      signal: args.signal,
      onTargetFailure: (target, error) => tally.giveUp(target, error),
    },
    {
      renewed: (untilMs) => pool?.extend(untilMs),
      lost: () => {
        ports.telling.info?.('leases lost: another sync has taken over');
        stop.abort(new Error('the lease of this sync was lost'));
      },
    },
  );
  if (!(leases instanceof SyncLeases)) throw new SyncHeldError(leases, describeHeld(leases));
  await using held = leases;
  ports.telling.info?.('leases taken', {
    sync: held.lease.syncId,
    targets: args.targets.map(({ title }) => title).join(', '),
    ...(held.resumes === undefined ? {} : { resumes: held.resumes.id }),
  });
  pool = await ports.openPool(
    args.source,
    args.targets.map(({ storage }) => storage),
    { scope: args.scope, lease: held.lease, leaseMs: ports.leaseMs },
  );
  await using openedPool = pool;
  const run = new SyncRun(
    { ...ports, operationIds },
    { ...args, signal, id: held.lease.syncId, tally, means: { leases: held, pool: openedPool } },
  );
  return await run.carryOut(startedMs);
}

function describeHeld(held: Held): string {
  const since = new Date(held.sinceMs).toISOString();
  const who = held.kind === 'held' ? describeOwner(held.holder) : held.heldBy;
  return `${held.target} is being synced by ${who} since ${since}; try again when it has ended, or wait for it with --wait`;
}
