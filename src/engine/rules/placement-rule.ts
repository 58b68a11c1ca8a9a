import type { PlacementRule } from '../../domain/placement/placement-facts.ts';

/** What placement needs to know of a rule. */
export function placementRule(rule: PlacementRule): PlacementRule {
  const { copies, grouping, besidesAuthoritative, isByPolicy, weight, ignoreAvailability, purge } = rule;
  return { copies, grouping, besidesAuthoritative, isByPolicy, weight, ignoreAvailability, purge };
}
