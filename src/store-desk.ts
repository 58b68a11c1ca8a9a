import type { AuditStores } from './engine/audit/audit-stores.ts';
import type { AuditPorts, AuditResult } from './engine/audit/audit-types.ts';
import type { DarkRemoved, RemoveDark } from './engine/audit/remove-dark.ts';
import type { PlanLoss } from './engine/plan/plan-loss.ts';
import type { PlanRule } from './engine/plan/plan-rule.ts';
import type { LossPlan, Plan, PlanPorts } from './engine/plan/plan-types.ts';
import type { Stores } from './engine/stores/store-access.ts';
import { describeTopology } from './engine/stores/topology.ts';
import type { Catalog } from './ports/catalog.ts';
import { openSystemScratch } from './system/system-scratch.ts';

/** What audits and plans are made of. */
export interface StoreDeskParts extends Pick<AuditPorts, 'clock' | 'random' | 'health' | 'telling' | 'openPool'> {
  readonly stores: () => Stores;
  /** The same, known to the catalog from then on. */
  readonly declareStores: () => Promise<Stores>;
  readonly catalog: () => Promise<Catalog>;
  /** None is made where there is none. */
  readonly catalogAsItIs: () => Promise<Catalog>;
  readonly clientSite: string | undefined;
}

/** Audits of stores, and plans about them, put together. The code of each is loaded with its first use. */
export class StoreDesk {
  readonly #parts: StoreDeskParts;

  constructor(parts: StoreDeskParts) {
    this.#parts = parts;
  }

  /** Compares stores with the catalog. What changes meanwhile is told apart by a second look at the catalog. */
  async audit(args: AuditStores): Promise<AuditResult> {
    const { auditStores } = await import('./engine/audit/audit-stores.ts');
    const { clock, random, health, telling, openPool, declareStores, catalog } = this.#parts;
    const stores = await declareStores();
    const ports = { clock, random, health, telling, openPool, stores, openScratch: () => openSystemScratch() };
    return auditStores({ ...ports, catalog: await catalog() }, args);
  }

  /** Removes what audits have set aside at a store. */
  async removeDark(args: Omit<RemoveDark, 'nowMs'>): Promise<DarkRemoved> {
    const { removeDark } = await import('./engine/audit/remove-dark.ts');
    return removeDark({ ...args, nowMs: this.#parts.clock.nowMs() });
  }

  /** What a rule would do. Nothing is opened and nothing is written. */
  async planRule(args: PlanRule): Promise<Plan> {
    const { planRule } = await import('./engine/plan/plan-rule.ts');
    return planRule(await this.#planPorts(), args);
  }

  /** What would be, were a store gone. */
  async planLoss(args: PlanLoss): Promise<LossPlan> {
    const { planLoss } = await import('./engine/plan/plan-loss.ts');
    return planLoss(await this.#planPorts(), args);
  }

  async #planPorts(): Promise<PlanPorts> {
    const { stores, catalogAsItIs, clientSite } = this.#parts;
    const known = stores();
    const topology = describeTopology(known);
    return {
      catalog: await catalogAsItIs(),
      stores: known,
      topology,
      clientSite,
      openScratch: () => openSystemScratch(),
    };
  }
}
