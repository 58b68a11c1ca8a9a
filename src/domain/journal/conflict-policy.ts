import type { Dot } from '../object/dot.ts';
import type { ObjectName } from '../object/object-name.ts';

/** What becomes of versions that did not see each other (docs/sites.md, "Conflicts"). Which one is served is the same under all of them. */
export const CONFLICT_POLICIES = ['last-writer-wins', 'keep-both', 'reject'] as const;
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number];

/** By scope; `*` is of all others, and `last-writer-wins` where nobody says. */
export type ConflictPolicies = Readonly<Record<string, ConflictPolicy>>;

export function conflictPolicyOf(policies: ConflictPolicies, scope: string): ConflictPolicy {
  return policies[scope] ?? policies['*'] ?? 'last-writer-wins';
}

/** Versions that lost and are kept of one object; with more its clients have to end some before they write it again. What arrives is always taken. */
export const LOST_MAX = 64;

const NAME = /^(.+)\.conflict-([0-9a-f]{16})-([1-9][0-9]{0,15})$/s;

/** What a version that lost is read as: it follows from its dot, so it is the same at every site. */
export function conflictName(name: string, { actor, counter }: Dot): string {
  return `${name}.conflict-${actor}-${counter}`;
}

/** Undefined: no version that lost is called so. */
export function parseConflictName({
  scope,
  name,
}: ObjectName): { readonly of: ObjectName; readonly dot: Dot } | undefined {
  const [, of, actor, counter] = NAME.exec(name) ?? [];
  if (of === undefined || actor === undefined) return undefined;
  return { of: { scope, name: of }, dot: { actor, counter: Number(counter) } };
}
