import { escapeKey } from '../domain/object/key.ts';
import { isRetryable, retryDelayMs, type RetryPolicy } from '../domain/transfer/retry.ts';
import type { Catalog, ClaimedRequest, Lease, RequestOutcome } from '../ports/catalog.ts';
import type { Random } from '../ports/random.ts';
import { StorageError } from '../ports/storage.ts';
import type { NotBrought } from './bring-copy.ts';
import { copyReplica } from './copy-replica.ts';
import { deleteReplica, type DeleteReplicaPorts } from './delete-replica.ts';
import { DueWaits } from './due-waits.ts';
import { IdleRun, type OnAway } from './idle-run.ts';
import { LeftToOthers } from './left-to-others.ts';
import { ObjectError } from './object-error.ts';
import type { ReadPorts } from './object-read.ts';
import type { ObjectScope } from './opened-scope.ts';
import { pruneCatalog } from './prune-catalog.ts';
import { RequestLeases } from './request-leases.ts';
import { storageAt } from './scope-stores.ts';
import type { StoreAvailability } from './stores/store-availability.ts';

export type RequestPorts = ReadPorts &
  DeleteReplicaPorts & {
    readonly catalog: Pick<
      Catalog,
      'claimRequests' | 'renewRequests' | 'finishRequests' | 'findOtherSource' | 'listStandingRules' | 'prune' | 'onDue'
    >;
    readonly random: Random;
  };

export interface CarryOutRequests {
  readonly scopes: readonly ObjectScope[];
  /** Printable: who claims them. */
  readonly owner: string;
  /** `idle`: nothing is due now. A signal: until it is aborted; requests that come later are carried out too. */
  readonly until: 'idle' | AbortSignal;
  /** Ends a run until idle early: what is under way is given back to the queue. */
  readonly signal?: AbortSignal;
  /** Requests at once. */
  readonly concurrency?: number;
  readonly onCounted?: OnCounted | undefined;
  /** Of a run until idle: what waits for a store that is away is left to a later one. */
  readonly onAway?: OnAway | undefined;
}

/** Told of each request that was carried out, one way or the other. */
export type OnCounted = (kind: keyof CarriedOut) => void;

export interface CarriedOut {
  readonly done: number;
  /** The object changed or was deleted: there was nothing to do any more. */
  readonly moot: number;
  /** Will be tried again. */
  readonly postponed: number;
  readonly failed: number;
}

/** Enough to keep a link busy with small objects; each holds one buffered body at most. */
const CONCURRENCY = 4;
/** A worker that sleeps longer than this loses its claims. Renewed at a third. */
const LEASE_MS = 60_000;
/** A worker without work, to which nobody tells of any, looks again after this. */
const POLL_MS = 1_000;
/** How often what is said of stores meanwhile is heard. */
const HEAR_EVERY_MS = 5_000;
/** A worker without work forgets what is over, so often. */
const PRUNE_EVERY_MS = 600_000;
/** What is said of its store, or of one that lies at this key, keeps it from being made. */
const HELD_BACK_MS = 60_000;
/** About ten minutes of trying, with pauses up to half a minute. Deletes are never given up. */
const RETRY: RetryPolicy = { attemptsMax: 30, delayMs: 1_000 };

/** Carries out queued copies and deletes of these scopes. Failures of single requests are recorded with them. */
export async function carryOutRequests(ports: RequestPorts, args: CarryOutRequests): Promise<CarriedOut> {
  const { scopes, owner, until, concurrency = CONCURRENCY } = args;
  const stop = until === 'idle' ? args.signal : until;
  const counts = { done: 0, moot: 0, postponed: 0, failed: 0 };
  const count = (kind: keyof CarriedOut): void => {
    counts[kind]++;
    args.onCounted?.(kind);
  };
  const running = new Set<Promise<void>>();
  const others = new LeftToOthers(ports.catalog, scopes, ports.telling);
  const idle = until === 'idle' ? new IdleRun(ports.clock, args.onAway) : undefined;
  let prunedMs = Number.NEGATIVE_INFINITY;
  // All scopes of a process share what they know of its stores.
  const availability = scopes[0]?.availability;
  let heardMs = ports.clock.monotonicMs();
  await using leases = new RequestLeases(ports.catalog, ports.clock, LEASE_MS, stop);
  using waits = new DueWaits(ports.catalog, ports.clock);

  while (stop?.aborted !== true) {
    const limit = concurrency - running.size;
    if (ports.clock.monotonicMs() - heardMs >= HEAR_EVERY_MS) {
      heardMs = ports.clock.monotonicMs();
      await Promise.all([availability?.refresh?.(), others.look()]);
    }
    const names = others.scopes();
    const claimed =
      limit === 0 || names.length === 0
        ? []
        : await ports.catalog.claimRequests({
            owner,
            limit,
            leaseMs: LEASE_MS,
            scopes: names,
            ...leavesAlone(availability, others, idle),
            work: 'of-scopes',
          });
    if (claimed.length > 0) waits.found();
    for (const request of claimed) {
      const work = carryOut(ports, { scopes, leases, idle, others }, request).then(count);
      const tracked = work.finally(() => running.delete(tracked));
      running.add(tracked);
    }
    if (running.size > 0 && claimed.length < Math.max(1, limit)) await Promise.race(running);
    else if (running.size === 0) {
      if (until === 'idle') break;
      if (ports.clock.monotonicMs() - prunedMs >= PRUNE_EVERY_MS) {
        await pruneCatalog(ports.catalog, stop);
        prunedMs = ports.clock.monotonicMs();
      }
      await waits.wait(POLL_MS, stop);
    }
  }
  await Promise.all(running);
  return counts;
}

