import { type ClaimOwner, readOwner } from '../domain/transfer/claim-owner.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { Processes } from '../ports/processes.ts';

export interface DeadClaimPorts {
  readonly catalog: Pick<Catalog, 'listClaimOwners' | 'endClaims'>;
  readonly processes: Processes;
}

/** What processes of this host had in hand when they ended is due at once; that of others waits for the end of its lease. */
export async function endDeadClaims({ catalog, processes }: DeadClaimPorts): Promise<number> {
  const dead = (await catalog.listClaimOwners()).filter((owner) => {
    const who = readOwner(owner);
    return who !== undefined && isOwnerDead(processes, who);
  });
  return dead.length === 0 ? 0 : await catalog.endClaims(dead);
}

export function isOwnerDead(processes: Processes, { host, pid }: ClaimOwner): boolean {
  // A process that has the number again counts as alive.
  return processes.isDead({ host, pid, startedMs: 0 });
}
