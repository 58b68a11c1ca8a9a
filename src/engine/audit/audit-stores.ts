import { heedSaid } from '../stores/heed-said.ts';
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
  // With the others: what is said of a store is said of those inside it.
  const all = new Map([...ports.stores, ...stores.map((one) => [one.place, one] as const)]);
  const heard = heedSaid(all, await ports.catalog.readStoreUse());
  for (const one of stores) {
    if (rest.signal.aborted) break;
    const access = heard.get(one.place) ?? one;
    audited.push(await auditStore(ports, { ...rest, access }));
  }
  return { stores: audited };
}
