import { describe, expect, test } from 'vitest';
import { groupKey } from '../../src/domain/placement/object-groups.ts';
import type { StoreFacts } from '../../src/domain/placement/placement-facts.ts';
import { around, chosenBy, locked, object, onlyGroup, place, policyRule, rule, store } from './placement-cases.ts';

describe('a group', () => {
  const big = { freeBytes: 25 };

  test('is the objects of one dataset, placed together', () => {
    const objects = ['x', 'y', 'z'].map((name) => object(name, { dataset: name === 'z' ? 'e' : 'd' }));
    const groups = place(rule({ grouping: 'dataset' }), around(), objects);
    expect(groups.map(({ key, objects: placed }) => [key, placed.map((one) => one.object)])).toEqual([
      ['dataset d', ['x', 'y']],
      ['dataset e', ['z']],
    ]);
    for (const group of groups)
      for (const one of group.objects) expect(one.copies.map((copy) => copy.store)).toEqual(chosenBy(group));
  });

  test.each([
    ['all', ['all']],
    ['none', ['object x', 'object y', 'object z']],
    ['dataset', ['dataset d', 'object y', 'object z']],
  ] as const)('by %s has the keys %j', (grouping, keys) => {
    const objects = [object('z'), object('x', { dataset: 'd' }), object('y')];
    expect(place(rule({ grouping }), around(), objects).map(({ key }) => key)).toEqual(keys);
  });

  test('goes whole or not at all to a store that is new to it', () => {
    const objects = ['x', 'y', 'z'].map((name) => object(name, { dataset: 'd' }));
    const group = onlyGroup(place(rule(), [store('a', big)], objects));
    expect(group.missing).toBe('1 of 1 copy has no place (without space for it: a)');
    expect(group.rejections).toMatchObject([{ why: '25 bytes are free, and 30 are needed' }]);
  });

  test('goes where most of its bytes are', () => {
    const at = (name: string) => ({
      dataset: 'd',
      replicas: [{ store: name, state: 'AVAILABLE' as const, isGood: true }],
    });
    const objects = [object('x', at('b')), object('y', at('b')), object('z', { ...at('a'), bytes: 15 })];
    const group = onlyGroup(place(rule(), around(), objects));
    expect(group.chosen[0]?.why).toMatch(/^it holds 20 of 35 bytes already, before a/);
    expect(group.objects.map(({ copies }) => copies.map(({ action }) => action))).toEqual([
      ['lock'],
      ['lock'],
      ['copy'],
    ]);
  });

  test('keeps together: what comes to it goes where the others are', () => {
    const objects = [object('x', { dataset: 'd', ...locked('b') }), object('y', { dataset: 'd' })];
    const group = onlyGroup(place(rule(), around({ a: { isPreferred: true } }), objects));
    expect(chosenBy(group)).toEqual(['b']);
    expect(group.objects.map(({ copies }) => copies)).toEqual([
      [{ store: 'b', action: 'keep' }],
      [{ store: 'b', action: 'copy' }],
    ]);
  });

  test('that lies at too many stores stays where most of it is claimed', () => {
    const objects = [
      object('x', { dataset: 'd', ...locked('a', 'b') }),
      object('y', { dataset: 'd', ...locked('b') }),
      object('z', { dataset: 'd', ...locked('a'), bytes: 9 }),
    ];
    const group = onlyGroup(place(rule(), around({ a: { isPreferred: true } }), objects));
    expect(chosenBy(group)).toEqual(['b']);
    expect(group.objects.map(({ releases }) => releases.map(({ waitsUntil }) => waitsUntil))).toEqual([
      [undefined],
      [],
      ['the copy at b is good'],
    ]);
  });

  test('tells what cannot join the others', () => {
    const objects = ['v', 'w', 'x'].map((name) => object(name, { dataset: 'd', ...(name === 'v' ? locked('b') : {}) }));
    const group = onlyGroup(place(rule(), around({ b: { freeBytes: 15 } }), objects));
    expect(group.missing).toBe('x cannot join the others of the group (b: 5 bytes are free, and 10 are needed)');
    expect(group.objects.map(({ lacking }) => lacking.length)).toEqual([0, 0, 1]);
  });

  test('counts its objects on other pages', () => {
    const rest = (heldBytes: number, lockedBytes: number) =>
      new Map([[groupKey(object('x'), 'all'), { bytes: 100, stores: [{ store: 'b', heldBytes, lockedBytes }] }]]);
    const grouped = rule({ grouping: 'all' });
    const stores = around({
      a: { freeBytes: 109 },
      b: { freeBytes: 10 },
      c: { freeBytes: 109 },
      home: { isBlocked: true },
    });
    expect(chosenBy(onlyGroup(place(grouped, stores, [object('x')], { rest: rest(100, 0) })))).toEqual(['b']);
    expect(chosenBy(onlyGroup(place(grouped, stores, [object('x')], { rest: rest(99, 0) })))).toEqual([]);
    expect(chosenBy(onlyGroup(place(grouped, stores, [object('x')], { rest: rest(99, 1) })))).toEqual(['b']);
  });

  test('claims what is not claimed on other pages, and leaves that to nobody else', () => {
    const stores = (changes: Partial<StoreFacts>) => [store('b', changes)];
    const objects = [object('x', { dataset: 'd' }), object('y')];
    const rest = new Map([[groupKey({ object: 'x', dataset: 'd' }, 'dataset'), { bytes: 20, stores: [] }]]);
    const placed = (changes: Partial<StoreFacts>) =>
      place(rule(), stores(changes), objects, { rest }).map((group) => group.chosen.length);
    for (const limit of ['freeBytes', 'quotaLeftBytes'] as const) {
      expect(placed({ [limit]: 40 })).toEqual([1, 1]);
      expect(placed({ [limit]: 39 })).toEqual([1, 0]);
      expect(placed({ [limit]: 29 })).toEqual([0, 1]);
    }
  });

  test('leaves the space it takes to nobody else on the page', () => {
    const objects = ['x', 'y', 'z'].map((name) => object(name));
    for (const limit of [
      { freeBytes: 25 },
      { quotaLeftBytes: 25 },
      { acceptance: { replicate: true, spaceAllocatedBytes: 25, allowedNodes: [], allowedFormats: [] } },
    ]) {
      const groups = place(policyRule(1), [store('b', limit)], objects);
      expect(groups.map((group) => group.chosen.length)).toEqual([1, 1, 0]);
    }
  });
});
