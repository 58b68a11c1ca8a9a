import type { Pando } from '../compose.ts';
import type { ReplicationPolicy } from '../domain/rule/replication-policy.ts';
import type { LossPlan } from '../engine/plan/plan-types.ts';
import type { Actor } from './actor.ts';
import { policyOf } from './check-policy.ts';
import type { DefaultScope } from './object-names.ts';
import { planChangedRule, planLostStore, type Planned, planNewRule, planPolicy } from './plan.ts';
import type { RuleTerms } from './rule-order.ts';

export interface PlanOptions {
  /** Ends the plan early: it tells what it has seen. */
  readonly signal?: AbortSignal;
}

/** What would be done (docs/audit.md, "Plans"). Nothing is written. Each fails as the deed does. */
export class Plans {
  readonly #pando: Pando;
  readonly #who: { readonly actor: Actor; readonly scope: DefaultScope };

  constructor(pando: Pando, who: { readonly actor: Actor; readonly scope: DefaultScope }) {
    this.#pando = pando;
    this.#who = who;
  }

  async newRule(targets: readonly string[], terms: RuleTerms, options: PlanOptions = {}): Promise<Planned> {
    return await planNewRule(this.#pando, { ...this.#who, signal: signalOf(options) }, { targets, terms });
  }

  async changedRule(rule: number, terms: Partial<RuleTerms>, options: PlanOptions = {}): Promise<Planned> {
    return await planChangedRule(this.#pando, { signal: signalOf(options) }, { rule, terms });
  }

  /** `said`: a policy, or its text, YAML or XML. */
  async policy(object: string, said: ReplicationPolicy | string, options: PlanOptions = {}): Promise<Planned> {
    const policy = policyOf(said);
    return await planPolicy(this.#pando, { ...this.#who, signal: signalOf(options) }, { object, policy });
  }

  /** Were the store gone for good. */
  async lostStore(store: string, options: PlanOptions = {}): Promise<LossPlan> {
    return await planLostStore(this.#pando, { store, signal: signalOf(options) });
  }
}

function signalOf({ signal }: PlanOptions): AbortSignal {
  return signal ?? new AbortController().signal;
}
