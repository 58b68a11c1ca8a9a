import { createHash } from 'node:crypto';
import { placeCopies } from '../../src/domain/placement/place-copies.ts';
import type {
  ObjectFacts,
  PlacementFacts,
  PlacementRule,
  StoreFacts,
} from '../../src/domain/placement/placement-facts.ts';
import type { GroupPlacement, Release } from '../../src/domain/placement/placement.ts';
import type { StoreNames } from '../../src/domain/store/store-names.ts';

export const names = (store: string, more: Partial<StoreNames> = {}): StoreNames => ({
  store,
  aliases: [],
  site: undefined,
  ...more,
});

/** A store that takes everything. */
export const store = (name: string, more: Partial<StoreFacts> = {}): StoreFacts => ({
  ...names(name),
  mirrors: undefined,
  isMatching: true,
  isPreferred: false,
  isBlocked: false,
  availability: { write: true, delete: true },
  absentSince: undefined,
  acceptance: { replicate: true, allowedNodes: [], allowedFormats: [] },
  findPathProblem: () => undefined,
  usage: { completedBytes: 0, inFlightBytes: 0 },
  freeBytes: undefined,
  quotaLeftBytes: undefined,
  failureDomain: undefined,
  pendingRequests: 0,
  recent: { succeeded: 0, failed: 0 },
  weight: undefined,
  ...more,
});

/** Ten bytes that are authoritative at `home`, which holds them. */
export const object = (name: string, more: Partial<ObjectFacts> = {}): ObjectFacts => ({
  object: name,
  scope: 'mine',
  dataset: undefined,
  bytes: 10,
  format: 'text/csv',
  authoritative: names('home'),
  replicas: [{ store: 'home', state: 'AVAILABLE', isGood: true }],
  locks: [],
  ...more,
});

/** A rule for one copy of each object. */
export const rule = (more: Partial<PlacementRule> = {}): PlacementRule => ({
  copies: 1,
  grouping: 'dataset',
  besidesAuthoritative: false,
  isByPolicy: false,
  weight: undefined,
  ignoreAvailability: false,
  purge: false,
  ...more,
});

/** What a policy for so many copies asks for. */
export const policyRule = (copies: number): PlacementRule =>
  rule({ copies, grouping: 'none', besidesAuthoritative: true, isByPolicy: true, purge: true });

/** The same for the same words, and as good as random otherwise. */
export function draw(group: string, storeName: string): number {
  return createHash('sha256').update(`rule\n${group}\n${storeName}`).digest().readUInt32BE() / 2 ** 32;
}

export function place(
  ruleFacts: PlacementRule,
  stores: readonly StoreFacts[],
  objects: readonly ObjectFacts[],
  more: Partial<PlacementFacts> = {},
): GroupPlacement[] {
  return placeCopies({ rule: ruleFacts, stores, objects, draw, ...more });
}

/** The only group of a placement. */
export function onlyGroup(placements: readonly GroupPlacement[]): GroupPlacement {
  const [group, ...others] = placements;
  if (group === undefined || others.length > 0) throw new Error(`${placements.length} groups`);
  return group;
}

export const chosenBy = (group: GroupPlacement): string[] => group.chosen.map((choice) => choice.store);

/** An object with good, locked copies at these stores. */
export const locked = (...stores: string[]): Partial<ObjectFacts> => ({
  replicas: ['home', ...stores].map((name) => ({ store: name, state: 'AVAILABLE', isGood: true })),
  locks: stores.map((name) => ({ store: name, isStuck: false })),
});

/** Stores a, b and c, and home, where the objects are authoritative. */
export const around = (changes: Readonly<Record<string, Partial<StoreFacts>>> = {}): StoreFacts[] =>
  ['home', 'a', 'b', 'c'].map((name) => store(name, changes[name]));

/** One object under a policy for so many copies, at the stores of `around`. */
export const under = (
  copies: number,
  changes: Readonly<Record<string, Partial<StoreFacts>>> = {},
  more = {},
): GroupPlacement => onlyGroup(place(policyRule(copies), around(changes), [object('x', more)]));

export const releasesOf = (group: GroupPlacement): Release[] => group.objects.flatMap(({ releases }) => releases);

/** The facts once every copy has arrived and every release that may go has gone; what is claimed and copied takes its space. */
export function carryOut(facts: PlacementFacts, placements: readonly GroupPlacement[]): PlacementFacts {
  const plans = new Map(placements.flatMap(({ objects }) => objects).map((one) => [one.object, one]));
  const taken = new Map<string, { copied: number; claimed: number }>();
  const objects = facts.objects.map((one): ObjectFacts => {
    const plan = plans.get(one.object);
    if (plan === undefined) return one;
    const gone = new Set(
      plan.releases.filter(({ waitsUntil }) => waitsUntil === undefined).map((release) => release.store),
    );
    const stores = new Set(plan.copies.map((copy) => copy.store));
    for (const { store: name, action } of plan.copies) {
      const sum = taken.get(name) ?? { copied: 0, claimed: 0 };
      const copied = sum.copied + (action === 'copy' ? one.bytes : 0);
      const isNew = !one.locks.some((lock) => lock.store === name);
      taken.set(name, { copied, claimed: sum.claimed + (isNew ? one.bytes : 0) });
    }
    return {
      ...one,
      replicas: [
        ...one.replicas.filter((replica) => !stores.has(replica.store)),
        ...[...stores].map((name) => ({ store: name, state: 'AVAILABLE' as const, isGood: true })),
      ],
      locks: [
        ...one.locks.filter((lock) => !stores.has(lock.store) && !gone.has(lock.store)),
        ...[...stores].map((name) => ({ store: name, isStuck: false })),
      ],
    };
  });
  const stores = facts.stores.map((one): StoreFacts => {
    const { copied, claimed } = taken.get(one.store) ?? { copied: 0, claimed: 0 };
    return {
      ...one,
      findPathProblem: () => undefined,
      usage: { ...one.usage, completedBytes: one.usage.completedBytes + copied },
      freeBytes: one.freeBytes === undefined ? undefined : one.freeBytes - copied,
      quotaLeftBytes: one.quotaLeftBytes === undefined ? undefined : one.quotaLeftBytes - claimed,
    };
  });
  return { ...facts, objects, stores };
}
