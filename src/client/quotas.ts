import type { Configuration } from '../config/configuration.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { Quota } from '../ports/quotas.ts';
import { type Actor, demandAdministrator } from './actor.ts';
import { listStores } from './list-stores.ts';
import { walkRules } from './walk-rules.ts';
import { RuleError } from './rule-error.ts';

export interface QuotaUse extends Quota {
  /** Under locks of the account's rules at the stores that the expression means now. */
  readonly usedBytes: number;
  readonly stores: readonly string[];
}

/** How much accounts may claim where (docs/rules.md, "Space and quota"). Nobody has one until it is set. */
export class Quotas {
  readonly #catalog: Catalog;
  readonly #configuration: Configuration;
  readonly #actor: Actor;

  constructor(given: { readonly catalog: Catalog; readonly configuration: Configuration; readonly actor: Actor }) {
    this.#catalog = given.catalog;
    this.#configuration = given.configuration;
    this.#actor = given.actor;
  }

  async list(account?: string): Promise<readonly QuotaUse[]> {
    const quotas = await this.#catalog.listQuotas(account);
    const told: QuotaUse[] = [];
    for (const quota of quotas) {
      const use = new Map(
        (await this.#catalog.readAccountUse(quota.account)).map(({ store, bytes }) => [store, bytes]),
      );
      const found = listStores(this.#configuration, quota.expression);
      const stores = found.kind === 'empty' ? [] : found.stores;
      const places = new Set(stores.map(({ place }) => place));
      const usedBytes = [...places].reduce((sum, place) => sum + (use.get(place) ?? 0), 0);
      told.push({ ...quota, usedBytes, stores: stores.map(({ name }) => name) });
    }
    return told;
  }

  /**
   * `bytes` undefined: none any more. Rules of the account that wait for a place are looked at again. Fails with a `RuleError` where
   * the caller is no administrator, with a `ConfigurationError` where the expression is not understood.
   */
  async set(account: string, expression: string, bytes: number | undefined): Promise<readonly string[]> {
    demandAdministrator(this.#actor, 'set quotas');
    if (account.trim() === '')
      throw new RuleError('refused', 'a quota of nobody', 'name the account: pando quota set ACCOUNT STORE-EXPR SIZE');
    const found = listStores(this.#configuration, expression);
    await this.#catalog.setQuota({ account, expression, bytes });
    for await (const { id } of walkRules(this.#catalog, { account, state: 'STUCK' }))
      await this.#catalog.hasten({ fact: 'asked', rule: id });
    return found.kind === 'empty' ? [] : found.stores.map(({ name }) => name);
  }
}
