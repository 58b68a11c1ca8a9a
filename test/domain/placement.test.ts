import { describe, expect, test } from 'vitest';
import type { ObjectFacts, StoreFacts } from '../../src/domain/placement/placement-facts.ts';
import {
  around,
  chosenBy,
  draw,
  locked,
  object,
  onlyGroup,
  place,
  policyRule,
  releasesOf,
  rule,
  store,
  under,
} from './placement-cases.ts';

describe('a policy', () => {
  test.each([
    [0, 0, undefined],
    [1, 1, undefined],
    [2, 2, undefined],
    [3, 3, undefined],
    [5, 3, '2 of 5 copies have no place (authoritative itself: home)'],
  ])('for %i copies places %i besides the authoritative one', (number, placed, missing) => {
    const group = under(number);
    expect(group.chosen).toHaveLength(placed);
    expect(chosenBy(group)).not.toContain('home');
    expect(group.missing).toBe(missing);
    expect(group.objects[0]?.copies).toEqual(chosenBy(group).map((name) => ({ store: name, action: 'copy' })));
  });

  test('uses preferred stores first, and others after them', () => {
    expect(chosenBy(under(1, { c: { isPreferred: true } }))).toEqual(['c']);
    expect(chosenBy(under(3, { c: { isPreferred: true } }))[0]).toBe('c');
    expect(chosenBy(under(2, { b: { isPreferred: true }, c: { isPreferred: true } })).toSorted()).toEqual(['b', 'c']);
  });

  test('never uses a blocked store, preferred or not, and says so', () => {
    const group = under(3, { b: { isBlocked: true, isPreferred: true } });
    expect(chosenBy(group).toSorted()).toEqual(['a', 'c']);
    expect(group.missing).toBe('1 of 3 copies has no place (blocked: b; authoritative itself: home)');
  });

  test('uses no store that does not volunteer, also if it has the bytes; a rule does', () => {
    const acceptance = { replicate: false, allowedNodes: [], allowedFormats: [] };
    const stores = around({ a: { acceptance } });
    const there = object('x', { replicas: [{ store: 'a', state: 'AVAILABLE', isGood: true }] });
    expect(chosenBy(onlyGroup(place(policyRule(3), stores, [there]))).toSorted()).toEqual(['b', 'c']);
    expect(chosenBy(onlyGroup(place(rule(), stores, [there])))).toEqual(['a']);
  });

  test('puts no copy into the failure domain of the authoritative one while another is free', () => {
    const changes = {
      home: { failureDomain: 'eu' },
      a: { failureDomain: 'eu', isPreferred: true },
      b: { failureDomain: 'us' },
    };
    expect(chosenBy(under(2, changes)).toSorted()).toEqual(['b', 'c']);
    expect(chosenBy(under(3, changes))[2]).toBe('a');
  });
});

describe('among candidates, the first is', () => {
  const first = (changes: Readonly<Record<string, Partial<StoreFacts>>>, more: Partial<ObjectFacts> = {}) => {
    const [choice] = onlyGroup(
      place(rule({ copies: 3 }), around(changes), [object('x', { replicas: [], ...more })]),
    ).chosen;
    return `${choice?.store}: ${choice?.why.replace(/, before .*/, '')}`;
  };

  test.each<
    [what: string, expected: string, changes: Readonly<Record<string, Partial<StoreFacts>>>, more: Partial<ObjectFacts>]
  >([
    [
      'a preferred one',
      'b: it is preferred',
      { b: { isPreferred: true } },
      { replicas: [{ store: 'a', state: 'AVAILABLE', isGood: true }] },
    ],
    [
      'one that has the bytes',
      'a: it holds 10 of 10 bytes already',
      {},
      { replicas: [{ store: 'a', state: 'COPYING', isGood: false }] },
    ],
    [
      'of two that have them, one that has them whole',
      'c: more of its bytes are good already',
      {},
      {
        replicas: [
          { store: 'a', state: 'COPYING', isGood: false },
          { store: 'c', state: 'AVAILABLE', isGood: true },
        ],
      },
    ],
    [
      'one that does not fail',
      'c: fewer of its recent transfers failed',
      Object.fromEntries(['home', 'a', 'b'].map((name) => [name, { recent: { succeeded: 8, failed: 2 } }])),
      {},
    ],
    [
      'one with a shorter queue',
      'c: it is less busy',
      Object.fromEntries(['home', 'a', 'b'].map((name) => [name, { pendingRequests: 50 }])),
      {},
    ],
  ])('%s', (_, expected, changes, more) => {
    expect(first(changes, more)).toBe(expected);
  });

  test.each([
    ['a few failures of few', { recent: { succeeded: 0, failed: 4 } }],
    ['fewer than one failure in five', { recent: { succeeded: 81, failed: 19 } }],
  ])('not decided by %s', (_, changes) => {
    const all = { home: changes, a: changes, b: changes };
    expect(first(all)).toBe(first({}));
    expect(first({})).toMatch(/drawn among equals$/);
  });

  test('drawn anew for every group, so that equals share the work', () => {
    const stores = ['a', 'b', 'c', 'd'].map((name) => store(name));
    const objects = Array.from({ length: 4000 }, (_, i) => object(`o${i}`));
    const groups = place(rule({ grouping: 'none' }), stores, objects);
    for (const { store: name } of stores) {
      const share = groups.filter((group) => chosenBy(group)[0] === name).length / objects.length;
      expect(share).toBeGreaterThan(0.22);
      expect(share).toBeLessThan(0.28);
    }
  });
});

