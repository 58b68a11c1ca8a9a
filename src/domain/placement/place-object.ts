import { claimReplica } from '../rule/claim-replica.ts';
import { isGoodAt, isHeld, isLocked, stateAt } from './placement-facts.ts';
import type { ObjectFacts, PlacementRule, StoreFacts } from './placement-facts.ts';
import type { Choice, CopyPlan, GroupPlacement, ObjectPlacement, Release } from './placement.ts';
import type { SpaceGiven } from './space-given.ts';
import { needsOf, rejectByRoom } from './store-filters.ts';

export interface ObjectSurroundings {
  readonly rule: PlacementRule;
  readonly stores: ReadonlyMap<string, StoreFacts>;
  readonly group: Pick<GroupPlacement, 'chosen' | 'passedOver' | 'rejections'>;
  readonly given: SpaceGiven;
}

/** What is done about one object once the stores of its group are chosen. Takes the space of its copies. */
export function placeObject(object: ObjectFacts, surroundings: ObjectSurroundings): ObjectPlacement {
  const copies: CopyPlan[] = [];
  const lacking: { store: string; why: string }[] = [];
  for (const choice of surroundings.group.chosen) {
    const why = findObstacle(object, choice, surroundings);
    if (why !== undefined) {
      lacking.push({ store: choice.store, why });
      continue;
    }
    copies.push({ store: choice.store, action: chooseAction(object, choice.store) });
    surroundings.given.give(choice.store, needsOf(choice.store, [object], { rest: undefined }));
  }
  return { object: object.object, copies, releases: releaseOthers(object, surroundings), lacking };
}

/** A store that was chosen anew has room for the whole group; one that was kept, perhaps not for what came to it since. */
function findObstacle(object: ObjectFacts, choice: Choice, surroundings: ObjectSurroundings): string | undefined {
  const { rule, stores, given } = surroundings;
  const store = stores.get(choice.store);
  const isThere = isHeld(object, choice.store) && isLocked(object, choice.store);
  if (!choice.isKept || isThere || store === undefined) return undefined;
  return rejectByRoom(store, rule, [object], { given, rest: undefined })?.why;
}

function chooseAction(object: ObjectFacts, store: string): CopyPlan['action'] {
  const claim = claimReplica(stateAt(object, store));
  if (claim.request) return 'copy';
  if (isLocked(object, store)) return 'keep';
  return claim.lock === 'OK' ? 'lock' : 'join';
}

/**
 * Locks at stores that are not chosen go, once it is safe: every chosen store has a good copy; where copies have no place yet,
 * no store may take one later; and a good copy is left.
 */
function releaseOthers(object: ObjectFacts, surroundings: ObjectSurroundings): Release[] {
  const { rule, stores, group } = surroundings;
  const chosen = new Set(group.chosen.map(({ store }) => store));
  const leaving = object.locks.filter(({ store }) => !chosen.has(store)).map(({ store }) => store);
  if (leaving.length === 0) return [];
  const waitsUntil = findWait(object, new Set(leaving), surroundings);
  return leaving.toSorted().map((store) => {
    const isAuthoritative = rule.besidesAuthoritative && object.authoritative?.store === store;
    const purge = !isAuthoritative && (rule.purge || stores.get(store)?.isBlocked === true);
    return { store, why: explainRelease(store, group), waitsUntil, purge };
  });
}

function findWait(
  object: ObjectFacts,
  leaving: ReadonlySet<string>,
  { rule, group }: ObjectSurroundings,
): string | undefined {
  const coming = group.chosen.map(({ store }) => store).filter((store) => !isGoodAt(object, store));
  if (coming.length > 0) return `the copy at ${coming.join(', ')} is good`;
  const missing = rule.copies - group.chosen.length;
  const later = group.rejections.filter(({ isPassing }) => isPassing);
  if (missing > 0 && later.length > 0) return `${later.map(({ store }) => store).join(' or ')} can take a copy`;
  const isLastGood =
    object.replicas.some(({ store }) => isGoodAt(object, store)) &&
    object.replicas.every(({ store }) => leaving.has(store) || !isGoodAt(object, store));
  return isLastGood ? 'there is another good copy' : undefined;
}

function explainRelease(store: string, { passedOver, rejections }: ObjectSurroundings['group']): string {
  const found = passedOver.find((one) => one.store === store) ?? rejections.find((one) => one.store === store);
  return found?.why ?? 'it is no store any more';
}
