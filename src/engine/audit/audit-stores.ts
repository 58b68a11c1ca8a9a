import type { StoreAccess } from '../stores/store-access.ts';
import { auditStore } from './audit-store.ts';
import type { AuditListeners, AuditOptions, AuditPorts, AuditResult, StoreAudit } from './audit-types.ts';

export interface AuditStores {
  readonly stores: readonly StoreAccess[];
  readonly options: AuditOptions;
  readonly listeners: AuditListeners;
  /** Places between two checkpoints; by default some thousands. */
  readonly stepPlaces?: number;
  readonly signal: AbortSignal;
}

/** One store after the other: each listing and each sort has the machine for itself, and an interruption costs one store's step. */
export async function auditStores(ports: AuditPorts, { stores, ...rest }: AuditStores): Promise<AuditResult> {
  const audited: StoreAudit[] = [];
  for (const access of stores) {
    if (rest.signal.aborted) break;
    audited.push(await auditStore(ports, { ...rest, access }));
  }
  return { stores: audited };
}
