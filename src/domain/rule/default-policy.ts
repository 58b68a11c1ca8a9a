import { makeReplicationPolicy } from './replication-policy.ts';
import type { ReplicationPolicy } from './replication-policy.ts';

/** What holds for objects nobody has said anything about (docs/policies.md, "The default policy"). */
export interface DefaultPolicy {
  /** Of the object's scope. */
  readonly isOn: boolean;
  /** Only smaller objects are copied: larger ones are sent over a network by decision, not by default. */
  readonly maxBytes: number;
}

/** 1 GiB. */
export const DEFAULT_POLICY_BYTES_MAX = 1_073_741_824;

const DEFAULT_NUMBER_REPLICAS = 2;

export interface PolicyFacts {
  readonly bytes: number;
  /** The object's own. */
  readonly policy: ReplicationPolicy | undefined;
  /** A rule names the object, or a collection that holds it. */
  readonly hasRule: boolean;
  readonly hasVolunteers: boolean;
}

/** The policy an object is under. `why` completes "it is under this policy because ", or, without one, "it is under none because ". */
export interface PolicyInForce {
  readonly policy: ReplicationPolicy | undefined;
  readonly why: string;
}

/** An object's own policy holds to the letter; the default one holds where nobody has said anything and some store volunteers. */
export function findPolicyInForce(facts: PolicyFacts, byDefault: DefaultPolicy): PolicyInForce {
  if (facts.policy !== undefined) return { policy: facts.policy, why: 'it is the object’s own' };
  if (facts.hasRule) return under(undefined, 'a rule says what copies it has');
  if (!byDefault.isOn) return under(undefined, 'it has none, and the default policy is off in its scope');
  if (!facts.hasVolunteers) return under(undefined, 'it has none, and no store volunteers for copies by policy');
  const sizes = `it has ${facts.bytes} bytes, and the default policy is for less than ${byDefault.maxBytes}`;
  if (facts.bytes >= byDefault.maxBytes) return under(undefined, sizes);
  return under(makeReplicationPolicy({ numberReplicas: DEFAULT_NUMBER_REPLICAS }), 'it is the default policy');
}

function under(policy: ReplicationPolicy | undefined, why: string): PolicyInForce {
  return { policy, why };
}
