import type { Configuration, Profile } from '../config/configuration.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { readBeginning } from '../config/read-beginning.ts';
import { parseAcceptancePolicy, parseReplicationPolicy } from '../config/replication-policies.ts';
import { whyUnreadable } from '../config/why-unreadable.ts';
import { type ReplicationPolicy, ruleOfPolicy } from '../domain/rule/replication-policy.ts';
import type { AcceptancePolicy } from '../domain/store/acceptance.ts';
import { isAmong } from '../domain/store/store-names.ts';

/** More than the longest text that is taken for a policy. */
const POLICY_BYTES_MAX = 1024 * 1024;

/** A node of a policy, and the stores of the configuration it stands for (docs/policies.md, "Nodes"). */
export interface CheckedNode {
  readonly node: string;
  /** Empty: nothing here is called so. */
  readonly stores: readonly string[];
}

/** An object's policy, and what it means on the stores of a configuration. */
export interface CheckedPolicy {
  readonly policy: ReplicationPolicy;
  /** 0: the policy asks for none. */
  readonly copies: number;
  readonly preferred: readonly CheckedNode[];
  readonly blocked: readonly CheckedNode[];
  /** Stores that volunteer and are not blocked, preferred ones first. */
  readonly candidates: readonly string[];
}

/** Throws a `ConfigurationError` with everything that is wrong with the file. */
export function checkReplicationPolicy(configuration: Configuration, file: string): CheckedPolicy {
  return checkReplicationPolicyText(configuration, readPolicy(file), file);
}

/** `checkReplicationPolicy` for a text that is at hand; `file` is what problems call it. */
export function checkReplicationPolicyText(configuration: Configuration, text: string, file: string): CheckedPolicy {
  const policy = parseReplicationPolicy(text, file);
  const preferred = policy.preferredNodes.map((node) => resolveNode(configuration, node));
  const blocked = policy.blockedNodes.map((node) => resolveNode(configuration, node));
  const refused = new Set(blocked.flatMap(({ stores }) => stores));
  const first = preferred.flatMap(({ stores }) => stores);
  const candidates = Object.values(configuration.profiles)
    .filter(({ name, traits }) => traits.accepts.replicate && !refused.has(name))
    .map(({ name }) => name)
    .toSorted((a, b) => Number(first.includes(b)) - Number(first.includes(a)));
  return { policy, copies: ruleOfPolicy(policy)?.copies ?? 0, preferred, blocked, candidates };
}

/** What a store accepts, and its allowed nodes on the stores of a configuration. */
export interface CheckedAcceptance {
  readonly policy: AcceptancePolicy;
  readonly allowed: readonly CheckedNode[];
}

/** As `checkReplicationPolicy`. */
export function checkAcceptancePolicy(configuration: Configuration, file: string): CheckedAcceptance {
  return checkAcceptancePolicyText(configuration, readPolicy(file), file);
}

/** As `checkReplicationPolicyText`. */
export function checkAcceptancePolicyText(configuration: Configuration, text: string, file: string): CheckedAcceptance {
  const policy = parseAcceptancePolicy(text, file);
  return { policy, allowed: policy.allowedNodes.map((node) => resolveNode(configuration, node)) };
}

/** What problems call a text that a program has at hand. */
export const POLICY_AT_HAND = 'the text';

/** A policy that a program says: one that is read, or its text. */
export function policyOf(said: ReplicationPolicy | string): ReplicationPolicy {
  return typeof said === 'string' ? parseReplicationPolicy(said, POLICY_AT_HAND) : said;
}

function resolveNode({ profiles }: Configuration, node: string): CheckedNode {
  const isMeant = ({ name, traits }: Profile): boolean =>
    isAmong({ store: name, aliases: traits.aliases, site: traits.site }, [node]);
  const meant = Object.values(profiles).filter(isMeant);
  return { node, stores: meant.map(({ name }) => name) };
}

export function readPolicy(file: string): string {
  try {
    return readBeginning(file, POLICY_BYTES_MAX).toString('utf8');
  } catch (error) {
    const message = `${file}: ${whyUnreadable(error)}`;
    throw new ConfigurationError([problemOutsideFiles(file, message, 'name a file with a policy as YAML or XML')]);
  }
}