describe('a rule with a weight', () => {
  const weighted = rule({ grouping: 'none', weight: 'tape_share' });

  test('chooses stores in proportion to it, and always the same for a group', () => {
    const stores = [1, 2, 5].map((weight) => store(`w${weight}`, { weight }));
    const objects = Array.from({ length: 8000 }, (_, i) => object(`o${i}`));
    const groups = place(weighted, stores, objects);
    for (const { store: name, weight } of stores) {
      const share = groups.filter((group) => chosenBy(group)[0] === name).length / objects.length;
      expect(Math.abs(share - (weight ?? 0) / 8)).toBeLessThan(0.02);
    }
    expect(place(weighted, stores.toReversed(), objects)).toEqual(groups);
  });

  test('takes no notice of the others when a store comes', () => {
    const stores = [1, 2, 5].map((weight) => store(`w${weight}`, { weight }));
    const objects = Array.from({ length: 500 }, (_, i) => object(`o${i}`));
    const before = place(weighted, stores, objects).map((group) => chosenBy(group)[0]);
    const after = place(weighted, [...stores, store('w3', { weight: 3 })], objects).map((group) => chosenBy(group)[0]);
    expect(after.filter((name, i) => name !== before[i] && name !== 'w3')).toEqual([]);
    expect(after).toContain('w3');
  });

  test.each([
    [undefined, 'its attribute tape_share is not a number'],
    [0, 'its attribute tape_share is 0, and only more than 0 is a weight'],
    [-1, 'its attribute tape_share is -1, and only more than 0 is a weight'],
    [Number.POSITIVE_INFINITY, 'its attribute tape_share is Infinity, and only more than 0 is a weight'],
  ])('leaves out a store whose weight is %s', (weight, why) => {
    const group = onlyGroup(place(weighted, [store('a', { weight }), store('b', { weight: 1 })], [object('x')]));
    expect(group.rejections).toEqual([{ store: 'a', filter: 'weight', why, isPassing: false }]);
  });

  test('keeps copies at a store that has lost its weight', () => {
    const group = onlyGroup(place(weighted, [store('a'), store('b', { weight: 1 })], [object('x', locked('a'))]));
    expect(chosenBy(group)).toEqual(['a']);
  });
});

describe('copies go to distinct failure domains', () => {
  const sites = {
    home: { failureDomain: 'eu' },
    a: { failureDomain: 'eu' },
    b: { failureDomain: 'us' },
    c: { failureDomain: 'us' },
  };

  test('before anything that is preferred', () => {
    const preferred = {
      ...sites,
      b: { failureDomain: 'us', isPreferred: true },
      c: { failureDomain: 'us', isPreferred: true },
    };
    const group = onlyGroup(place(rule({ copies: 2 }), around(preferred), [object('x', { replicas: [] })]));
    expect(chosenBy(group).map((name) => (name === 'home' || name === 'a' ? 'eu' : 'us'))).toEqual(['us', 'eu']);
  });

  test('and spread evenly when there are too few', () => {
    const eu = { failureDomain: 'eu', isPreferred: true };
    const us = { failureDomain: 'us' };
    const stores = [store('a', eu), store('b', eu), store('c', eu), store('d', us), store('e', us)];
    const group = onlyGroup(place(rule({ copies: 4 }), stores, [object('x')]));
    expect(chosenBy(group).filter((name) => 'de'.includes(name))).toHaveLength(2);
    const crowded = group.chosen.filter(({ why }) =>
      why.endsWith('no candidate is in a failure domain without a copy'),
    );
    expect(crowded).toHaveLength(1);
    expect(group.chosen[3]?.why).toMatch(/^its failure domain has fewer copies than that of [abc]$/);
    expect(group.missing).toBe(undefined);
  });

  test('also later: a copy that shares one moves to a domain that has become free, once it is there', () => {
    const stores = [
      store('a', { failureDomain: 'eu' }),
      store('b', { failureDomain: 'eu' }),
      store('c', { failureDomain: 'us' }),
    ];
    const group = onlyGroup(place(rule({ copies: 2 }), stores, [object('x', locked('a', 'b'))]));
    const [kept, moved] = group.chosen;
    expect([kept?.isKept, moved?.store]).toEqual([true, 'c']);
    expect(releasesOf(group)).toMatchObject([{ waitsUntil: 'the copy at c is good', purge: false }]);
  });
});

test.each([
  ['AVAILABLE', 'lock'],
  ['COPYING', 'join'],
  ['TEMPORARY_UNAVAILABLE', 'lock'],
  ['UNVERIFIED', 'copy'],
  ['UNAVAILABLE', 'copy'],
  ['SUSPICIOUS', 'copy'],
  ['BAD', 'copy'],
] as const)('at a store where the replica is %s the copy’s action is %s', (state, action) => {
  const group = onlyGroup(
    place(rule(), [store('a')], [object('x', { replicas: [{ store: 'a', state, isGood: false }] })]),
  );
  expect(group.objects[0]?.copies).toEqual([{ store: 'a', action }]);
});

test('without stores everything is missing', () => {
  expect(onlyGroup(place(rule(), [], [object('x')])).missing).toBe(
    '1 of 1 copy has no place: there are no more stores',
  );
  expect(place(rule(), around(), [])).toEqual([]);
});

test('a draw is the same every time, and another for another group', () => {
  expect(draw('all', 'a')).toBe(draw('all', 'a'));
  expect(draw('all', 'a')).not.toBe(draw('all ', 'a'));
});
