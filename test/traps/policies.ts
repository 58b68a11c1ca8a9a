import type { Trap } from './trap.ts';

const POLICIES = ['test/domain/replication-policy.test.ts'];
const ACCEPTANCE = 'src/domain/store/acceptance.ts';
const ACCEPTED = ['test/domain/acceptance.test.ts'];

export const POLICY_TRAPS: readonly Trap[] = [
  {
    name: 'a node that is preferred and blocked is used',
    row: 'policies: blocked wins',
    file: 'src/domain/placement/store-filters.ts',
    find: "return store.isBlocked ? reject(store, 'blocked', 'it is blocked') : undefined;",
    replace:
      "return store.isBlocked && store.isMatching === false ? reject(store, 'blocked', 'it is blocked') : undefined;",
    tests: ['test/domain/placement.test.ts'],
    only: 'never uses a blocked store, preferred or not',
  },
  {
    name: 'a policy keeps a blocked node among the preferred ones',
    row: 'policies: blocked wins',
    file: 'src/domain/rule/replication-policy.ts',
    find: '.filter((node) => !blocked.has(node))',
    replace: '',
    tests: POLICIES,
    only: 'that prefers and blocks a node blocks it',
  },
  {
    name: 'a store takes copies by policy unasked',
    row: 'policies: who volunteers',
    file: ACCEPTANCE,
    find: 'if (facts.isByPolicy && !policy.replicate) {',
    replace: 'if (facts.isByPolicy && policy.replicate === undefined) {',
    tests: ACCEPTED,
    only: 'that says nothing takes the copies of rules and none of policies',
  },
  {
    name: 'a store that names others volunteers for a rule only if it said so',
    row: 'policies: who volunteers',
    file: ACCEPTANCE,
    find: 'if (facts.isByPolicy && !policy.replicate) {',
    replace: 'if (!policy.replicate) {',
    tests: ACCEPTED,
    only: 'that says nothing takes the copies of rules and none of policies',
  },
  {
    name: 'an object of just the largest size is refused',
    row: 'policies: sizes at their limits',
    file: ACCEPTANCE,
    find: 'bytes > policy.maxObjectBytes) {',
    replace: 'bytes >= policy.maxObjectBytes) {',
    tests: ACCEPTED,
  },
  {
    name: 'what is in flight takes no space',
    row: 'rules: space',
    file: ACCEPTANCE,
    find: 'allocatedBytes - usage.completedBytes - usage.inFlightBytes;',
    replace: 'allocatedBytes - usage.completedBytes;',
    tests: ACCEPTED,
  },
  {
    name: 'the default policy is for objects of just its size, too',
    row: 'policies: sizes at their limits',
    file: 'src/domain/rule/default-policy.ts',
    find: 'if (facts.bytes >= byDefault.maxBytes)',
    replace: 'if (facts.bytes > byDefault.maxBytes)',
    tests: POLICIES,
  },
  {
    name: 'the default policy is for objects that a rule is about, too',
    row: 'policies: who volunteers',
    file: 'src/domain/rule/default-policy.ts',
    find: "if (facts.hasRule) return under(undefined, 'a rule says what copies it has');",
    replace: '',
    tests: POLICIES,
  },
  {
    name: 'a policy of no copies is one of three',
    row: 'policies: sizes at their limits',
    file: 'src/domain/rule/replication-policy.ts',
    find: 'if (!policy.replicationAllowed || policy.numberReplicas === 0) return undefined;',
    replace: 'if (policy.numberReplicas === 0) return undefined;',
    tests: POLICIES,
  },
  {
    name: 'anybody may set a policy',
    row: 'policies: who may set one',
    file: 'src/domain/rule/policy-permission.ts',
    find: 'if (facts.isAdministrator || account === rightsHolder || authoritativeStore?.isAdministeredByAccount === true) {',
    replace:
      'if (facts.isAdministrator || account !== undefined || authoritativeStore?.isAdministeredByAccount === true) {',
    tests: POLICIES,
  },
  {
    name: 'an object without a rights holder belongs to nobody’s account',
    row: 'policies: who may set one',
    file: 'src/domain/rule/policy-permission.ts',
    find: 'authoritativeStore?.isAdministeredByAccount === true',
    replace: 'authoritativeStore !== undefined',
    tests: POLICIES,
  },
  {
    name: 'a copy counts besides the authoritative one and lies at its store',
    row: 'policies: blocked wins',
    file: 'src/domain/placement/store-filters.ts',
    find: 'if (!rule.besidesAuthoritative || !objects.some(',
    replace: 'if (rule.besidesAuthoritative || !objects.some(',
    tests: ['test/domain/placement-laws.test.ts'],
    only: 'no store is chosen that is blocked',
  },
];
