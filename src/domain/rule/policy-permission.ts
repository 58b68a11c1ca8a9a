/** Who asks to set an object's policy, and who may (docs/policies.md, "Who may set a policy"). */
export interface PolicyPermissionFacts {
  readonly object: string;
  readonly account: string;
  readonly isAdministrator: boolean;
  /** Undefined: the object has none. */
  readonly rightsHolder: string | undefined;
  /** Undefined: no store is authoritative for the object. */
  readonly authoritativeStore: { readonly store: string; readonly isAdministeredByAccount: boolean } | undefined;
}

export type PolicyPermission = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly why: string };

export function decidePolicyPermission(facts: PolicyPermissionFacts): PolicyPermission {
  const { object, account, rightsHolder, authoritativeStore } = facts;
  if (facts.isAdministrator || account === rightsHolder || authoritativeStore?.isAdministeredByAccount === true) {
    return { kind: 'granted' };
  }
  const others = [
    ...(rightsHolder === undefined ? [] : [`its rights holder ${rightsHolder}`]),
    ...(authoritativeStore === undefined ? [] : [`an administrator of the store ${authoritativeStore.store}`]),
  ];
  const who = `${others.join(', ')}${others.length > 0 ? ' or ' : ''}an administrator`;
  return { kind: 'refused', why: `${account} may not set the policy of ${object}: ${who} may` };
}
