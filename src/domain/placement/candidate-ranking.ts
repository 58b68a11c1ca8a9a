import { compareKeys } from '../object/key.ts';
import { groupBytes } from './object-groups.ts';
import type { ObjectGroup } from './object-groups.ts';
import { isGoodAt, isHeld, isLocked } from './placement-facts.ts';
import type { PlacementFacts, StoreFacts } from './placement-facts.ts';

/** What makes one candidate better than another for one group (docs/policies.md, "Order of candidates"). */
export interface CandidateMerits {
  readonly store: string;
  readonly isPreferred: boolean;
  /** Of the group's bytes: claimed by this rule, there or on their way, there and good. */
  readonly lockedBytes: number;
  readonly heldBytes: number;
  readonly goodBytes: number;
  /** By its weight, drawn: the lowest is first. 0 without weights. */
  readonly arrival: number;
  readonly isFailing: boolean;
  /** Grows by one when the queue doubles, so that a request more or less decides nothing. */
  readonly busyness: number;
  readonly draw: number;
}

/** Fewer transfers than this say nothing about a store. */
const SAMPLES_MIN = 5;
/** A store that fails one transfer in five or more is used after the others. */
const FAILED_SHARE_MAX = 0.2;

export function measureMerits(store: StoreFacts, group: ObjectGroup, facts: PlacementFacts): CandidateMerits {
  const { succeeded, failed } = store.recent;
  const name = store.store;
  const elsewhere = group.rest?.stores.find((one) => one.store === name);
  const draw = facts.draw(group.key, name);
  const bytesWhere = (test: typeof isHeld) =>
    group.objects.reduce((sum, object) => (test(object, name) ? sum + object.bytes : sum), 0);
  return {
    store: name,
    isPreferred: store.isPreferred,
    lockedBytes: bytesWhere(isLocked) + (elsewhere?.lockedBytes ?? 0),
    heldBytes: bytesWhere(isHeld) + (elsewhere?.heldBytes ?? 0),
    goodBytes: bytesWhere(isGoodAt),
    arrival: facts.rule.weight === undefined ? 0 : arrivalOf(draw, store.weight),
    isFailing: succeeded + failed >= SAMPLES_MIN && failed >= FAILED_SHARE_MAX * (succeeded + failed),
    busyness: Math.floor(Math.log2(1 + store.pendingRequests)),
    draw,
  };
}

/**
 * An exponential clock per store, as fast as its weight: over many groups each store is first as often as its share of the
 * weights says, and a store that comes or goes changes the order of no others.
 */
function arrivalOf(draw: number, weight: number | undefined): number {
  // Only a store that is kept gets here without a weight.
  return weight === undefined || !(weight > 0) ? Number.MAX_VALUE : -Math.log(1 - draw) / weight;
}

/** Each compares two candidates (negative: the first is better), and says what one has that comes before another. */
const CRITERIA: readonly (readonly [
  compare: (a: CandidateMerits, b: CandidateMerits) => number,
  describe: (better: CandidateMerits, group: ObjectGroup) => string,
])[] = [
  [(a, b) => b.lockedBytes - a.lockedBytes, () => 'more of the rule’s copies are there'],
  [(a, b) => Number(b.isPreferred) - Number(a.isPreferred), () => 'it is preferred'],
  [
    (a, b) => b.heldBytes - a.heldBytes,
    ({ heldBytes }, group) => `it holds ${heldBytes} of ${groupBytes(group)} bytes already`,
  ],
  [(a, b) => b.goodBytes - a.goodBytes, () => 'more of its bytes are good already'],
  [(a, b) => a.arrival - b.arrival, () => 'its weight drew it'],
  [(a, b) => Number(a.isFailing) - Number(b.isFailing), () => 'fewer of its recent transfers failed'],
  [(a, b) => a.busyness - b.busyness, () => 'it is less busy'],
  [(a, b) => a.draw - b.draw, () => 'it was drawn among equals'],
  [(a, b) => compareKeys(a.store, b.store), () => 'its name comes first among equals'],
];

export function compareMerits(a: CandidateMerits, b: CandidateMerits): number {
  for (const [compare] of CRITERIA) {
    const order = compare(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** What decided between two candidates, of which the first is better. */
export function describeMerit(better: CandidateMerits, other: CandidateMerits, group: ObjectGroup): string {
  const criterion = CRITERIA.find(([compare]) => compare(better, other) !== 0);
  return criterion === undefined ? 'there is no other' : criterion[1](better, group);
}
