import { describe, expect, test } from 'vitest';
import { filterSteps } from '../../src/domain/placement/placement.ts';
import type { StoreFacts } from '../../src/domain/placement/placement-facts.ts';
import { chosenBy, names, object, onlyGroup, place, policyRule, rule, store, under } from './placement-cases.ts';

describe('a store is no candidate', () => {
  const acceptance = { replicate: true, allowedNodes: [], allowedFormats: [] };
  test.each<[what: string, changes: Partial<StoreFacts>, filter: string, why: string, isPassing: boolean]>([
    [
      'outside the expression',
      { isMatching: false },
      'expression',
      'the rule’s expression does not hold for it',
      false,
    ],
    ['when blocked', { isBlocked: true }, 'blocked', 'it is blocked', false],
    [
      'when it mirrors another scope',
      { mirrors: new Set(['theirs']) },
      'layout',
      'it mirrors theirs, and holds nothing else',
      false,
    ],
    [
      'when it has not answered for long',
      { absentSince: '2026-01-31T12:00:00Z' },
      'absence',
      'it has not answered since 2026-01-31T12:00:00Z',
      true,
    ],
    [
      'when it takes no writes',
      { availability: { write: false, delete: true } },
      'availability',
      'it takes no writes now',
      true,
    ],
    [
      'when it refuses the size',
      { acceptance: { ...acceptance, maxObjectBytes: 9 } },
      'acceptance',
      'it takes objects of up to 9 bytes, and x has 10',
      false,
    ],
    [
      'when it refuses the format',
      { acceptance: { ...acceptance, allowedFormats: ['text/xml'] } },
      'acceptance',
      'it takes text/xml only, and x is text/csv',
      false,
    ],
    [
      'when it refuses the node',
      { acceptance: { ...acceptance, allowedNodes: ['esa'] } },
      'acceptance',
      'it takes copies from esa only, and x is authoritative at home',
      false,
    ],
    [
      'when what it gives is used',
      { acceptance: { ...acceptance, spaceAllocatedBytes: 12 }, usage: { completedBytes: 2, inFlightBytes: 1 } },
      'acceptance',
      '9 of the 12 bytes it gives to copies are left, and x has 10',
      true,
    ],
    ['without quota', { quotaLeftBytes: 9 }, 'quota', '9 bytes of quota are left, and 10 are needed', true],
    ['without a path', { findPathProblem: ({ object: name }) => `${name} has none` }, 'path', 'x has none', false],
    ['without space', { freeBytes: 9 }, 'space', '9 bytes are free, and 10 are needed', true],
  ])('%s', (_, changes, filter, why, isPassing) => {
    const group = under(3, { b: changes });
    expect(group.rejections.filter(({ store: name }) => name === 'b')).toEqual([
      { store: 'b', filter, why, isPassing },
    ]);
    expect(chosenBy(group)).not.toContain('b');
  });

  test('where an earlier copy has to go first, when it takes no deletes', () => {
    const leaving = { replicas: [{ store: 'b', state: 'BEING_DELETED', isGood: false }] } as const;
    const group = under(3, { b: { availability: { write: true, delete: false } } }, leaving);
    expect(group.rejections).toContainEqual({
      store: 'b',
      filter: 'deletion',
      why: 'an earlier copy of x has to go first, and it takes no deletes now',
      isPassing: true,
    });
  });

  test.each([
    ['is passed over while others have room', 2, undefined],
    ['is chosen for want of a better one', 3, 'an earlier copy is deleted there first, and there is no better place'],
  ])('and otherwise it %s', (_, copies, why) => {
    const group = under(copies, {}, { replicas: [{ store: 'b', state: 'BEING_DELETED', isGood: false }] });
    expect(group.missing).toBeUndefined();
    expect(group.chosen.find((choice) => choice.store === 'b')).toEqual(
      why === undefined ? undefined : { store: 'b', isKept: false, why },
    );
    expect(group.chosen.map((choice) => choice.why).join()).toContain('deleted');
  });

  test.each([
    ['accepted size', { acceptance: { ...acceptance, maxObjectBytes: 10 } }],
    ['allocated space', { acceptance: { ...acceptance, spaceAllocatedBytes: 10 } }],
    ['quota', { quotaLeftBytes: 10 }],
    ['free space', { freeBytes: 10 }],
    ['allowed node, by alias', { acceptance: { ...acceptance, allowedNodes: ['urn:node:HOME'] } }],
  ])('but is one at the limit of its %s', (_, changes) => {
    const x = object('x', { authoritative: names('home', { aliases: ['urn:node:HOME'] }) });
    expect(chosenBy(onlyGroup(place(policyRule(1), [store('b', changes)], [x])))).toEqual(['b']);
  });

  test('but is one for those of a group that have a path there, for want of a better one', () => {
    const findPathProblem: StoreFacts['findPathProblem'] = (one) => (one.object === 'x' ? 'x has none' : undefined);
    const group = (copies: number) =>
      onlyGroup(
        place(
          rule({ copies, grouping: 'all' }),
          [store('b', { findPathProblem, isPreferred: true }), store('c')],
          [object('x'), object('y')],
        ),
      ).chosen;
    expect(group(1)).toEqual([{ store: 'c', isKept: false, why: 'not every object of the group has a path at b' }]);
    expect(group(2)[1]).toEqual({
      store: 'b',
      isKept: false,
      why: 'some of the group have a path there, and there is no better place',
    });
  });

  test('but is one without writes where the rule ignores availability', () => {
    const stores = [store('b', { availability: { write: false, delete: true } })];
    expect(chosenBy(onlyGroup(place(rule({ ignoreAvailability: true }), stores, [object('x')])))).toEqual(['b']);
  });

  test('but is one that does not answer where the rule ignores availability', () => {
    const stores = [store('b', { absentSince: 'long ago' })];
    expect(chosenBy(onlyGroup(place(rule({ ignoreAvailability: true }), stores, [object('x')])))).toEqual(['b']);
  });

  test('but is one for what it has already: space, size and writes are not asked of bytes that are there', () => {
    const full = {
      freeBytes: 0,
      availability: { write: false, delete: true },
      acceptance: { ...acceptance, maxObjectBytes: 1 },
    };
    const there = object('x', { replicas: [{ store: 'b', state: 'AVAILABLE', isGood: true }] });
    const group = onlyGroup(place(rule(), [store('b', full)], [there]));
    expect(group.objects[0]?.copies).toEqual([{ store: 'b', action: 'lock' }]);
  });

  test('and every store is told, filter by filter', () => {
    const steps = filterSteps(under(1, { a: { isBlocked: true }, b: { freeBytes: 0 } }));
    expect(steps.map(({ filter, candidates }) => `${filter}: ${candidates.join(' ')}`)).toEqual([
      'expression: a b c home',
      'blocked: b c home',
      'authoritative: b c',
      'layout: b c',
      'absence: b c',
      'weight: b c',
      'availability: b c',
      'acceptance: b c',
      'deletion: b c',
      'quota: b c',
      'space: c',
      'path: c',
    ]);
    expect(steps.flatMap(({ rejected }) => rejected.map((one) => one.store))).toEqual(['a', 'home', 'b']);
  });
});
