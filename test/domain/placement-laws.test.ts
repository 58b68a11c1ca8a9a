import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeCopies } from '../../src/domain/placement/place-copies.ts';
import type { ObjectFacts, PlacementFacts, StoreFacts } from '../../src/domain/placement/placement-facts.ts';
import type { GroupPlacement } from '../../src/domain/placement/placement.ts';
import { REPLICA_STATES } from '../../src/domain/replica/replica.ts';
import { carryOut, chosenBy, draw, names, object, rule, store } from './placement-cases.ts';

const STORES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

const mostly = (value: boolean) => fc.integer({ min: 0, max: 5 }).map((n) => (n === 0 ? !value : value));
const limit = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 1 });
const some = <T>(values: readonly T[]) => fc.subarray([...values]);

/** Stores whose limits never bind: what is asked of them is the rule's words and whether they take writes. */
const roomy = (name: string): fc.Arbitrary<StoreFacts> =>
  fc
    .record({
      isMatching: mostly(true),
      isPreferred: mostly(false),
      isBlocked: mostly(false),
      availability: fc.record({ write: mostly(true), delete: mostly(true) }),
      failureDomain: fc.constantFrom('eu', 'us', 'asia', undefined),
      pendingRequests: fc.nat(20),
      recent: fc.record({ succeeded: fc.nat(20), failed: fc.nat(5) }),
      weight: fc.constantFrom(undefined, 0, 1, 2, 5),
    })
    .map((facts) => store(name, facts));

/** Stores that also refuse and run full. */
const narrow = (name: string): fc.Arbitrary<StoreFacts> =>
  fc
    .tuple(
      roomy(name),
      fc.record({ freeBytes: limit, quotaLeftBytes: limit }),
      fc.record({
        replicate: mostly(true),
        allowedFormats: fc.constantFrom([], ['text/csv']),
        allowedNodes: fc.constantFrom([], [], ['a', 'b']),
        spaceAllocatedBytes: fc.integer({ min: 0, max: 200 }),
        maxObjectBytes: fc.integer({ min: 10, max: 40 }),
      }),
    )
    .map(([facts, limits, acceptance]) => ({ ...facts, ...limits, acceptance }));

const objectFacts = (name: string): fc.Arbitrary<ObjectFacts> =>
  fc
    .record({
      dataset: fc.constantFrom('d', 'e', undefined),
      bytes: fc.integer({ min: 0, max: 30 }),
      format: fc.constantFrom('text/csv', 'text/csv', 'text/xml'),
      authoritative: fc.constantFrom(...STORES).map((one) => names(one)),
      held: some(STORES),
      states: fc.array(fc.record({ state: fc.constantFrom(...REPLICA_STATES), isSoft: fc.boolean() }), {
        minLength: STORES.length,
        maxLength: STORES.length,
      }),
      locks: some(STORES),
      stuck: fc.array(mostly(false), { minLength: STORES.length, maxLength: STORES.length }),
    })
    .map(({ held, states, locks, stuck, ...facts }) =>
      object(name, {
        ...facts,
        replicas: held.map((at, i) => {
          const { state, isSoft } = states[i] ?? { state: 'AVAILABLE', isSoft: false };
          return { store: at, state, isGood: state === 'AVAILABLE' && !isSoft };
        }),
        locks: locks.map((at, i) => ({ store: at, isStuck: stuck[i] ?? false })),
      }),
    );

const facts = (stores: (name: string) => fc.Arbitrary<StoreFacts>): fc.Arbitrary<PlacementFacts> =>
  fc.record({
    rule: fc
      .record({
        copies: fc.nat(5),
        grouping: fc.constantFrom('all' as const, 'dataset' as const, 'none' as const),
        besidesAuthoritative: fc.boolean(),
        isByPolicy: fc.boolean(),
        weight: fc.constantFrom(undefined, undefined, 'share'),
        ignoreAvailability: mostly(false),
        purge: fc.boolean(),
      })
      .map((more) => rule(more)),
    stores: some(STORES).chain((names) => fc.tuple(...names.map(stores))),
    objects: fc.tuple(...['u', 'v', 'w', 'x', 'y'].map(objectFacts)),
    draw: fc.constant(draw),
  });

const fresh = (all: PlacementFacts): PlacementFacts => ({
  ...all,
  objects: all.objects.map((one) => ({
    ...one,
    locks: [],
    replicas: one.replicas.filter((r) => r.state === 'AVAILABLE'),
  })),
});

