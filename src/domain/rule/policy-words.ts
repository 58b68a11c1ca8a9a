import type { ObjectName } from '../object/object-name.ts';
import { RULE_ACTIVITY_DEFAULT, RULE_PRIORITY_DEFAULT } from './activities.ts';
import type { PolicyRule } from './replication-policy.ts';
import type { RuleOrigin, RuleWords } from './rule.ts';

/** The rule that carries out one object's policy, as it is ordered (docs/policies.md, "Policies of objects"). */
export function wordsOfPolicy(
  { copies, grouping, besidesAuthoritative, isByPolicy, purge, preferredNodes, blockedNodes }: PolicyRule,
  given: { readonly object: ObjectName; readonly origin: Exclude<RuleOrigin, 'asked'>; readonly account: string },
): RuleWords {
  const { object, origin, account } = given;
  return {
    origin,
    account,
    targets: [{ kind: 'object', scope: object.scope, name: object.name }],
    copies,
    expression: '*',
    sourceExpression: undefined,
    grouping,
    weight: undefined,
    domainAttribute: undefined,
    activity: RULE_ACTIVITY_DEFAULT,
    priority: RULE_PRIORITY_DEFAULT,
    isLocked: false,
    purge,
    ignoreAvailability: false,
    besidesAuthoritative,
    isByPolicy,
    preferred: preferredNodes,
    blocked: blockedNodes,
    comment: undefined,
    notify: 'none',
    expiresMs: undefined,
    replaces: undefined,
  };
}

/** Whether a rule is the policy of this very object. */
export function isPolicyOf(
  { origin, targets }: Pick<RuleWords, 'origin' | 'targets'>,
  { scope, name }: ObjectName,
): boolean {
  const [target, ...others] = targets;
  const isObject = target?.kind === 'object' && target.scope === scope && target.name === name;
  return origin !== 'asked' && others.length === 0 && isObject;
}
