import { expect, it } from 'vitest';
import { conflictName, conflictPolicyOf, parseConflictName } from '../../../src/domain/journal/conflict-policy.ts';

it('what lost is called by its object and its dot, and found by that name', () => {
  const dot = { actor: '00000000000000ab', counter: 17 };
  for (const name of ['a', 'a.conflict-00000000000000ab-17', 'd/a b.txt', 'line\nline']) {
    const called = conflictName(name, dot);
    expect(parseConflictName({ scope: 's', name: called })).toEqual({ of: { scope: 's', name }, dot });
  }
  for (const name of ['a', '.conflict-00000000000000ab-17', 'a.conflict-ab-17', 'a.conflict-00000000000000ab-0'])
    expect(parseConflictName({ scope: 's', name })).toBeUndefined();
});

it('a scope has its own policy, or that of all others, or the last writer wins', () => {
  expect(conflictPolicyOf({}, 's')).toBe('last-writer-wins');
  expect(conflictPolicyOf({ '*': 'reject', s: 'keep-both' }, 's')).toBe('keep-both');
  expect(conflictPolicyOf({ '*': 'reject', s: 'keep-both' }, 't')).toBe('reject');
});
