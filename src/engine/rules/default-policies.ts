import type { ObjectName } from '../../domain/object/object-name.ts';
import { UPLOAD_ACTIVITY } from '../../domain/rule/activities.ts';
import { type DefaultPolicy, findPolicyInForce, type PolicyInForce } from '../../domain/rule/default-policy.ts';
import { isPolicyOf, wordsOfPolicy } from '../../domain/rule/policy-words.ts';
import { ruleOfPolicy } from '../../domain/rule/replication-policy.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Stores } from '../stores/store-access.ts';

export interface DefaultPolicyPorts {
  readonly catalog: Pick<Catalog, 'readTraits' | 'listRulesOf' | 'addRule' | 'tellRule'>;
  readonly stores: Stores;
  readonly defaults: DefaultPolicies;
}

export interface DefaultPolicies {
  /** In which it is on; `*` is all. */
  readonly scopes: readonly string[];
  readonly maxBytes: number;
  /** Whose the rules are. */
  readonly account: string;
}

/** Some store volunteers for copies by policy. */
function hasVolunteers(stores: Stores): boolean {
  return [...stores.values()].some(({ traits }) => traits.accepts.replicate);
}

function isDefaultPolicyOn({ scopes }: Pick<DefaultPolicies, 'scopes'>, scope: string): boolean {
  return scopes.includes('*') || scopes.includes(scope);
}

/**
 * An object has got a new version by an upload or a put: the default policy becomes a rule of its own where it is in force, and ends
 * where it is not any more (docs/policies.md, "The default policy"). Told twice, it has the effect of one. Where the default policy is
 * off in the scope nothing is looked at.
 */
export async function applyDefaultPolicy(
  { catalog, stores, defaults }: DefaultPolicyPorts,
  { scope, name, bytes }: ObjectName & { readonly bytes: number },
): Promise<PolicyInForce> {
  const object = { scope, name };
  const byDefault: DefaultPolicy = { isOn: isDefaultPolicyOn(defaults, scope), maxBytes: defaults.maxBytes };
  if (!byDefault.isOn) {
    const nothing = { bytes, policy: undefined, hasRule: false, hasVolunteers: false };
    return findPolicyInForce(nothing, byDefault);
  }
  const [traits, rules] = await Promise.all([catalog.readTraits(object), catalog.listRulesOf(object)]);
  const policy = traits?.policy;
  const ours = rules.filter((rule) => rule.origin === 'default-policy' && isPolicyOf(rule, object));
  // The rule of an upload says where its bytes went, and nothing of copies.
  const hasRule = rules.some((rule) => !ours.includes(rule) && rule.activity !== UPLOAD_ACTIVITY);
  const facts = { bytes, policy, hasRule, hasVolunteers: hasVolunteers(stores) };
  const inForce = findPolicyInForce(facts, byDefault);
  const wanted = policy !== undefined || inForce.policy === undefined ? undefined : ruleOfPolicy(inForce.policy);
  if (wanted === undefined) {
    for (const { id } of ours) await catalog.tellRule(id, 'deleted');
  } else if (ours.length === 0) {
    const words = wordsOfPolicy(wanted, { object, origin: 'default-policy', account: defaults.account });
    await catalog.addRule({ ...words, needsApproval: false });
  }
  return inForce;
}

/** `applyDefaultPolicy` of what was uploaded. */
export async function applyDefaultPolicies(
  ports: DefaultPolicyPorts,
  files: readonly (ObjectName & { readonly size: number; readonly state: string })[],
): Promise<void> {
  for (const { scope, name, size: bytes, state } of files)
    if (state === 'uploaded' || state === 'present') await applyDefaultPolicy(ports, { scope, name, bytes });
}
