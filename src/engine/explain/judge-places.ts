import type { ObjectName } from '../../domain/object/object-name.ts';
import { placeCopies } from '../../domain/placement/place-copies.ts';
import { tellRejected } from '../../domain/placement/placement.ts';
import type { RuleObject, RuleRecord } from '../../ports/rules.ts';
import { placementRule } from '../rules/placement-rule.ts';
import { drawFrom } from '../rules/draw.ts';
import { factsOfObject } from '../rules/object-facts.ts';
import { factsOfStores } from '../rules/store-facts.ts';
import type { ExplainPorts, StoresSeen } from './explain-ports.ts';
import type { StoreReason } from './explanation.ts';

/**
 * Where a rule could place one object now, told for the object by itself. Of a rule that keeps groups together it tells which stores
 * are no candidates, and not whether the whole group has room. Nothing is changed.
 */
export async function judgePlaces(
  { catalog }: Pick<ExplainPorts, 'catalog'>,
  { stores, use }: StoresSeen,
  {
    rule,
    object,
    dataset,
  }: { readonly rule: RuleRecord; readonly object: RuleObject; readonly dataset: ObjectName | undefined },
): Promise<{ readonly missing: string | undefined; readonly rejected: readonly StoreReason[] }> {
  const [quotas, accountUse] = await Promise.all([
    catalog.listQuotas(rule.account),
    catalog.readAccountUse(rule.account),
  ]);
  const [group] = placeCopies({
    rule: { ...placementRule(rule), grouping: 'none' },
    stores: factsOfStores(stores, rule, { use, quotas, accountUse }),
    objects: [factsOfObject(object, dataset, stores)],
    draw: (key, store) => drawFrom(rule.id, key, store),
  });
  return { missing: group?.missing, rejected: tellRejected(group?.rejections ?? []) };
}
