import { describe, expect, test } from 'vitest';
import {
  around,
  chosenBy,
  locked,
  names,
  object,
  onlyGroup,
  place,
  policyRule,
  releasesOf,
  rule,
  store,
  under,
} from './placement-cases.ts';

describe('what is placed stays', () => {
  test('when the number is raised: copies are added', () => {
    const group = under(3, { a: { isPreferred: true } }, locked('b', 'c'));
    expect(chosenBy(group).toSorted()).toEqual(['a', 'b', 'c']);
    expect(group.objects[0]?.copies.map(({ action }) => action).toSorted()).toEqual(['copy', 'keep', 'keep']);
    expect(releasesOf(group)).toEqual([]);
  });

  test('when others become preferred, less busy or larger', () => {
    const better = { isPreferred: true };
    expect(
      chosenBy(under(1, { a: better, b: { pendingRequests: 1e6, freeBytes: 0 }, c: better }, locked('b'))),
    ).toEqual(['b']);
  });

  test('when its store takes no writes, has no space, or no longer accepts what it has', () => {
    const closed = {
      availability: { write: false, delete: true },
      freeBytes: 0,
      quotaLeftBytes: 0,
      acceptance: { replicate: false, maxObjectBytes: 0, allowedNodes: ['x'], allowedFormats: ['x'] },
    };
    expect(chosenBy(under(1, { b: closed }, locked('b')))).toEqual(['b']);
  });

  test('when the number is lowered, as far as it goes; the surplus goes at once, and a preferred store keeps its copy', () => {
    const group = under(1, { c: { isPreferred: true } }, locked('a', 'b', 'c'));
    expect(chosenBy(group)).toEqual(['c']);
    expect(releasesOf(group)).toEqual(
      ['a', 'b'].map((name) => ({
        store: name,
        why: 'the rule has all its copies',
        waitsUntil: undefined,
        purge: true,
      })),
    );
  });

  test('nowhere when the number is lowered to 0; the last good copy is not released', () => {
    expect(releasesOf(under(0, {}, locked('a', 'b'))).map((release) => release.waitsUntil)).toEqual([
      undefined,
      undefined,
    ]);
    const last = {
      replicas: [{ store: 'a', state: 'AVAILABLE' as const, isGood: true }],
      locks: [{ store: 'a', isStuck: false }],
    };
    expect(releasesOf(under(0, {}, last))).toMatchObject([{ waitsUntil: 'there is another good copy' }]);
  });

  test('when the number is lowered while the copy that stays is not good yet', () => {
    const group = under(
      1,
      { c: { isPreferred: true } },
      {
        ...locked('a', 'c'),
        replicas: [
          { store: 'a', state: 'AVAILABLE', isGood: true },
          { store: 'c', state: 'COPYING', isGood: false },
        ],
      },
    );
    expect(releasesOf(group)).toMatchObject([{ store: 'a', waitsUntil: 'the copy at c is good' }]);
  });

  test('also as a soft copy, for whose sake nothing goes', () => {
    const group = under(
      1,
      { c: { isPreferred: true } },
      {
        ...locked('a', 'c'),
        replicas: [
          { store: 'a', state: 'AVAILABLE', isGood: true },
          { store: 'c', state: 'AVAILABLE', isGood: false },
        ],
      },
    );
    expect(releasesOf(group)).toMatchObject([{ store: 'a', waitsUntil: 'the copy at c is good' }]);
  });

  test('and is brought again when its bytes were found wrong', () => {
    const group = under(1, {}, { ...locked('a'), replicas: [{ store: 'a', state: 'BAD', isGood: false }] });
    expect(group.objects[0]?.copies).toEqual([{ store: 'a', action: 'copy' }]);
  });

  test('but goes elsewhere when its bytes were found wrong and the store takes none', () => {
    const bad = { ...locked('a'), replicas: [{ store: 'a', state: 'BAD' as const, isGood: false }] };
    const group = under(1, { a: { freeBytes: 0 } }, bad);
    expect(chosenBy(group)).not.toContain('a');
    expect(releasesOf(group)).toMatchObject([{ store: 'a', waitsUntil: expect.stringContaining('is good') }]);
  });

  test('but goes elsewhere when its lock is stuck and the object is by itself', () => {
    const stuck = {
      replicas: [{ store: 'home', state: 'AVAILABLE' as const, isGood: true }],
      locks: [{ store: 'a', isStuck: true }],
    };
    expect(chosenBy(under(1, {}, stuck))).not.toContain('a');
    expect(chosenBy(under(3, {}, stuck))[2]).toBe('a');
    const underWay = { ...stuck, replicas: [{ store: 'a', state: 'COPYING' as const, isGood: false }] };
    expect(chosenBy(under(1, {}, underWay))).not.toContain('a');
    const objects = ['x', 'y'].map((name) => object(name, { dataset: 'd', ...stuck }));
    expect(chosenBy(onlyGroup(place(rule(), around(), objects)))).toEqual(['a']);
  });
});

describe('a store that is newly blocked', () => {
  const blocked = { b: { isBlocked: true } };

  test('is moved away from: first the new copy', () => {
    const group = under(1, blocked, locked('b'));
    expect(group.chosen).toMatchObject([{ isKept: false }]);
    expect(releasesOf(group)).toEqual([
      { store: 'b', why: 'it is blocked', waitsUntil: `the copy at ${chosenBy(group)[0]} is good`, purge: true },
    ]);
  });

  test('then it is emptied', () => {
    const group = under(1, blocked, { ...locked('a', 'b') });
    expect(chosenBy(group)).toEqual(['a']);
    expect(releasesOf(group)).toEqual([{ store: 'b', why: 'it is blocked', waitsUntil: undefined, purge: true }]);
  });

  test('keeps its copy while the store that would take it is only away', () => {
    const group = under(2, { ...blocked, c: { availability: { write: false, delete: true } } }, locked('a', 'b'));
    expect(group.missing).toBe(
      '1 of 2 copies has no place (blocked: b; authoritative itself: home; not taking writes now: c)',
    );
    expect(releasesOf(group)).toMatchObject([{ store: 'b', waitsUntil: 'c can take a copy' }]);
  });

  test('is emptied when no other store ever takes the copy, as long as a good one is left', () => {
    const nowhere = { ...blocked, a: { isBlocked: true }, c: { isMatching: false } };
    expect(releasesOf(under(1, nowhere, locked('b')))).toMatchObject([
      { store: 'b', waitsUntil: undefined, purge: true },
    ]);
    const last = { ...locked('b'), replicas: [{ store: 'b', state: 'AVAILABLE' as const, isGood: true }] };
    expect(releasesOf(under(1, nowhere, last))).toMatchObject([{ waitsUntil: 'there is another good copy' }]);
  });

  test('keeps what has become authoritative there', () => {
    const group = under(1, blocked, { ...locked('a', 'b'), authoritative: names('b') });
    expect(releasesOf(group)).toMatchObject([{ store: 'b', purge: false }]);
  });

  test('or is no store any more is left in the same way', () => {
    const group = onlyGroup(place(policyRule(1), [store('a')], [object('x', locked('b'))]));
    expect(releasesOf(group)).toEqual([
      { store: 'b', why: 'it is no store any more', waitsUntil: 'the copy at a is good', purge: true },
    ]);
  });
});
