import {
  checkAcceptancePolicy,
  checkAcceptancePolicyText,
  type CheckedAcceptance,
  type CheckedPolicy,
  checkReplicationPolicy,
  checkReplicationPolicyText,
} from '../client/check-policy.ts';
import { demandOwnFile } from './demand-own-file.ts';
import type { Invocation } from './invocation.ts';
import { readText } from './name-lists.ts';

/** An object's policy from a file, or with `-` from standard input. */
export async function readSaidPolicy(cli: Invocation, file: string): Promise<CheckedPolicy> {
  const configuration = await cli.configuration();
  if (file === '-') return checkReplicationPolicyText(configuration, readText(file), STDIN);
  demandOwnFile('policy', file);
  return checkReplicationPolicy(configuration, file);
}

/** What a store accepts, as `readSaidPolicy`. */
export async function readSaidAcceptance(cli: Invocation, file: string): Promise<CheckedAcceptance> {
  const configuration = await cli.configuration();
  if (file === '-') return checkAcceptancePolicyText(configuration, readText(file), STDIN);
  demandOwnFile('policy', file);
  return checkAcceptancePolicy(configuration, file);
}

const STDIN = 'standard input';
