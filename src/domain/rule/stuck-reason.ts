/**
 * Why a lock is stuck, or why a rule has fewer locks than copies (docs/states.md, "Stuck").
 *
 * - `no-source`: no store can give the bytes.
 * - `sources-fail`: those that could have failed each time.
 * - `destination-fails`: the store that is to have it does not work.
 * - `destination-full`: it has no space.
 * - `destination-refuses`: it does not take this object: not accepted, no permission, a name it cannot hold.
 * - `no-store`: placement found no store for the copy.
 */
export interface StuckReason {
  readonly kind:
    | 'no-source'
    | 'sources-fail'
    | 'destination-fails'
    | 'destination-full'
    | 'destination-refuses'
    | 'no-store';
  /** For people: which store, which error. */
  readonly detail: string;
}

/**
 * What may help somebody who is stuck. `store-changed`: attributes, availability, protocols, limits or what it accepts;
 * `asked`: somebody wants it tried now.
 */
export type FactChange =
  | 'source-appeared'
  | 'store-returned'
  | 'space-freed'
  | 'store-changed'
  | 'rule-changed'
  | 'asked';

const HELPED_BY: Readonly<Record<StuckReason['kind'], readonly FactChange[]>> = {
  'no-source': ['source-appeared', 'store-returned', 'store-changed', 'rule-changed', 'asked'],
  'sources-fail': ['source-appeared', 'store-returned', 'store-changed', 'rule-changed', 'asked'],
  'destination-fails': ['store-returned', 'store-changed', 'rule-changed', 'asked'],
  'destination-full': ['space-freed', 'store-changed', 'rule-changed', 'asked'],
  'destination-refuses': ['store-changed', 'rule-changed', 'asked'],
  'no-store': ['store-returned', 'space-freed', 'store-changed', 'rule-changed', 'asked'],
};

export function isHelpedBy(kind: StuckReason['kind'], change: FactChange): boolean {
  return HELPED_BY[kind].includes(change);
}
