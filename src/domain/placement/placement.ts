/** Where copies go, and why (docs/policies.md, "Placement"). Each `why` completes "…, because ". */

/** In this order. The first three are the rule's own words, and move copies that are there, as `absence` does; the others only keep new ones away. */
export const FILTERS = [
  'expression',
  'blocked',
  'authoritative',
  'layout',
  'absence',
  'weight',
  'availability',
  'acceptance',
  'deletion',
  'quota',
  'space',
  'path',
] as const;

export type Filter = (typeof FILTERS)[number];

/** A store that is no candidate. */
export interface Rejection {
  readonly store: string;
  readonly filter: Filter;
  readonly why: string;
  /** It may be a candidate later without anybody changing the rule, the policy or the store's settings. */
  readonly isPassing: boolean;
}

/** What stores say of the object; what the rule's own words leave out says nothing about a store. */
export function tellRejected(rejections: readonly Rejection[]): Pick<Rejection, 'store' | 'why'>[] {
  return rejections.filter(({ filter }) => filter !== 'expression').map(({ store, why }) => ({ store, why }));
}

export interface Choice {
  readonly store: string;
  /** Some object of the group had this rule's lock there before. */
  readonly isKept: boolean;
  readonly why: string;
}

/**
 * What is done about one object at one chosen store.
 *
 * - `keep`: its lock is there, and its bytes are or are on their way.
 * - `lock`: they are there, only the lock is not.
 * - `join`: they are on their way: lock the replica and wait, without a second request.
 * - `copy`: nothing is there that a claim may rest on.
 */
export interface CopyPlan {
  readonly store: string;
  readonly action: 'keep' | 'lock' | 'join' | 'copy';
}

/** A lock that goes. */
export interface Release {
  readonly store: string;
  readonly why: string;
  /** What has to happen first, completes "waits until "; undefined: it may go now. */
  readonly waitsUntil: string | undefined;
  /** The copy is to go at once, and not when its space is needed. */
  readonly purge: boolean;
}

export interface ObjectPlacement {
  readonly object: string;
  readonly copies: readonly CopyPlan[];
  readonly releases: readonly Release[];
  /** Chosen stores where the others of its group are, and it cannot be. */
  readonly lacking: readonly { readonly store: string; readonly why: string }[];
}

export interface GroupPlacement {
  /** As `groupKey` makes it. */
  readonly key: string;
  /** Best first. */
  readonly chosen: readonly Choice[];
  /** Candidates that were not chosen, best first. */
  readonly passedOver: readonly { readonly store: string; readonly why: string }[];
  /** In the order of the filters, then by name. */
  readonly rejections: readonly Rejection[];
  readonly objects: readonly ObjectPlacement[];
  /** One sentence about the copies that have no place; undefined: all have one. */
  readonly missing: string | undefined;
}

/** The candidates after one filter, and whom it turned away. */
export interface FilterStep {
  readonly filter: Filter;
  readonly candidates: readonly string[];
  readonly rejected: readonly Rejection[];
}

/** A group's placement told filter by filter; one that turned nobody away is told too. */
export function filterSteps({ chosen, passedOver, rejections }: GroupPlacement): FilterStep[] {
  const through = [...chosen, ...passedOver].map(({ store }) => store);
  return FILTERS.map((filter, at) => ({
    filter,
    candidates: [
      ...through,
      ...rejections.filter((rejection) => FILTERS.indexOf(rejection.filter) > at).map(({ store }) => store),
    ].toSorted(),
    rejected: rejections.filter((rejection) => rejection.filter === filter),
  }));
}
