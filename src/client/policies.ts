import type { Pando } from '../compose.ts';
import { findProfile } from '../config/find-profile.ts';
import { storePlace } from '../config/place.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { decidePolicyPermission } from '../domain/rule/policy-permission.ts';
import { type PolicyStatus, viewPolicyStatus } from '../domain/rule/policy-status.ts';
import { isPolicyOf, wordsOfPolicy } from '../domain/rule/policy-words.ts';
import { type ReplicationPolicy, ruleOfPolicy } from '../domain/rule/replication-policy.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { RuleRecord } from '../ports/rules.ts';
import type { Actor } from './actor.ts';
import { CatalogObjects } from './catalog-objects.ts';
import {
  checkAcceptancePolicyText,
  type CheckedAcceptance,
  type CheckedPolicy,
  checkReplicationPolicyText,
  POLICY_AT_HAND,
  policyOf,
} from './check-policy.ts';
import { explain } from './explain.ts';
import { type DefaultScope, parseName } from './object-names.ts';
import { RuleError } from './rule-error.ts';

/** An object's policy and what has become of it. */
export interface PolicyDetails {
  readonly object: string;
  /** Its own; undefined: nobody said any. */
  readonly policy: ReplicationPolicy | undefined;
  /** The rule that carries it out, or the default policy's. */
  readonly rule: RuleRecord | undefined;
  /** Why copies have no place. */
  readonly missing: string | undefined;
  readonly nextLookMs: number | undefined;
  readonly authoritative: string | undefined;
  /** Copies as policies tell them (docs/states.md, "As a policy sees it"). */
  readonly copies: readonly {
    readonly store: string;
    readonly status: PolicyStatus;
    readonly why: string | undefined;
  }[];
}

/**
 * Policies of objects (docs/policies.md, "Policies of objects"): each is carried out by a rule of its own. Fails with a `RuleError`
 * where somebody may not, and as `CatalogObjects` does where there is no such object.
 */
export class Policies {
  readonly #pando: Pando;
  readonly #catalog: Catalog;
  readonly #scope: DefaultScope;
  readonly #actor: Actor;

  constructor(pando: Pando, given: { readonly catalog: Catalog; readonly scope: DefaultScope; readonly actor: Actor }) {
    this.#pando = pando;
    this.#catalog = given.catalog;
    this.#scope = given.scope;
    this.#actor = given.actor;
  }

  /**
   * Reads a policy, YAML or XML (docs/policies.md, "Policies as YAML and XML"), and says what it means on the stores that are
   * configured. Fails with a `ConfigurationError` with everything that is wrong with the text.
   */
  check(text: string): CheckedPolicy {
    return checkReplicationPolicyText(this.#pando.configuration, text, POLICY_AT_HAND);
  }

  /** What a store accepts; otherwise as `check`. */
  checkAcceptance(text: string): CheckedAcceptance {
    return checkAcceptancePolicyText(this.#pando.configuration, text, POLICY_AT_HAND);
  }

  /**
   * `said`: a policy, or its text as `check` reads it. The number of the rule that carries it out; undefined: it asks for no copies,
   * and what a rule had brought is released.
   */
  async set(text: string, said: ReplicationPolicy | string): Promise<number | undefined> {
    const policy = policyOf(said);
    const object = parseName(text, this.#scope);
    const rightsHolder = await this.#demandPermission(text, object);
    await this.#catalog.setTraits(object, { policy });
    const before = await this.#ruleOf(object);
    const wanted = ruleOfPolicy(policy);
    if (wanted === undefined) {
      if (before !== undefined) await this.#catalog.tellRule(before.id, 'deleted');
      return undefined;
    }
    const account = before?.account ?? rightsHolder ?? this.#actor.account;
    const words = wordsOfPolicy(wanted, { object, origin: 'policy', account });
    if (before !== undefined) {
      await this.#catalog.updateRule(before.id, words);
      return before.id;
    }
    const added = await this.#catalog.addRule({ ...words, needsApproval: false });
    if (added.kind === 'unknown-target') throw gone(object);
    return added.id;
  }

  async show(text: string): Promise<PolicyDetails> {
    const object = parseName(text, this.#scope);
    await new CatalogObjects(this.#catalog, this.#scope).show(text);
    const [traits, rule] = await Promise.all([this.#catalog.readTraits(object), this.#ruleOf(object)]);
    const explained = await explain(this.#pando, formatObjectName(object), this.#scope);
    if (explained.kind !== 'object') throw gone(object);
    const authority = this.#authority(object, traits?.authority);
    const lacking = explained.rules.find((one) => one.rule.id === rule?.id);
    const there = explained.replicas.flatMap(({ store, policyStatus: status }) =>
      status === undefined ? [] : [{ store, status }],
    );
    const asked = explained.copies
      .filter(({ store }) => there.every((one) => one.store !== store))
      .flatMap(({ store, lock, request }) => {
        const status = viewPolicyStatus({ replica: undefined, lock, request: request?.state });
        return status === undefined ? [] : [{ store, status }];
      });
    const why = new Map(explained.copies.map((one) => [one.store, one.why]));
    return {
      object: formatObjectName(object),
      policy: traits?.policy,
      rule,
      missing: lacking?.why,
      nextLookMs: lacking?.nextMs,
      authoritative: authority?.name,
      copies: [...there, ...asked].map((one) => ({ ...one, why: why.get(one.store) })),
    };
  }

  async #ruleOf(object: ObjectName): Promise<RuleRecord | undefined> {
    return (await this.#catalog.listRulesOf(object)).find((rule) => isPolicyOf(rule, object));
  }

  /** Gives the rights holder. */
  async #demandPermission(text: string, object: ObjectName): Promise<string | undefined> {
    const traits = await this.#catalog.readTraits(object);
    // It knows what may be meant.
    if (traits === undefined) await new CatalogObjects(this.#catalog, this.#scope).show(text);
    if (traits === undefined) throw gone(object);
    const authority = this.#authority(object, traits.authority);
    const { account, isAdministrator } = this.#actor;
    const permission = decidePolicyPermission({
      object: formatObjectName(object),
      account,
      isAdministrator,
      rightsHolder: traits.rightsHolder,
      authoritativeStore:
        authority === undefined
          ? undefined
          : { store: authority.name, isAdministeredByAccount: authority.administrators?.includes(account) === true },
    });
    if (permission.kind === 'granted') return traits.rightsHolder;
    const remedy = 'administrators of Pando and of a store are listed under "administrators:" in the configuration';
    throw new RuleError('refused', permission.why, remedy);
  }

  /** The profile of the store where the object is authoritative. */
  #authority({ scope }: ObjectName, place: string | undefined) {
    const { configuration } = this.#pando;
    if (place === undefined) return findProfile(configuration, scope);
    return Object.values(configuration.profiles).find(({ storage }) => storePlace(storage) === place);
  }
}

function gone(object: ObjectName): RuleError {
  const name = formatObjectName(object);
  return new RuleError('not-found', `${name} was deleted`, `pando object show ${name} tells more`);
}
