import type { Pando } from '../compose.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { isPolicyOf, wordsOfPolicy } from '../domain/rule/policy-words.ts';
import { type PolicyRule, type ReplicationPolicy, ruleOfPolicy } from '../domain/rule/replication-policy.ts';
import type { RuleWords } from '../domain/rule/rule.ts';
import type { LossPlan, Plan } from '../engine/plan/plan-types.ts';
import type { Actor } from './actor.ts';
import { findStore } from './list-stores.ts';
import { type DefaultScope, parseName } from './object-names.ts';
import { RuleError } from './rule-error.ts';
import { changedWords, checkTerms, makeRule, type RuleTerms } from './rule-order.ts';
import { findRuleTarget, noSuchTarget } from './rule-targets.ts';

/** What would be done, and what may not be meant so. */
export interface Planned extends Plan {
  readonly warnings: readonly string[];
}

export interface PlanPlace {
  readonly actor: Actor;
  readonly scope: DefaultScope;
  readonly signal: AbortSignal;
}

/** `pando rule add`, without doing it. Fails as it does. */
export async function planNewRule(
  pando: Pando,
  place: PlanPlace,
  order: { readonly targets: readonly string[]; readonly terms: RuleTerms },
): Promise<Planned> {
  const { actor, scope, signal } = place;
  const { warnings } = checkTerms(pando.configuration, order.terms, { allowEmpty: true });
  const catalog = await pando.catalogAsItIs();
  const targets = [];
  for (const target of order.targets) targets.push(await findRuleTarget(catalog, target, scope));
  const { account } = actor;
  const words = makeRule(order.terms, { account, targets, nowMs: pando.clock.nowMs(), needsApproval: false });
  return { ...(await pando.storeDesk().planRule({ words, changes: undefined, signal })), warnings };
}

/** `pando rule update`, without doing it. */
export async function planChangedRule(
  pando: Pando,
  { signal }: Pick<PlanPlace, 'signal'>,
  change: { readonly rule: number; readonly terms: Partial<RuleTerms> },
): Promise<Planned> {
  const rule = await (await pando.catalogAsItIs()).readRule(change.rule);
  if (rule === undefined)
    throw new RuleError('not-found', `there is no rule ${change.rule}`, 'pando rule ls shows what there is');
  const kept = change.terms.stores === undefined ? { stores: rule.expression } : {};
  const { warnings } = checkTerms(pando.configuration, change.terms, { allowEmpty: true, ...kept });
  const words: RuleWords = { ...rule, ...changedWords(change.terms, pando.clock.nowMs()) };
  return { ...(await pando.storeDesk().planRule({ words, changes: rule.id, signal })), warnings };
}

/** `pando policy set`, without doing it; whether it would be allowed is not asked. */
export async function planPolicy(
  pando: Pando,
  { scope, actor, signal }: PlanPlace,
  change: { readonly object: string; readonly policy: ReplicationPolicy },
): Promise<Planned> {
  const object = parseName(change.object, scope);
  const catalog = await pando.catalogAsItIs();
  const row = await catalog.readObject(object.scope, object.name);
  if (row?.current.content.kind !== 'object') throw await noSuchTarget(catalog, object);
  const rule = (await catalog.listRulesOf(object)).find((one) => isPolicyOf(one, object));
  const words = wordsOfPolicy(ruleOfPolicy(change.policy) ?? NO_COPIES, {
    object,
    origin: 'policy',
    account: rule?.account ?? actor.account,
  });
  return {
    ...(await pando.storeDesk().planRule({ words, changes: rule?.id, signal })),
    warnings: warningsOf(change.policy, object),
  };
}

/** What a policy that asks for none leaves: the copies it had brought are released. */
const NO_COPIES: PolicyRule = {
  copies: 0,
  grouping: 'none',
  besidesAuthoritative: true,
  isByPolicy: true,
  purge: true,
  preferredNodes: [],
  blockedNodes: [],
};

function warningsOf(policy: ReplicationPolicy, object: ObjectName): readonly string[] {
  return ruleOfPolicy(policy) === undefined ? [`the policy asks for no copies of ${formatObjectName(object)}`] : [];
}

/** What would be, were a store gone for good. */
export async function planLostStore(
  pando: Pando,
  { store, signal }: { readonly store: string; readonly signal: AbortSignal },
): Promise<LossPlan> {
  const { place } = findStore(pando.configuration, store);
  return pando.storeDesk().planLoss({ store: place, signal });
}
