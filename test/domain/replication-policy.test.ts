import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY_BYTES_MAX, findPolicyInForce } from '../../src/domain/rule/default-policy.ts';
import type { PolicyFacts } from '../../src/domain/rule/default-policy.ts';
import { decidePolicyPermission } from '../../src/domain/rule/policy-permission.ts';
import type { PolicyPermissionFacts } from '../../src/domain/rule/policy-permission.ts';
import { makeReplicationPolicy, ruleOfPolicy } from '../../src/domain/rule/replication-policy.ts';

describe('a policy', () => {
  test('that says nothing allows three copies', () => {
    expect(makeReplicationPolicy({})).toEqual({
      replicationAllowed: true,
      numberReplicas: 3,
      preferredNodes: [],
      blockedNodes: [],
    });
  });

  test('that prefers and blocks a node blocks it, and names each once', () => {
    const policy = makeReplicationPolicy({ preferredNodes: ['a', 'b', 'a', 'c'], blockedNodes: ['b', 'd', 'd'] });
    expect(policy).toMatchObject({ preferredNodes: ['a', 'c'], blockedNodes: ['b', 'd'] });
  });

  test('is a rule for copies besides the authoritative one, each object by itself', () => {
    expect(ruleOfPolicy(makeReplicationPolicy({ numberReplicas: 2, blockedNodes: ['x'] }))).toEqual({
      copies: 2,
      grouping: 'none',
      besidesAuthoritative: true,
      isByPolicy: true,
      purge: true,
      preferredNodes: [],
      blockedNodes: ['x'],
    });
  });

  test.each([
    [{ numberReplicas: 0 }],
    [{ replicationAllowed: false }],
    [{ replicationAllowed: false, numberReplicas: 5 }],
    [{ replicationAllowed: true, numberReplicas: 0 }],
  ])('that says %j is no rule', (said) => {
    expect(ruleOfPolicy(makeReplicationPolicy(said))).toBe(undefined);
  });
});

describe('an object without a policy', () => {
  const facts: PolicyFacts = { bytes: 10, policy: undefined, hasRule: false, hasVolunteers: true };
  const byDefault = { isOn: true, maxBytes: 100 };

  test.each([
    [0, 2],
    [99, 2],
    [100, undefined],
    [101, undefined],
  ])('of %i bytes has %s copies where the default is for less than 100', (bytes, copies) => {
    expect(findPolicyInForce({ ...facts, bytes }, byDefault).policy?.numberReplicas).toBe(copies);
  });

  test('is told its size where it is too large', () => {
    const { why } = findPolicyInForce(
      { ...facts, bytes: DEFAULT_POLICY_BYTES_MAX },
      { isOn: true, maxBytes: 1024 ** 3 },
    );
    expect(why).toBe('it has 1073741824 bytes, and the default policy is for less than 1073741824');
  });

  test.each([
    [
      'in a scope where the default is off',
      {},
      { isOn: false },
      'it has none, and the default policy is off in its scope',
    ],
    ['that a rule names', { hasRule: true }, {}, 'a rule says what copies it has'],
    [
      'while no store volunteers',
      { hasVolunteers: false },
      {},
      'it has none, and no store volunteers for copies by policy',
    ],
  ])('%s has no copies by default', (_, moreFacts, moreDefault, why) => {
    const found = findPolicyInForce({ ...facts, ...moreFacts }, { ...byDefault, ...moreDefault });
    expect(found).toEqual({ policy: undefined, why });
  });

  test('is another case than one whose own policy says less, or more, than the default', () => {
    for (const numberReplicas of [0, 1, 7]) {
      const policy = makeReplicationPolicy({ numberReplicas });
      expect(findPolicyInForce({ ...facts, bytes: 1e9, policy, hasRule: true }, byDefault).policy).toBe(policy);
    }
  });
});

describe('an object’s policy is set', () => {
  const facts: PolicyPermissionFacts = {
    object: 'data:a',
    account: 'bob',
    isAdministrator: false,
    rightsHolder: 'alice',
    authoritativeStore: { store: 'knb', isAdministeredByAccount: false },
  };

  test.each([
    ['its rights holder', { account: 'alice' }],
    [
      'an administrator of its authoritative store',
      { authoritativeStore: { store: 'knb', isAdministeredByAccount: true } },
    ],
    ['an administrator', { isAdministrator: true }],
  ])('by %s', (_, more) => {
    expect(decidePolicyPermission({ ...facts, ...more })).toEqual({ kind: 'granted' });
  });

  test.each([
    [{}, 'its rights holder alice, an administrator of the store knb or an administrator may'],
    [{ rightsHolder: undefined }, 'an administrator of the store knb or an administrator may'],
    [{ authoritativeStore: undefined }, 'its rights holder alice or an administrator may'],
    [{ rightsHolder: undefined, authoritativeStore: undefined }, 'an administrator may'],
  ])('by nobody else: with %j the refusal says who may', (more, who) => {
    expect(decidePolicyPermission({ ...facts, ...more })).toEqual({
      kind: 'refused',
      why: `bob may not set the policy of data:a: ${who}`,
    });
  });
});
