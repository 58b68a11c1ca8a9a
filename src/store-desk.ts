import type { AuditStores } from './engine/audit/audit-stores.ts';
import type { AuditPorts, AuditResult } from './engine/audit/audit-types.ts';
import type { DarkRemoved, RemoveDark } from './engine/audit/remove-dark.ts';
import type { MarkedStore } from './engine/explain/store-marks.ts';
import type { UnreadableStore } from './engine/explain/unreadable-stores.ts';
import type { PlanLoss } from './engine/plan/plan-loss.ts';
import type { PlanRule } from './engine/plan/plan-rule.ts';
import type { LossPlan, Plan, PlanPorts } from './engine/plan/plan-types.ts';
import { heedSaid } from './engine/stores/heed-said.ts';
import type { LoseStore, LostStore } from './engine/stores/lose-store.ts';
import type { Stores } from './engine/stores/store-access.ts';
import { describeTopology } from './engine/stores/topology.ts';
import type { Catalog } from './ports/catalog.ts';
import type { StoreHeld } from './ports/store-places.ts';
import { openSystemScratch } from './system/system-scratch.ts';

/** Of the whole that is put together in `compose.ts`, what audits and plans need. */
export interface DeskOwner extends Pick<AuditPorts, 'clock' | 'random'> {
  readonly configuration: { readonly site?: string | undefined };
  stores(): Stores;
  /** The same, known to the catalog from then on. */
  declareStores(): Promise<Stores>;
  catalog(): Promise<Catalog>;
  /** None is made where there is none. */
  catalogAsItIs(): Promise<Catalog>;
}

type DeskParts = Pick<AuditPorts, 'health' | 'telling' | 'openPool'>;

/** Audits of stores, and plans about them, put together. The code of each is loaded with its first use. */
export class StoreDesk {
  readonly #owner: DeskOwner;
  readonly #parts: DeskParts;

  constructor(owner: DeskOwner, parts: DeskParts) {
    this.#owner = owner;
    this.#parts = parts;
  }

  /** Compares stores with the catalog. What changes meanwhile is told apart by a second look at the catalog. */
  async audit(args: AuditStores): Promise<AuditResult> {
    const { auditStores } = await import('./engine/audit/audit-stores.ts');
    const { clock, random } = this.#owner;
    const stores = await this.#owner.declareStores();
    const catalog = await this.#owner.catalog();
    return auditStores(
      { ...this.#parts, clock, random, stores, catalog, openScratch: () => openSystemScratch() },
      args,
    );
  }

  /** Removes what audits have set aside at a store. */
  async removeDark(args: Omit<RemoveDark, 'nowMs' | 'stores' | 'catalog'>): Promise<DarkRemoved> {
    const { removeDark } = await import('./engine/audit/remove-dark.ts');
    const catalog = await this.#owner.catalog();
    const stores = this.#owner.stores();
    const all = new Map([...stores, [args.access.place, args.access]]);
    const access = heedSaid(all, await catalog.readStoreUse()).get(args.access.place) ?? args.access;
    return removeDark({ ...args, access, stores, catalog, nowMs: this.#owner.clock.nowMs() });
  }

  /** Stores whose copies cannot be read now, as far as is known without asking them. */
  async unreadable(): Promise<readonly UnreadableStore[]> {
    const { findUnreadable } = await import('./engine/explain/unreadable-stores.ts');
    const catalog = await this.#owner.catalog();
    const use = await catalog.readStoreUse();
    const stores = heedSaid(this.#owner.stores(), use);
    return [...findUnreadable(stores, { use, audits: await catalog.listAudits() }).values()];
  }

  /** Stores that are not to be asked for everything now, or do not answer. */
  async marked(): Promise<readonly MarkedStore[]> {
    const { findMarked } = await import('./engine/explain/store-marks.ts');
    const catalog = await this.#owner.catalog();
    const use = await catalog.readStoreUse();
    const stores = heedSaid(this.#owner.stores(), use);
    return [...findMarked(stores, { use, audits: await catalog.listAudits() }).values()];
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

  /** A store is gone for good: what the catalog has of it is forgotten. */
  async loseStore(args: LoseStore): Promise<LostStore | StoreHeld> {
    const { loseStore } = await import('./engine/stores/lose-store.ts');
    return loseStore({ catalog: await this.#owner.catalog() }, args);
  }

  async #planPorts(): Promise<PlanPorts> {
    const stores = this.#owner.stores();
    return {
      stores,
      catalog: await this.#owner.catalogAsItIs(),
      topology: describeTopology(stores),
      clientSite: this.#owner.configuration.site,
      openScratch: () => openSystemScratch(),
    };
  }
}
