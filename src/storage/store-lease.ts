import type { LeaseClaim, LeaseHeld } from '../ports/storage.ts';

/** What lies in `.pando/lease`: who syncs into this store, and until when (docs/versions.md, "Leases"). */
export interface LeaseRecord {
  /** Random, of this claim: the holder knows its own lease by it. */
  readonly id: string;
  readonly holder: string;
  readonly process: LeaseClaim['process'];
  readonly sinceMs: number;
  readonly untilMs: number;
}

export type IsAlive = (process: LeaseClaim['process']) => boolean;

/** Who stands in the way of a claim: nobody, if there is no lease, it is over, or its holder died on this host. */
export function findHolder(
  current: LeaseRecord | undefined,
  claim: LeaseClaim,
  isAlive: IsAlive,
): LeaseHeld | undefined {
  if (current === undefined || current.untilMs <= claim.nowMs) return undefined;
  if (current.process.host === claim.process.host && !isAlive(current.process)) return undefined;
  return { heldBy: current.holder, sinceMs: current.sinceMs };
}

export function claimedLease(id: string, claim: LeaseClaim): LeaseRecord {
  return {
    id,
    holder: claim.holder,
    process: claim.process,
    sinceMs: claim.nowMs,
    untilMs: claim.nowMs + claim.leaseMs,
  };
}

/** A record as it was written, or undefined for anything else: a lease nobody can read is nobody's. */
export function parseLease(text: string): LeaseRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<LeaseRecord> | null;
    const process = value?.process;
    if (typeof value?.id !== 'string' || typeof value.holder !== 'string') return undefined;
    if (typeof value.sinceMs !== 'number' || typeof value.untilMs !== 'number') return undefined;
    if (typeof process?.host !== 'string' || typeof process.pid !== 'number') return undefined;
    return value as LeaseRecord;
  } catch {
    return undefined;
  }
}

/**
 * Whether a process of this host still runs. A process id that was given to another program counts as alive: the lease then
 * only waits for its end, which is safe; start times are not compared because wall clocks step.
 */
export function isProcessAlive(holder: LeaseClaim['process']): boolean {
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
