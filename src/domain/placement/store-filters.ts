import { decideAcceptance } from '../store/acceptance.ts';
import { isHeld, isLocked, stateAt } from './placement-facts.ts';
import type { GroupRest, ObjectFacts, PlacementRule, StoreFacts } from './placement-facts.ts';
import type { Filter, Rejection } from './placement.ts';
import type { SpaceGiven } from './space-given.ts';

/** Why the rule's own words leave a store out, whatever lies there; undefined: they do not. */
export function rejectByRule(store: StoreFacts): Rejection | undefined {
  if (!store.isMatching) return reject(store, 'expression', 'the rule’s expression does not hold for it');
  return store.isBlocked ? reject(store, 'blocked', 'it is blocked') : undefined;
}

/** A copy besides the authoritative one is none of the authoritative store. */
export function rejectAuthoritative(
  store: StoreFacts,
  rule: PlacementRule,
  objects: readonly ObjectFacts[],
): Rejection | undefined {
  if (!rule.besidesAuthoritative || !objects.some(({ authoritative }) => authoritative?.store === store.store)) {
    return undefined;
  }
  return reject(store, 'authoritative', 'it is authoritative, and copies are counted besides that one');
}

/** A mirror holds what it mirrors, and nothing that a sync could take for it. */
export function rejectByLayout(store: StoreFacts, objects: readonly ObjectFacts[]): Rejection | undefined {
  const { mirrors } = store;
  if (mirrors === undefined || objects.every(({ scope }) => mirrors.has(scope))) return undefined;
  return reject(store, 'layout', `it mirrors ${[...mirrors].join(', ')}, and holds nothing else`);
}

/** What lies there has to be elsewhere too, as long as the store stays away. */
export function rejectByAbsence(store: StoreFacts, { ignoreAvailability }: PlacementRule): Rejection | undefined {
  if (store.absentSince === undefined || ignoreAvailability) return undefined;
  return reject(store, 'absence', `it has not answered since ${store.absentSince}`, true);
}

/** Why no new copies of a rule go to a store: it has no part in the proportions of its weights. */
export function rejectByWeight(store: StoreFacts, { weight }: PlacementRule): Rejection | undefined {
  if (weight === undefined) return undefined;
  if (store.weight === undefined) return reject(store, 'weight', `its attribute ${weight} is not a number`);
  if (Number.isFinite(store.weight) && store.weight > 0) return undefined;
  return reject(store, 'weight', `its attribute ${weight} is ${store.weight}, and only more than 0 is a weight`);
}

/** Of objects that would have to be brought there. */
export function pathProblems(store: StoreFacts, objects: readonly ObjectFacts[]): string[] {
  return objects.flatMap((object) => (isHeld(object, store.store) ? [] : (store.findPathProblem(object) ?? [])));
}

/** What the copies are to be placed beside: what this placement gave out before, and members of the group on other pages. */
export interface Beside {
  readonly given: SpaceGiven;
  readonly rest: GroupRest | undefined;
}

/** Why a store cannot have all of these objects now. Bytes it has already are not weighed again. */
export function rejectByRoom(
  store: StoreFacts,
  rule: PlacementRule,
  objects: readonly ObjectFacts[],
  beside: Beside,
): Rejection | undefined {
  const needs = needsOf(store.store, objects, beside);
  const toCopy = objects.filter((object) => !isHeld(object, store.store));
  const isWritten = toCopy.length > 0 || needs.copyBytes > 0;
  if (isWritten && !store.availability.write && !rule.ignoreAvailability) {
    return reject(store, 'availability', 'it takes no writes now', true);
  }
  const refused = rejectByAcceptance(store, rule, toCopy, beside);
  if (refused !== undefined) return refused;
  const leaving = toCopy.find((object) => stateAt(object, store.store) === 'BEING_DELETED');
  if (leaving !== undefined && !store.availability.delete) {
    return reject(
      store,
      'deletion',
      `an earlier copy of ${leaving.object} has to go first, and it takes no deletes now`,
      true,
    );
  }
  const quotaBytes = left(store.quotaLeftBytes, beside.given.lockBytes(store.store));
  if (needs.lockBytes > quotaBytes) {
    return reject(store, 'quota', `${quotaBytes} bytes of quota are left, and ${needs.lockBytes} are needed`, true);
  }
  const freeBytes = left(store.freeBytes, beside.given.copyBytes(store.store));
  if (needs.copyBytes <= freeBytes) return undefined;
  return reject(store, 'space', `${freeBytes} bytes are free, and ${needs.copyBytes} are needed`, true);
}

/** What a store would have to take and the rule to claim for these objects to be there. */
export function needsOf(
  store: string,
  objects: readonly ObjectFacts[],
  { rest }: Pick<Beside, 'rest'>,
): { readonly copyBytes: number; readonly lockBytes: number } {
  const elsewhere = rest?.stores.find((one) => one.store === store);
  let copyBytes = (rest?.bytes ?? 0) - (elsewhere?.heldBytes ?? 0);
  let lockBytes = (rest?.bytes ?? 0) - (elsewhere?.lockedBytes ?? 0);
  for (const object of objects) {
    if (!isHeld(object, store)) copyBytes += object.bytes;
    if (!isLocked(object, store)) lockBytes += object.bytes;
  }
  return { copyBytes, lockBytes };
}

function rejectByAcceptance(
  store: StoreFacts,
  { isByPolicy }: PlacementRule,
  toCopy: readonly ObjectFacts[],
  { given, rest }: Beside,
): Rejection | undefined {
  // Also where the bytes lie already: a policy's lock would keep them there.
  if (isByPolicy && !store.acceptance.replicate) {
    return reject(store, 'acceptance', 'it does not volunteer for copies by policy');
  }
  const { completedBytes } = store.usage;
  let inFlightBytes =
    store.usage.inFlightBytes + given.copyBytes(store.store) + needsOf(store.store, [], { rest }).copyBytes;
  for (const { object, bytes, format, authoritative } of toCopy) {
    const origin = { kind: 'authoritative', names: authoritative } as const;
    const usage = { completedBytes, inFlightBytes };
    const decision = decideAcceptance(store.acceptance, { object, bytes, format, origin, isByPolicy, usage });
    if (decision.kind === 'refused') return reject(store, 'acceptance', decision.why, decision.reason === 'space');
    inFlightBytes += bytes;
  }
  return undefined;
}

function left(bytes: number | undefined, givenBytes: number): number {
  return bytes === undefined ? Number.POSITIVE_INFINITY : Math.max(0, bytes - givenBytes);
}

export function reject(store: StoreFacts, filter: Filter, why: string, isPassing = false): Rejection {
  return { store: store.store, filter, why, isPassing };
}
