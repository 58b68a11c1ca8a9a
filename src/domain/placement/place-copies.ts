import { compareKeys } from '../object/key.ts';
import { measureMerits } from './candidate-ranking.ts';
import { chooseStores } from './choose-stores.ts';
import type { Candidate, Standing } from './choose-stores.ts';
import { describeMissing } from './describe-missing.ts';
import { groupObjects } from './object-groups.ts';
import type { ObjectGroup } from './object-groups.ts';
import { placeObject } from './place-object.ts';
import { isHeld, isLocked, stateAt } from './placement-facts.ts';
import type { ObjectFacts, PlacementFacts, PlacementRule, StoreFacts } from './placement-facts.ts';
import { FILTERS } from './placement.ts';
import type { GroupPlacement, Rejection } from './placement.ts';
import { SpaceGiven } from './space-given.ts';
import {
  needsOf,
  pathProblems,
  reject,
  rejectByAbsence,
  rejectAuthoritative,
  rejectByLayout,
  rejectByRoom,
  rejectByRule,
  rejectByWeight,
} from './store-filters.ts';

/**
 * Where the copies of a rule go, why, and what is missing (docs/policies.md, "Placement"). Pure, and independent of the order of
 * its facts: groups are placed in the order of their keys, and each leaves the next ones the space it does not take.
 */
export function placeCopies(facts: PlacementFacts): GroupPlacement[] {
  const { rule, objects, rest } = facts;
  const stores = new Map(facts.stores.map((one) => [one.store, one]));
  const eligible: StoreFacts[] = [];
  const rejections: Rejection[] = [];
  for (const store of stores.values()) {
    const rejection = rejectByRule(store);
    if (rejection === undefined) eligible.push(store);
    else rejections.push(rejection);
  }
  const page: Page = { facts, stores, eligible, rejections, given: new SpaceGiven() };
  return groupObjects(objects, rule.grouping, rest).map((group) => placeGroup(group, page));
}

/** What the groups of one placement have in common. */
interface Page {
  readonly facts: PlacementFacts;
  readonly stores: ReadonlyMap<string, StoreFacts>;
  /** Those that the rule's words leave, whatever the group. */
  readonly eligible: readonly StoreFacts[];
  readonly rejections: readonly Rejection[];
  readonly given: SpaceGiven;
}

function placeGroup(group: ObjectGroup, page: Page): GroupPlacement {
  const { facts, stores, given } = page;
  const { rule } = facts;
  const rejections = [...page.rejections];
  const candidates: Candidate[] = [];
  for (const store of page.eligible) {
    const judged = judgeStore(store, group, rule, given);
    if (typeof judged === 'string') {
      candidates.push({ standing: judged, domain: domainOf(store), merits: measureMerits(store, group, facts) });
    } else rejections.push(judged);
  }
  rejections.sort((a, b) => FILTERS.indexOf(a.filter) - FILTERS.indexOf(b.filter) || compareKeys(a.store, b.store));
  const domainsTaken = authoritativeDomains(group, page);
  const choice = { ...chooseStores(candidates, { copies: rule.copies, domainsTaken }, group), rejections };
  for (const { store, isKept } of choice.chosen) if (!isKept) given.give(store, needsOf(store, [], group));
  const objects = group.objects.map((object) => placeObject(object, { rule, stores, group: choice, given }));
  return { key: group.key, ...choice, objects, missing: describeMissing(rule.copies, { ...choice, objects }) };
}

/** How a store stands to a group, or why it is no candidate. Locks keep a store that the rule still allows. */
function judgeStore(
  store: StoreFacts,
  group: ObjectGroup,
  rule: PlacementRule,
  given: SpaceGiven,
): Standing | Rejection {
  const authoritative = rejectAuthoritative(store, rule, group.objects);
  if (authoritative !== undefined) return authoritative;
  const layout = rejectByLayout(store, group.objects);
  if (layout !== undefined) return layout;
  const absence = rejectByAbsence(store, rule);
  if (absence !== undefined) return absence;
  const beside = { given, rest: group.rest };
  if (!hasLocks(store.store, group)) {
    return rejectByWeight(store, rule) ?? rejectByRoom(store, rule, group.objects, beside) ?? judgeNew(store, group);
  }
  const lone = group.rest === undefined && group.objects.length === 1 ? group.objects[0] : undefined;
  if (lone === undefined) return 'kept';
  // An object by itself may go elsewhere when a store fails it; one of many would part from the others.
  if (isHeld(lone, store.store)) return hasStuckLock(store.store, lone) ? 'stuck' : 'kept';
  return rejectByRoom(store, rule, group.objects, beside) ?? (hasStuckLock(store.store, lone) ? 'stuck' : 'kept');
}

function hasLocks(store: string, { objects, rest }: ObjectGroup): boolean {
  const elsewhere = rest?.stores.find((one) => one.store === store);
  return objects.some((object) => isLocked(object, store)) || (elsewhere?.lockedBytes ?? 0) > 0;
}

function judgeNew(store: StoreFacts, { objects, rest }: ObjectGroup): Standing | Rejection {
  const problems = pathProblems(store, objects);
  const [first] = problems;
  // The others of its group may go where one has no path.
  if (first !== undefined && rest === undefined && problems.length === objects.length)
    return reject(store, 'path', first);
  if (first !== undefined) return 'partly';
  return objects.some((object) => stateAt(object, store.store) === 'BEING_DELETED') ? 'leaving' : 'new';
}

function hasStuckLock(store: string, { locks }: ObjectFacts): boolean {
  return locks.some((lock) => lock.store === store && lock.isStuck);
}

/** Failure domains that have a copy before any is placed: the authoritative one, where copies are counted besides it. */
function authoritativeDomains({ objects }: ObjectGroup, { facts, stores }: Page): Set<string> {
  if (!facts.rule.besidesAuthoritative) return new Set();
  const names = new Set(objects.flatMap(({ authoritative }) => authoritative?.store ?? []));
  return new Set([...names].flatMap((name) => stores.get(name) ?? []).map(domainOf));
}

/** A store without a failure domain is one by itself, and the names of stores and domains never meet. */
function domainOf({ store, failureDomain }: StoreFacts): string {
  return failureDomain === undefined ? `store ${store}` : `domain ${failureDomain}`;
}
