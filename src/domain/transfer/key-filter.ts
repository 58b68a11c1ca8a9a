/**
 * Which names a sync looks at (docs/sync.md, "Filters"). An excluded name is neither copied nor deleted, and what cannot be
 * listed under it is no failure.
 */
export type FilterVerdict = 'included' | 'excluded' | 'hidden';

export interface FilterRule {
  readonly kind: 'include' | 'exclude';
  readonly matches: (key: string) => boolean;
}

export interface KeyFilter {
  /** Every name is included and every object admitted. */
  readonly admitsAll: boolean;
  /** By name alone: what lists and deletes go by. */
  judge(key: string): FilterVerdict;
  /** Whether no name below a directory (it ends with `/`) can be included; what cannot be listed there is then no loss. */
  excludesBelow(directory: string): boolean;
  /** By what a listing shows of a source object. */
  admits(object: { readonly key: string; readonly size: number; readonly modifiedNs: bigint | undefined }): boolean;
}

export interface FilterSettings {
  /** In the order given: the last rule that matches decides. */
  readonly rules: readonly FilterRule[];
  readonly ignoreHidden: boolean;
  /** Given: these names and no others. */
  readonly names: ReadonlySet<string> | undefined;
  readonly sizeMin: number | undefined;
  readonly sizeMax: number | undefined;
  readonly newerThanNs: bigint | undefined;
}

export const EVERYTHING: FilterSettings = {
  rules: [],
  ignoreHidden: false,
  names: undefined,
  sizeMin: undefined,
  sizeMax: undefined,
  newerThanNs: undefined,
};

/** Without a matching rule a name is included, unless the first rule is an include: then only what is included counts. */
export function makeKeyFilter(settings: FilterSettings): KeyFilter {
  const { rules, ignoreHidden, names, sizeMin, sizeMax, newerThanNs } = settings;
  const isOpen = rules[0]?.kind !== 'include';
  const limits = [names, sizeMin, sizeMax, newerThanNs];
  return {
    admitsAll: rules.length === 0 && !ignoreHidden && limits.every((limit) => limit === undefined),
    judge(key) {
      if (ignoreHidden && isHidden(key)) return 'hidden';
      if (names !== undefined && !names.has(key)) return 'excluded';
      const rule = rules.findLast(({ matches }) => matches(key));
      return (rule === undefined ? isOpen : rule.kind === 'include') ? 'included' : 'excluded';
    },
    excludesBelow(directory) {
      if (ignoreHidden && isHidden(directory)) return true;
      if (names !== undefined && ![...names].some((name) => name.startsWith(directory))) return true;
      // Names nobody has, in it and deeper: a rule that takes both takes all, unless a later one may take some back.
      return [`${directory}\0`, `${directory}\0/\0`].every((nobody) => {
        const last = rules.findLastIndex(({ matches }) => matches(nobody));
        return rules[last]?.kind === 'exclude' && !rules.slice(last).some(({ kind }) => kind === 'include');
      });
    },
    admits({ size, modifiedNs }) {
      if (sizeMin !== undefined && size < sizeMin) return false;
      if (sizeMax !== undefined && size > sizeMax) return false;
      return newerThanNs === undefined || modifiedNs === undefined || modifiedNs >= newerThanNs;
    },
  };
}

/** A name any part of which begins with a dot. */
function isHidden(key: string): boolean {
  return key.startsWith('.') || key.includes('/.');
}
