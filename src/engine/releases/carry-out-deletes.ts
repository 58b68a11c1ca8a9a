import { retryDelayMs } from '../../domain/transfer/retry.ts';
import type { Catalog, ClaimedRequest, RequestOutcome } from '../../ports/catalog.ts';
import type { Random } from '../../ports/random.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { StorageError } from '../../ports/storage.ts';
import { type CarriedOut, COUNTED, type OnCounted } from '../carry-out-requests.ts';
import { deleteReplica, type DeleteReplicaPorts } from '../delete-replica.ts';
import { IdleRun } from '../idle-run.ts';
import { RequestLeases } from '../request-leases.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import { openLooseScope } from '../stores/loose-scope.ts';
import type { Stores } from '../stores/store-access.ts';

export type DeletePlacedPorts = DeleteReplicaPorts & {
  readonly catalog: Pick<Catalog & RuleCatalog, 'claimRequests' | 'renewRequests' | 'finishRequests' | 'readStoreUse'>;
  readonly random: Random;
  readonly stores: Stores;
};

export interface CarryOutDeletes {
  readonly owner: string;
  /** Deletes of these scopes are made by who has them open. */
  readonly exceptScopes: readonly string[];
  readonly signal: AbortSignal;
  readonly onCounted?: OnCounted | undefined;
  /** Of a run that does more than these deletes; by default they are a run of their own. */
  readonly idle?: IdleRun;
  /** Places that no profile here names, as this process has come to know: what waits for them is left to others. */
  readonly unknown?: Set<string>;
}

/** Deletes at once, over all stores. */
const CLAIM_MAX = 64;
const LEASE_MS = 60_000;
/** Until a store that is not to be asked is thought of again. */
const HELD_BACK_MS = 60_000;

/** Carries out the deletes of placed replicas until none is due. A delete is tried until it is done. */
export async function carryOutDeletes(ports: DeletePlacedPorts, args: CarryOutDeletes): Promise<CarriedOut> {
  const { owner, exceptScopes, signal, onCounted, idle = new IdleRun(ports.clock), unknown = new Set() } = args;
  const counts = { done: 0, moot: 0, postponed: 0, failed: 0 };
  await using leases = new RequestLeases(ports.catalog, ports.clock, LEASE_MS, signal);
  while (!signal.aborted) {
    const { except, ...leaves } = idle.leaves();
    const deletesAt = [...(except?.deletesAt ?? []), ...unknown];
    const claimed = await ports.catalog.claimRequests({
      owner,
      limit: CLAIM_MAX,
      leaseMs: LEASE_MS,
      work: 'other-deletes',
      scopes: exceptScopes,
      ...leaves,
      except: { copiesTo: except?.copiesTo ?? [], deletesAt },
    });
    if (claimed.length === 0) break;
    const closed = new ClosedStores(ports.stores.values(), await ports.catalog.readStoreUse());
    const outcomes = await Promise.all(
      claimed.map(async (request) => {
        const outcome = await attempt({ ...ports, idle, unknown }, closed, request, leases.hold(request.lease));
        leases.letGo(request.lease);
        return outcome;
      }),
    );
    await ports.catalog.finishRequests(outcomes);
    for (const { kind } of outcomes) {
      counts[COUNTED[kind]]++;
      onCounted?.(COUNTED[kind]);
    }
  }
  return counts;
}

async function attempt(
  ports: DeletePlacedPorts & { readonly idle: IdleRun; readonly unknown: Set<string> },
  closed: ClosedStores,
  { lease, scope, name, versionId, store, attempts }: ClaimedRequest,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  const known = ports.stores.get(store);
  if (known === undefined) {
    ports.unknown.add(store);
    return { lease, kind: 'retry', afterMs: 0, error: 'no profile here names the store' };
  }
  const why = closed.whyNot(store, 'delete');
  if (why !== undefined) return { lease, kind: 'retry', afterMs: HELD_BACK_MS, error: `${known.name}: ${why}` };
  try {
    const opened = await openLooseScope(scope, [store], ports.stores, closed);
    const outcome = await deleteReplica(ports, { scope: opened, name, versionId, store, signal });
    if (outcome !== 'not-due') ports.idle.done('delete', store);
    return { lease, kind: outcome === 'not-due' ? 'cancelled' : 'done' };
  } catch (error) {
    // Also while it waited for who copies, whose failure is no store's.
    if (signal.aborted) return { lease, kind: 'given-back' };
    if (!(error instanceof StorageError)) throw error;
    ports.idle.failed('delete', store, { kind: error.kind, why: error.message });
    const policy = { attemptsMax: Number.MAX_SAFE_INTEGER, delayMs: 1_000 };
    const afterMs = retryDelayMs(attempts, policy, ports.random.fraction());
    return { lease, kind: 'retry', afterMs, error: error.message };
  }
}
