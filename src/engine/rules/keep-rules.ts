import type { Catalog } from '../../ports/catalog.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import type { CarriedOut } from '../carry-out-requests.ts';
import type { DeleteReplicaPorts } from '../delete-replica.ts';
import { deleteReleased } from '../releases/delete-released.ts';
import { carryOutDeletes } from '../releases/carry-out-deletes.ts';
import { freeBytesOf } from '../releases/free-bytes.ts';
import { runTransfers, type TransferPorts } from '../transfers/run-transfers.ts';
import type { RulePorts } from './apply-rule.ts';
import { evaluateRules } from './evaluate-rules.ts';

/** What a worker needs to carry out rules. */
export type RuleWorkPorts = RulePorts &
  TransferPorts &
  DeleteReplicaPorts & { readonly catalog: Catalog & RuleCatalog };

export interface KeepRules {
  /** Printable: who claims. */
  readonly owner: string;
  /** `idle`: nothing is due now. A signal: until it is aborted. */
  readonly until: 'idle' | AbortSignal;
  readonly signal?: AbortSignal;
  /** Scopes of profiles: their deletes are somebody else's. */
  readonly exceptScopes: readonly string[];
}

/** Stuck locks that are tried again in one transaction. */
const RETRIES = 1_000;
/** How long a worker without work waits before it looks again. */
const POLL_MS = 1_000;

/**
 * Keeps the rules: applies them, copies, deletes what is released, tries again what is stuck. Any number of workers may do it at
 * once. Until idle it ends when a whole turn found nothing to do.
 */
export async function keepRules(ports: RuleWorkPorts, args: KeepRules): Promise<CarriedOut> {
  const { owner, until, exceptScopes } = args;
  const stop = until === 'idle' ? args.signal : until;
  const signal = stop ?? new AbortController().signal;
  const total = { done: 0, moot: 0, postponed: 0, failed: 0 };
  while (!signal.aborted) {
    const { applied, ended } = await evaluateRules(ports, { owner, signal });
    const retried = await ports.catalog.retryStuck(RETRIES);
    const copied = await runTransfers(ports, { owner, until: 'idle', signal });
    const condemned = await deleteReleased({ ...ports, freeBytes: freeBytesOf }, signal);
    const deleted = await carryOutDeletes(ports, { owner, exceptScopes, signal });
    for (const one of [copied, deleted]) {
      for (const kind of ['done', 'moot', 'postponed', 'failed'] as const) total[kind] += one[kind];
    }
    const worked = applied + ended + retried + condemned + copied.done + copied.moot + copied.failed + deleted.done;
    if (worked > 0) continue;
    if (until === 'idle') break;
    await ports.clock.sleep(POLL_MS, stop).catch(() => undefined);
  }
  return total;
}
