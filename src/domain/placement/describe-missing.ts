import { FILTERS } from './placement.ts';
import type { Filter, GroupPlacement, Rejection } from './placement.ts';

/** How a filter is told of stores it turned away: "outside the expression: a, b". */
const TOLD: Readonly<Record<Filter, string>> = {
  expression: 'outside the expression',
  blocked: 'blocked',
  authoritative: 'authoritative itself',
  layout: 'mirroring other scopes',
  absence: 'not answering for long',
  weight: 'without a weight',
  availability: 'not taking writes now',
  acceptance: 'not accepting it',
  path: 'without a path for it',
  deletion: 'not deleting an earlier copy',
  quota: 'without quota for it',
  space: 'without space for it',
};

/** More are counted: a sentence is to be read. */
const NAMES_MAX = 5;

/** One sentence about the copies that have no place; undefined: all have one. */
export function describeMissing(
  copies: number,
  { chosen, rejections, objects }: Pick<GroupPlacement, 'chosen' | 'rejections' | 'objects'>,
): string | undefined {
  const parts = [describeStores(copies, chosen.length, rejections), describeObjects(objects)];
  const told = parts.filter((part) => part !== undefined);
  return told.length === 0 ? undefined : told.join('; ');
}

function describeStores(copies: number, placed: number, rejections: readonly Rejection[]): string | undefined {
  if (placed >= copies) return undefined;
  const missing = copies - placed;
  const what = `${missing} of ${copies} ${copies === 1 ? 'copy' : 'copies'} ${missing === 1 ? 'has' : 'have'} no place`;
  // What is no store of the rule explains something only where it has no others.
  const isAsked = rejections.some(({ filter }) => filter !== 'expression');
  const reasons = FILTERS.flatMap((filter) => {
    if (isAsked && filter === 'expression') return [];
    const names = rejections.filter((rejection) => rejection.filter === filter).map(({ store }) => store);
    return names.length === 0 ? [] : [`${TOLD[filter]}: ${listed(names)}`];
  });
  return reasons.length === 0 ? `${what}: there are no more stores` : `${what} (${reasons.join('; ')})`;
}

function describeObjects(objects: GroupPlacement['objects']): string | undefined {
  const lacking = objects.filter((object) => object.lacking.length > 0);
  const [first] = lacking;
  if (first === undefined) return undefined;
  const where = first.lacking.map(({ store, why }) => `${store}: ${why}`).join('; ');
  if (objects.length === 1) return `it cannot be brought to its stores now (${where})`;
  const who = lacking.length === 1 ? first.object : `${first.object} and ${lacking.length - 1} more`;
  return `${who} cannot join the others of the group (${where})`;
}

function listed(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  return `${names.slice(0, NAMES_MAX).join(', ')}${more}`;
}
