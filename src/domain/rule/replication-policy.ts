/**
 * How many copies one object has besides the authoritative one, and where (docs/policies.md, "Policies of objects"). A policy
 * is a rule in other words.
 */
export interface ReplicationPolicy {
  readonly replicationAllowed: boolean;
  /** Copies besides the authoritative one. */
  readonly numberReplicas: number;
  /** Nodes that are used first. Never one that is blocked too: blocked wins. */
  readonly preferredNodes: readonly string[];
  readonly blockedNodes: readonly string[];
}

const NUMBER_REPLICAS_DEFAULT = 3;

/** A policy with what it does not say filled in, each node once, in the order given. */
export function makeReplicationPolicy(said: Partial<ReplicationPolicy>): ReplicationPolicy {
  const blocked = new Set(said.blockedNodes);
  return {
    replicationAllowed: said.replicationAllowed ?? true,
    numberReplicas: said.numberReplicas ?? NUMBER_REPLICAS_DEFAULT,
    preferredNodes: [...new Set(said.preferredNodes)].filter((node) => !blocked.has(node)),
    blockedNodes: [...blocked],
  };
}

/** The rule a policy stands for. Its stores are all that volunteer: a policy has no expression. */
export interface PolicyRule {
  readonly copies: number;
  readonly grouping: 'none';
  /** The authoritative store is no candidate, and its copy is not counted. */
  readonly besidesAuthoritative: true;
  readonly isByPolicy: true;
  /** Copies beyond the number go at once, so that what is there is what the policy says. */
  readonly purge: true;
  readonly preferredNodes: readonly string[];
  readonly blockedNodes: readonly string[];
}

/** Undefined: the policy asks for no copies, and a rule it stood for ends. */
export function ruleOfPolicy(policy: ReplicationPolicy): PolicyRule | undefined {
  if (!policy.replicationAllowed || policy.numberReplicas === 0) return undefined;
  return {
    copies: policy.numberReplicas,
    grouping: 'none',
    besidesAuthoritative: true,
    isByPolicy: true,
    purge: true,
    preferredNodes: policy.preferredNodes,
    blockedNodes: policy.blockedNodes,
  };
}