async function carryOut(
  ports: RequestPorts,
  run: {
    readonly scopes: readonly ObjectScope[];
    readonly leases: RequestLeases;
    readonly idle: IdleRun | undefined;
    readonly others: LeftToOthers;
  },
  request: ClaimedRequest,
): Promise<keyof CarriedOut> {
  const { scopes, leases, idle, others } = run;
  const { lease } = request;
  const scope = scopes.find(({ name }) => name === request.scope);
  const signal = leases.hold(lease);
  let outcome: RequestOutcome;
  try {
    const closed = request.kind === 'copy' && scope?.availability?.whyNot(request.store, 'write', request.name);
    if (scope !== undefined && (await others.owns(scope, request)))
      outcome = others.isLeftAlone(request) ? { lease, kind: 'given-back' } : heldForOthers(lease);
    else if (typeof closed === 'string') outcome = heldBack(lease, closed);
    else {
      const kind = scope === undefined ? 'moot' : await attempt(ports, scope, leases, request, signal);
      if (kind === 'lost-lease') return 'postponed';
      if (typeof kind === 'object') outcome = heldBack(lease, kind.why);
      else outcome = { lease, kind: kind === 'moot' ? 'cancelled' : 'done' };
      if (kind === 'done') idle?.done(request.kind, request.store);
    }
  } catch (error) {
    if (scope !== undefined && isAtStore(error, scope, request))
      idle?.failed(request.kind, request.store, { kind: error.kind, why: error.message });
    // Whoever was told to stop gives it back, to be taken up by the next at once: nothing failed.
    const isGivenBack = signal.aborted || (scope !== undefined && (await others.has(scope, request)));
    outcome = isGivenBack ? { lease, kind: 'given-back' } : judgeFailure(request, error, ports.random.fraction());
  } finally {
    leases.letGo(lease);
  }
  await ports.catalog.finishRequests([outcome]);
  const facts = { object: `${request.scope}:${escapeKey(request.name)}`, store: request.store };
  if ('error' in outcome)
    ports.telling?.info?.(`${request.kind} ${SAID[outcome.kind]}`, { ...facts, why: outcome.error });
  else ports.telling?.debug?.(`${request.kind} ${SAID[outcome.kind]}`, facts);
  return COUNTED[outcome.kind];
}

/** For a moment, or this worker would claim it at once again: who knows the store looks as often. */
function heldForOthers(lease: Lease): RequestOutcome {
  return { lease, kind: 'held-back', afterMs: POLL_MS, error: 'it is for a worker with the configuration of now' };
}

function heldBack(lease: Lease, error: string): RequestOutcome {
  return { lease, kind: 'held-back', afterMs: HELD_BACK_MS, error };
}

/** Of a copy, the source may have failed; what does not answer there keeps nobody else from the store. */
function isAtStore(error: unknown, scope: ObjectScope, { kind, store }: ClaimedRequest): error is StorageError {
  if (!(error instanceof StorageError)) return false;
  return kind === 'delete' || error.store === storageAt(scope, store)?.name;
}

function leavesAlone(
  availability: Pick<StoreAvailability, 'closedFor'> | undefined,
  others: LeftToOthers,
  idle: IdleRun | undefined,
) {
  const { except, ...rest } = idle?.leaves() ?? {};
  return {
    ...rest,
    except: {
      copiesTo: [...(availability?.closedFor('write') ?? []), ...others.places(), ...(except?.copiesTo ?? [])],
      deletesAt: [...(availability?.closedFor('delete') ?? []), ...(except?.deletesAt ?? [])],
    },
  };
}

const SAID = {
  done: 'done',
  cancelled: 'not needed any more',
  'given-back': 'given back to others',
  'held-back': 'held back',
  retry: 'failed, to be tried again',
  failed: 'failed',
} as const;
/** As what an outcome counts. */
export const COUNTED = {
  done: 'done',
  cancelled: 'moot',
  'given-back': 'postponed',
  'held-back': 'postponed',
  retry: 'postponed',
  failed: 'failed',
} as const;

async function attempt(
  ports: RequestPorts,
  scope: ObjectScope,
  leases: RequestLeases,
  request: ClaimedRequest,
  signal: AbortSignal,
): Promise<'done' | NotBrought> {
  if (request.kind === 'copy') {
    const isStillOurs = (): Promise<boolean> => leases.renew(request.lease);
    const copied = await copyReplica(ports, { scope, request, isStillOurs, signal });
    return copied === 'copied' ? 'done' : copied;
  }
  const { name, versionId, store } = request;
  return (await deleteReplica(ports, { scope, name, versionId, store, signal })) === 'not-due' ? 'moot' : 'done';
}

/** Again later, or not: a delete always, a copy while there is hope. What the world changed under its hands is looked at anew. */
function judgeFailure({ lease, kind, attempts }: ClaimedRequest, error: unknown, fraction: number): RequestOutcome {
  if (!(error instanceof StorageError) && !(error instanceof ObjectError)) throw error;
  const message = error.message;
  const again = { lease, kind: 'retry', afterMs: retryDelayMs(attempts, RETRY, fraction), error: message } as const;
  if (kind === 'delete') return again;
  const isHopeful =
    error instanceof StorageError
      ? isRetryable(error.kind) ||
        error.kind === 'precondition-failed' ||
        error.kind === 'blocked' ||
        error.kind === 'changed' ||
        error.kind === 'aborted'
      : error.kind === 'unavailable' || error.kind === 'changed' || error.kind === 'aborted';
  return isHopeful && attempts < RETRY.attemptsMax ? again : { lease, kind: 'failed', error: message };
}