const holds = (
  arbitrary: fc.Arbitrary<PlacementFacts>,
  law: (facts: PlacementFacts, groups: GroupPlacement[]) => void,
) =>
  fc.assert(
    fc.property(arbitrary, (made) => law(made, placeCopies(made))),
    { numRuns: 400 },
  );

const storeOf = ({ stores }: PlacementFacts, name: string): StoreFacts => {
  const found = stores.find((one) => one.store === name);
  if (found === undefined) throw new Error(`${name} is no store`);
  return found;
};

const domainOf = ({ store: name, failureDomain }: StoreFacts) => failureDomain ?? `only ${name}`;

describe('whatever the facts', () => {
  test('no store is chosen that is blocked, or outside the expression, or authoritative where copies are counted besides', () => {
    holds(facts(narrow), (made, groups) => {
      for (const group of groups) {
        const authoritative = made.objects
          .filter(({ object: name }) => group.objects.some((one) => one.object === name))
          .map((one) => one.authoritative?.store);
        for (const name of chosenBy(group)) {
          const { isBlocked, isMatching } = storeOf(made, name);
          expect([isBlocked, isMatching]).toEqual([false, true]);
          if (made.rule.besidesAuthoritative) expect(authoritative).not.toContain(name);
        }
      }
    });
  });

  test('no more copies are placed than are asked for, each at another store, and what is missing is said', () => {
    holds(facts(narrow), ({ rule: { copies } }, groups) => {
      for (const { chosen, objects, missing } of groups) {
        expect(chosen.length).toBeLessThanOrEqual(copies);
        expect(new Set(chosen.map((choice) => choice.store)).size).toBe(chosen.length);
        const isWhole = chosen.length === copies && objects.every(({ lacking }) => lacking.length === 0);
        expect(missing === undefined).toBe(isWhole);
      }
    });
  });

  test('every store is told once: chosen, passed over or rejected; every object has a copy or a reason at every chosen store', () => {
    holds(facts(narrow), (made, groups) => {
      for (const { chosen, passedOver, rejections, objects } of groups) {
        const told = [...chosen, ...passedOver, ...rejections].map((one) => one.store);
        expect(told.toSorted()).toEqual(made.stores.map((one) => one.store).toSorted());
        for (const { copies, lacking } of objects) {
          const at = [...copies, ...lacking].map((one) => one.store);
          expect(at.toSorted()).toEqual(chosen.map((choice) => choice.store).toSorted());
        }
      }
      const all = groups.flatMap(({ objects }) => objects.map((one) => one.object));
      expect(all.toSorted()).toEqual(made.objects.map((one) => one.object).toSorted());
    });
  });

  test('two copies share a failure domain only while no other has room for one', () => {
    holds(facts(roomy), (made, groups) => {
      const { rule: asked } = made;
      for (const group of groups) {
        const members = made.objects.filter(({ object: name }) => group.objects.some((one) => one.object === name));
        const authoritative = members.flatMap((one) => one.authoritative?.store ?? []);
        const taken = asked.besidesAuthoritative
          ? made.stores.filter((one) => authoritative.includes(one.store)).map(domainOf)
          : [];
        const used = [...new Set(taken), ...chosenBy(group).map((name) => domainOf(storeOf(made, name)))];
        if (new Set(used).size === used.length) continue;
        // Of those the law is about, only such as would certainly take the whole group.
        const free = made.stores.filter(
          (one) =>
            one.isMatching &&
            !one.isBlocked &&
            (one.availability.write || asked.ignoreAvailability) &&
            !(asked.besidesAuthoritative && authoritative.includes(one.store)) &&
            (asked.weight === undefined || (one.weight ?? 0) > 0) &&
            (one.availability.delete ||
              !members.some((member) =>
                member.replicas.some((r) => r.store === one.store && r.state === 'BEING_DELETED'),
              )) &&
            !used.includes(domainOf(one)),
        );
        expect(free.map((one) => one.store)).toEqual([]);
      }
    });
  });

  test('the order of the facts means nothing', () => {
    const shuffled = facts(narrow).chain((made) =>
      fc.record({
        made: fc.constant(made),
        stores: fc.shuffledSubarray([...made.stores], { minLength: made.stores.length }),
        objects: fc.shuffledSubarray([...made.objects], { minLength: made.objects.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ made, stores, objects }) => {
        const turned = objects.map((one) => ({
          ...one,
          replicas: one.replicas.toReversed(),
          locks: one.locks.toReversed(),
        }));
        expect(placeCopies({ ...made, stores, objects: turned })).toEqual(placeCopies(made));
      }),
      { numRuns: 400 },
    );
  });

  test('what a page copies and claims fits into what there is', () => {
    holds(facts(narrow), (made, groups) => {
      for (const one of made.stores) {
        let [copied, claimed] = [0, 0];
        for (const { object: name, copies } of groups.flatMap(({ objects }) => objects)) {
          const copy = copies.find(({ store: at }) => at === one.store);
          const { bytes, locks } = made.objects.find((member) => member.object === name) ?? object(name);
          if (copy?.action === 'copy') copied += bytes;
          if (copy !== undefined && !locks.some(({ store: at }) => at === one.store)) claimed += bytes;
        }
        expect(copied).toBeLessThanOrEqual(one.freeBytes ?? Number.POSITIVE_INFINITY);
        expect(copied).toBeLessThanOrEqual(one.acceptance.spaceAllocatedBytes ?? Number.POSITIVE_INFINITY);
        expect(claimed).toBeLessThanOrEqual(one.quotaLeftBytes ?? Number.POSITIVE_INFINITY);
      }
    });
  });

  test('a lock goes at once only if all chosen copies are good, and a good copy stays', () => {
    holds(facts(narrow), (made, groups) => {
      for (const group of groups) {
        for (const { object: name, releases } of group.objects) {
          const leaving = releases.filter(({ waitsUntil }) => waitsUntil === undefined).map((release) => release.store);
          if (leaving.length === 0) continue;
          const { replicas } = made.objects.find((member) => member.object === name) ?? object(name);
          const good = replicas.filter(({ isGood }) => isGood).map((r) => r.store);
          expect(chosenBy(group).filter((at) => !good.includes(at))).toEqual([]);
          if (good.length > 0) expect(good.filter((at) => !leaving.includes(at))).not.toEqual([]);
        }
      }
    });
  });
});

describe('what was placed once', () => {
  /** Stores that have weights where the rule asks for them: a store without one keeps what it has and gets nothing new. */
  const start = facts(narrow).map(fresh);

  test('is placed there again, and nothing is left to do', () => {
    holds(start, (made, groups) => {
      const later = carryOut(made, groups);
      const again = placeCopies(later);
      expect(again.map(chosenBy).map((stores) => stores.toSorted())).toEqual(
        groups.map(chosenBy).map((stores) => stores.toSorted()),
      );
      const copies = again.flatMap(({ objects }) => objects.flatMap((one) => one.copies));
      expect(copies.filter(({ action }) => action !== 'keep')).toEqual([]);
    });
  });

  test('stays when a copy is added', () => {
    holds(start, (made, groups) => {
      const later = carryOut(made, groups);
      const more = placeCopies({ ...later, rule: { ...later.rule, copies: later.rule.copies + 1 } });
      more.forEach((group, i) => {
        const before = groups[i] === undefined ? [] : chosenBy(groups[i]);
        expect(before.filter((name) => !chosenBy(group).includes(name))).toEqual([]);
        expect(chosenBy(group).length - before.length).toBeLessThanOrEqual(1);
        expect(group.objects.flatMap(({ releases }) => releases)).toEqual([]);
      });
    });
  });

  test('is what remains when a copy is taken away', () => {
    holds(start, (made, groups) => {
      fc.pre(made.rule.copies > 0);
      const later = carryOut(made, groups);
      const fewer = placeCopies({ ...later, rule: { ...later.rule, copies: later.rule.copies - 1 } });
      fewer.forEach((group, i) => {
        const before = groups[i] === undefined ? [] : chosenBy(groups[i]);
        expect(chosenBy(group).filter((name) => !before.includes(name))).toEqual([]);
        expect(chosenBy(group)).toHaveLength(Math.min(before.length, made.rule.copies - 1));
        for (const { objects } of [group])
          expect(objects.flatMap(({ copies }) => copies).every(({ action }) => action === 'keep')).toBe(true);
      });
    });
  });

  test('leaves a blocked store alone: only its copies go elsewhere', () => {
    holds(start, (made, groups) => {
      const victim = groups.flatMap(chosenBy)[0];
      fc.pre(victim !== undefined);
      const later = carryOut(made, groups);
      const stores = later.stores.map((one) => (one.store === victim ? { ...one, isBlocked: true } : one));
      const moved = placeCopies({ ...later, stores });
      moved.forEach((group, i) => {
        const before = (groups[i] === undefined ? [] : chosenBy(groups[i])).filter((name) => name !== victim);
        expect(before.filter((name) => !chosenBy(group).includes(name))).toEqual([]);
        expect(chosenBy(group)).not.toContain(victim);
      });
    });
  });
});
